#!/usr/bin/env node
import { CommanderError } from 'commander'
import { EXIT, exitCodeOf, messageOf } from './exit.ts'
import { createProgram } from './program.ts'
import { createTerminal } from './terminal.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

async function main(): Promise<void> {
  const stop = new AbortController()
  let isReaderGone = false
  // A command ends after the write that it is at, so that nothing is left half-done.
  for (const signal of SIGNALS) process.once(signal, () => stop.abort())
  for (const stream of [process.stdout, process.stderr]) {
    // The reader has gone, as in `warmtoken list | head -1`: nobody is left to write to.
    stream.on('error', () => {
      process.exitCode = EXIT.failed
      isReaderGone = true
      stop.abort()
    })
  }
  const terminal = createTerminal(process)
  const closings: (() => void)[] = []
  try {
    const program = createProgram({
      terminal,
      env: process.env,
      cwd: process.cwd(),
      signal: stop.signal,
      atEnd: (close) => closings.push(close),
    })
    if (process.argv.length <= 2) program.error('Name a command, or --help')
    await program.parseAsync()
    if (stop.signal.aborted) process.exitCode = EXIT.failed
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return
    terminal.endProgress()
    process.exitCode = exitCodeOf(error)
    if (!isReaderGone) console.error(`warmtoken: ${messageOf(error)}`)
  } finally {
    for (const close of closings) close()
  }
}

void main()
