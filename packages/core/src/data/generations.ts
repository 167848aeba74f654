/**
 * The numbers that invalidate: one record for each tag, and one root record for each cache, which holds the patterns, the
 * number of everything, and the control. An entry remembers the numbers that were read before its load; a larger number
 * forbids it. Numbers are compared with each other, never with a clock. Pure: no input, no output, no clock.
 *
 * @module
 */

import { asFields, asText, parseJson } from '../lib/parse.ts'

/** The version of the records' form. */
const SCHEMA = 1
/** How many patterns a root record holds. One more folds the oldest into the number of everything. */
export const MAX_PATTERNS = 32
/** The longest root record, in characters: one look reads it for one read unit. */
export const MAX_ROOT_LENGTH = 4_000
/** The longest pattern, in characters. */
export const MAX_PATTERN = 200
/** How far above the server's time a number is believed, in ms: above, a record is damaged. */
const MAX_AHEAD = 400 * 86_400_000

/** How an invalidation forbids: `hard` entries are dead, `soft` ones may be served while they are refreshed. */
export type Severity = 'hard' | 'soft'

/** The numbers of a tag. An entry loaded under a smaller one is dead (`hard`) or only stale (`soft`). 0: never. */
export interface Generation {
  readonly hard: number
  readonly soft: number
}

/** The numbers of a pattern. */
export interface PatternGeneration extends Generation {
  /** The pattern: `*` stands for any text. */
  readonly text: string
}

/** What a root record holds. */
export interface Root extends Generation {
  /** The patterns, oldest number first. */
  readonly patterns: readonly PatternGeneration[]
  /** The switches of an operator; see `control.ts`. Not interpreted here. */
  readonly control?: unknown
  /** Who changed the switches last; see `audit.ts`. Not interpreted here. */
  readonly changes?: unknown
}

/** A tag that was never invalidated. */
export const NO_GENERATION: Generation = { hard: 0, soft: 0 }
/** A cache in which nothing was ever invalidated by pattern or as a whole. */
export const NO_ROOT: Root = { hard: 0, soft: 0, patterns: [] }

/** The largest number of a generation: what an entry that is loaded now remembers. */
export function numberOf({ hard, soft }: Generation): number {
  return Math.max(hard, soft)
}

/** The largest number in a root record. */
export function numberOfRoot(root: Root): number {
  return Math.max(numberOf(root), ...root.patterns.map(numberOf))
}

/**
 * The next number: it rises by one at least, and follows the server's time, so that it survives the deletion of its record.
 * `latest`: the time on the server is this or earlier. After a number that is too far ahead to be raised, it starts at that time:
 * what rests on a higher number then counts as lost, which forbids it.
 */
export function nextNumber(last: number, latest: number): number {
  const next = Math.max(last + 1, Math.ceil(latest))
  return isPlausible(next, latest) ? next : Math.ceil(latest)
}

/** The generation with one more invalidation. */
export function raise(generation: Generation, severity: Severity, latest: number): Generation {
  return { ...generation, [severity]: nextNumber(numberOf(generation), latest) }
}

/** The root with everything invalidated once more. */
export function raiseRoot(root: Root, severity: Severity, latest: number): Root {
  return { ...root, [severity]: nextNumber(numberOfRoot(root), latest) }
}

/** The root with one more invalidation of a pattern. The oldest patterns are folded into the root's own numbers when it is full. */
export function raisePattern(
  root: Root,
  { text, severity, latest }: { readonly text: string; readonly severity: Severity; readonly latest: number },
): Root {
  const known = root.patterns.find((pattern) => pattern.text === text) ?? { text, ...NO_GENERATION }
  const raised = { ...known, [severity]: nextNumber(numberOfRoot(root), latest) }
  const patterns = [...root.patterns.filter((pattern) => pattern.text !== text), raised]
  return fold({ ...root, patterns })
}

/** Folding forbids more than was asked, never less: what an old pattern forbade, the whole cache forbids from then on. */
function fold(root: Root): Root {
  const [oldest, ...patterns] = root.patterns
  const isFull = root.patterns.length > MAX_PATTERNS || printRoot(root, '').length > MAX_ROOT_LENGTH
  if (isFull && root.changes !== undefined) {
    const { changes: _changes, ...rest } = root
    return fold(rest)
  }
  // The newest is never folded: a single pattern always fits.
  if (!isFull || oldest === undefined || patterns.length === 0) return root
  const hard = Math.max(root.hard, oldest.hard)
  const soft = Math.max(root.soft, oldest.soft)
  return fold({ ...root, hard, soft, patterns })
}

/**
 * Whether the numbers that stood in the way of a swap forbid as much as it was to forbid, by a number above all that were
 * read before it: a later invalidation, which makes this one needless. An older number, which folding may raise `hard` to,
 * proves nothing.
 */
export function coversAsMuch(there: Generation, severity: Severity, readBefore: number): boolean {
  return (severity === 'hard' ? there.hard : numberOf(there)) > readBefore
}

/** The numbers of a pattern in a root record, with those of everything. */
export function patternIn(root: Root, text: string): Generation {
  const { hard, soft } = root.patterns.find((pattern) => pattern.text === text) ?? NO_GENERATION
  return { hard: Math.max(hard, root.hard), soft: Math.max(soft, root.soft) }
}

/** The record of a tag as text. */
export function printGeneration({ hard, soft }: Generation, key: string): string {
  return JSON.stringify({ schema: SCHEMA, key, hard, soft })
}

/** The root record as text. */
export function printRoot({ hard, soft, patterns, control, changes }: Root, key: string): string {
  const list = patterns.map((pattern) => [pattern.text, pattern.hard, pattern.soft])
  // What is left out is not in the text.
  return JSON.stringify({ schema: SCHEMA, key, hard, soft, patterns: list, control, changes })
}

/** The record of a tag in an untrusted text; `undefined` when it is damaged. `latest`: as in {@link nextNumber}. */
export function parseGeneration(body: string, key: string, latest: number): Generation | undefined {
  const fields = body.length > MAX_ROOT_LENGTH ? undefined : asFields(parseJson(body))
  if (fields === undefined || fields['schema'] !== SCHEMA || fields['key'] !== key) return undefined
  return parseNumbers(fields['hard'], fields['soft'], latest)
}

/** The root record in an untrusted text; `undefined` when it is damaged. */
export function parseRoot(body: string, key: string, latest: number): Root | undefined {
  const fields = body.length > 2 * MAX_ROOT_LENGTH ? undefined : asFields(parseJson(body))
  if (fields === undefined || fields['schema'] !== SCHEMA || fields['key'] !== key) return undefined
  const numbers = parseNumbers(fields['hard'], fields['soft'], latest)
  const list = fields['patterns']
  if (numbers === undefined || !Array.isArray(list) || list.length > MAX_PATTERNS) return undefined
  const patterns = list.map((item: unknown) => parsePatternGeneration(item, latest))
  if (!patterns.every((pattern) => pattern !== undefined)) return undefined
  const { control, changes } = fields
  const known = { ...(control !== undefined && { control }), ...(changes !== undefined && { changes }) }
  return { ...numbers, patterns, ...known }
}

function parsePatternGeneration(item: unknown, latest: number): PatternGeneration | undefined {
  const [text, hard, soft] = Array.isArray(item) ? (item as readonly unknown[]) : []
  const numbers = parseNumbers(hard, soft, latest)
  const pattern = asText(text, MAX_PATTERN)
  return pattern === undefined || numbers === undefined ? undefined : { text: pattern, ...numbers }
}

function parseNumbers(hard: unknown, soft: unknown, latest: number): Generation | undefined {
  const isNumber = (value: unknown): value is number =>
    Number.isSafeInteger(value) && (value as number) >= 0 && isPlausible(value as number, latest)
  return isNumber(hard) && isNumber(soft) ? { hard, soft } : undefined
}

/** Whether a number may stand in a record: numbers follow the server's time. `latest`: as in {@link nextNumber}. */
export function isPlausible(number: number, latest: number): boolean {
  return number <= latest + MAX_AHEAD
}
