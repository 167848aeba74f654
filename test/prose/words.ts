import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the workspace. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** A phrase to avoid, and what to write instead. */
export interface Phrase {
  readonly pattern: RegExp
  readonly better: string
}

/** One use of such a phrase. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly found: string
  readonly better: string
}

/** What stands between two words: white space, and the marks with which a comment or a quotation continues. */
const GAP = String.raw`(?:\s+(?:\*|//|#|>)?\s*)`

/** Files whose prose is checked. Generated and quoted text is left out. */
const FILES = '**/*.{md,ts,mjs,yml,yaml,sh}'
const LEFT_OUT = [
  '**/node_modules/**',
  '**/dist/**',
  '**/*.d.ts',
  '**/CHANGELOG.md',
  'test/prose/**',
  'test/fixtures/**',
]

/** Reads the list: a regular expression, two or more spaces, the better phrase; `#` begins a comment line. */
export function parsePhrases(text: string): readonly Phrase[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, source = '', better = ''] = /^(.*?\S) {2,}(\S.*)$/.exec(line) ?? []
      if (source === '') throw new Error(`words.txt: "${line}" has no better phrase, two spaces behind the expression`)
      return { pattern: new RegExp(String.raw`\b(?:${source.replaceAll(' ', GAP)})\b`, 'gi'), better }
    })
}

/** The phrases of words.txt. */
export function readPhrases(): readonly Phrase[] {
  return parsePhrases(readFileSync(new URL('./words.txt', import.meta.url), 'utf8'))
}

/** Every use of a phrase in a text, in the order of the lines. */
export function findIn(path: string, text: string, phrases: readonly Phrase[]): readonly Finding[] {
  return phrases
    .flatMap(({ pattern, better }) =>
      [...text.matchAll(pattern)].map((match) => ({
        path,
        line: text.slice(0, match.index).split('\n').length,
        found: match[0].replaceAll(/\s+/g, ' '),
        better,
      })),
    )
    .sort((one, other) => one.line - other.line)
}

/** Every use of a phrase in these folders and files of the repository. */
export function findPhrases(places: readonly string[]): readonly Finding[] {
  const phrases = readPhrases()
  const patterns = places.map((place) => (/[\w*]\.\w+$/.test(place) ? place : `${place}/${FILES}`))
  return globSync(patterns, { cwd: ROOT, exclude: LEFT_OUT })
    .sort()
    .flatMap((path) => findIn(path, readFileSync(join(ROOT, path), 'utf8'), phrases))
}

/** A finding as one line. */
export function describeFinding({ path, line, found, better }: Finding): string {
  return `${path}:${line}: "${found}" → ${better}`
}
