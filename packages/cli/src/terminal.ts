/** Output: results on standard output, everything else on standard error. Colors only on a terminal. @module */

import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'
import { styleText } from 'node:util'
import { asLine } from '@warmtoken/core/record'
import { EXIT, OperatorError } from './exit.ts'

type Format = Parameters<typeof styleText>[0]

/** The standard streams of a process. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

/** What a command writes to. */
export interface Terminal {
  /** Whether someone can answer a question. */
  readonly isInteractive: boolean
  /** From now on a result is one JSON object. */
  useJson(): void
  /** Prints the result: as JSON, or as lines. */
  result(object: object, lines: () => readonly string[]): void
  /** Prints a line of a result that has no end, such as that of `watch`. */
  line(object: object, text: string): void
  /** Writes a line to standard error. */
  note(text: string): void
  /** Rewrites the line of progress. Without a terminal it writes nothing. */
  progress(text: string): void
  /** Ends the line of progress. */
  endProgress(): void
  /** The text in a color, where standard output is a terminal and `NO_COLOR` is not set. */
  style(format: Format, text: string): string
  /** Asks a question. Throws when nobody can answer. */
  ask(question: string): Promise<string>
}

/** Makes the output of a command. */
export function createTerminal({ stdin, stdout, stderr }: Streams): Terminal {
  const isInteractive = stdin.isTTY === true && stderr.isTTY === true
  let json = false
  let isAtProgress = false
  const endProgress = (): void => {
    if (isAtProgress) stderr.write('\n')
    isAtProgress = false
  }
  return {
    isInteractive,
    useJson() {
      json = true
    },
    result(object, lines) {
      endProgress()
      stdout.write(
        json
          ? `${JSON.stringify(object, null, 2)}\n`
          : lines()
              .map((line) => `${line}\n`)
              .join(''),
      )
    },
    line(object, text) {
      stdout.write(`${json ? JSON.stringify(object) : text}\n`)
    },
    note(text) {
      endProgress()
      stderr.write(`${text}\n`)
    },
    progress(text) {
      if (stderr.isTTY !== true) return
      stderr.write(`\r\u001b[2K${text}`)
      isAtProgress = true
    },
    endProgress,
    style: (format, text) => styleText(format, text, { stream: stdout }),
    async ask(question) {
      if (!isInteractive) throw new OperatorError(`this needs an interactive terminal: ${question}`, EXIT.usage)
      endProgress()
      const reader = createInterface({ input: stdin, output: stderr })
      const { promise: closed, reject } = Promise.withResolvers<never>()
      // On Ctrl-C, or when the terminal goes away.
      reader.once('close', () => reject(new OperatorError('stopped; nothing was changed')))
      try {
        return (await Promise.race([reader.question(`${question} `), closed])).trim()
      } finally {
        closed.catch(() => {})
        reader.close()
      }
    },
  }
}

/** A table as lines, its columns aligned. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const safe = rows.map((cells) => cells.map((cell) => asLine(cell, MAX_CELL) ?? ''))
  const widths = (safe[0] ?? []).map((_cell, at) => Math.max(...safe.map((cells) => cells[at]?.length ?? 0)))
  return safe.map((cells) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** The widest cell, in characters. */
const MAX_CELL = 200
