/** Reads and judges what is in the store, by code of its own: a fault of the production code must not hide itself. @module */

import { gunzipSync } from 'node:zlib'
import type { Value } from './truth.ts'

/** What a record of the store says of its value. */
export interface Stored {
  /** `body`: it lies elsewhere. */
  readonly content:
    | { readonly kind: 'value'; readonly value: Value }
    | { readonly kind: 'body'; readonly key: string; readonly isFar: boolean }
    | { readonly kind: 'none' }
  readonly tags: readonly (readonly [tag: string, number: number])[]
  readonly root: number
  /** On the server's clock, in ms. */
  readonly hardExpiry: number
}

/** The numbers of a tag, or of everything with the patterns. */
export interface Numbers {
  readonly hard: number
  readonly soft: number
  readonly patterns: readonly (readonly [text: string, hard: number, soft: number])[]
}

const NOTHING: Numbers = { hard: 0, soft: 0, patterns: [] }

/** The value in the text of a record; `undefined` when there is none. */
export function readStored(text: string): Stored | undefined {
  const { value } = JSON.parse(text) as { value?: { sealed: string; hardExpiry: number } }
  if (value === undefined) return undefined
  const sealed = JSON.parse(value.sealed) as Sealed
  return { content: contentOf(sealed), tags: sealed.tags, root: sealed.root, hardExpiry: value.hardExpiry }
}

interface Sealed {
  readonly value?: Value
  readonly zip?: string
  readonly body?: readonly [key: string, length: number, isFar: boolean]
  readonly tags: Stored['tags']
  readonly root: number
}

function contentOf({ value, zip, body }: Sealed): Stored['content'] {
  if (value !== undefined) return { kind: 'value', value }
  if (zip !== undefined) return { kind: 'value', value: unzip(zip) }
  return body === undefined ? { kind: 'none' } : { kind: 'body', key: body[0], isFar: body[2] }
}

/** The value in the text of a body. */
export function readBody(text: string): Value {
  return text.startsWith('z') ? unzip(text.slice(1)) : (JSON.parse(text.slice(1)) as Value)
}

function unzip(zip: string): Value {
  return JSON.parse(gunzipSync(Buffer.from(zip, 'base64')).toString()) as Value
}

/** The numbers in the text of a generation record; `undefined` when it is garbage. */
export function readNumbers(text: string | undefined): Numbers | undefined {
  if (text === undefined) return NOTHING
  try {
    const { hard, soft, patterns = [] } = JSON.parse(text) as Partial<Numbers>
    const all = [hard, soft, ...patterns.flatMap(([, ...numbers]) => numbers)]
    return all.every((number) => Number.isSafeInteger(number))
      ? { hard: hard ?? 0, soft: soft ?? 0, patterns }
      : undefined
  } catch {
    return undefined
  }
}

/** The largest of the numbers. */
export function largest({ hard, soft, patterns }: Numbers): number {
  return Math.max(hard, soft, ...patterns.map(([, ...numbers]) => Math.max(...numbers)))
}

/** Whether a reader of the store may serve a value now, by the rules of the page on invalidation. */
export function outcomeOf(
  plain: string,
  { tags, root }: Stored,
  { numbersOf, everything }: { readonly numbersOf: (tag: string) => Numbers; readonly everything: Numbers },
): 'good' | 'stale' | 'dead' {
  const patterns = everything.patterns.filter(([text]) => isMatch(plain, text))
  const pairs = [
    ...tags.map(([tag, under]) => ({ ...numbersOf(tag), under })),
    { hard: everything.hard, soft: everything.soft, under: root },
    ...patterns.map(([, hard, soft]) => ({ hard, soft, under: root })),
  ]
  const isLost = largest(everything) < root || tags.some(([tag, under]) => largest(numbersOf(tag)) < under)
  if (isLost || pairs.some(({ hard, under }) => hard > under)) return 'dead'
  return pairs.some(({ soft, under }) => soft > under) ? 'stale' : 'good'
}

/** Patterns of this simulation have one star. */
function isMatch(plain: string, pattern: string): boolean {
  const [before = '', after = ''] = pattern.split('*')
  return plain.length >= before.length + after.length && plain.startsWith(before) && plain.endsWith(after)
}
