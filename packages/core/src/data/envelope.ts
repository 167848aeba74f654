import type { Json } from '../contracts.ts'
import { asFields, asText, type Fields } from '../lib/parse.ts'
import type { Under } from './judge.ts'

/** How many tags an entry may have, those of its key's prefixes included: each costs a look one read. */
export const MAX_TAGS = 32
/** The longest tag, in characters. */
export const MAX_TAG = 200
/** The longest mark of a loader, in characters. */
export const MAX_MARK = 1_000
/** The longest reference to a body record, in characters. */
const MAX_POINTER = 200

/** What a value record holds, sealed as a whole: the value or where its body lies, and what it rests on. */
export interface Envelope {
  /**
   * `value`: it is here. `zip`: its JSON is here, compressed by gzip, as base64. `body`: it lies in an immutable record of its own. `none`: the loader said that there is none.
   */
  readonly content:
    | { readonly kind: 'value'; readonly value: Json }
    | { readonly kind: 'zip'; readonly zip: string }
    | { readonly kind: 'body'; readonly pointer: BodyPointer }
    | { readonly kind: 'none' }
  /** The tags and numbers that were read before the load. */
  readonly under: Under
  /** What the loader wants to be told when it loads again, such as an ETag. */
  readonly mark?: string | undefined
}

/** Where a large value lies. */
export interface BodyPointer {
  /** The key of the body record. */
  readonly key: string
  /** Length of its text, in characters: a body of another length is damaged. */
  readonly length: number
  /** Whether it lies in the store for bodies. */
  readonly isFar: boolean
}

/** The envelope as JSON. */
export function printEnvelope({ content, under, mark }: Envelope): Json {
  return {
    ...(content.kind === 'value' && { value: content.value }),
    ...(content.kind === 'zip' && { zip: content.zip }),
    ...(content.kind === 'body' && { body: [content.pointer.key, content.pointer.length, content.pointer.isFar] }),
    tags: under.tags.map(([tag, number]) => [tag, number]),
    root: under.root,
    ...(mark !== undefined && { mark }),
  }
}

/** The envelope in untrusted JSON; `undefined` when it is none. */
export function parseEnvelope(json: unknown): Envelope | undefined {
  const fields = asFields(json)
  if (fields === undefined) return undefined
  const content = parseContent(fields)
  const { tags, root, mark } = fields
  if (content === undefined || !Array.isArray(tags) || tags.length > MAX_TAGS || !isNumber(root)) return undefined
  if (!tags.every(isTagNumber) || (mark !== undefined && asText(mark, MAX_MARK) === undefined)) return undefined
  return { content, under: { tags, root }, ...(typeof mark === 'string' && { mark }) }
}

function parseContent(fields: Fields): Envelope['content'] | undefined {
  // Own fields only, for the value may be anything.
  if (Object.hasOwn(fields, 'value')) return { kind: 'value', value: fields['value'] as Json }
  const { body, zip } = fields
  if (typeof zip === 'string') return { kind: 'zip', zip }
  if (body === undefined) return { kind: 'none' }
  const [key, length, isFar] = Array.isArray(body) ? (body as readonly unknown[]) : []
  const text = asText(key, MAX_POINTER)
  if (text === undefined || !text.startsWith('body~') || !isNumber(length)) return undefined
  return { kind: 'body', pointer: { key: text, length, isFar: isFar === true } }
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTagNumber(item: unknown): item is readonly [string, number] {
  const [tag, number] = Array.isArray(item) ? (item as readonly unknown[]) : []
  return asText(tag, MAX_TAG) !== undefined && tag !== '' && isNumber(number)
}
