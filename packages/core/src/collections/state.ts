/** What the record of a collection holds, its bounds, and the forms of its items. @module */

import type { Json, StandardSchema } from '../contracts.ts'
import { checkBySchema } from '../data/schema.ts'
import { checkValue, freezeValue } from '../data/value.ts'
import { misuse, type Rule } from '../lib/options.ts'
import { asFields, asText } from '../lib/parse.ts'
import { CollectionFullError } from './error.ts'

/** How many items a collection holds. */
export const MAX_ITEMS = 1_000
/** The longest state as JSON, in bytes of UTF-8: 64 KB once it is sealed. */
const MAX_BYTES = 48_000
/** The longest field of a hash and member of a set, in characters. */
const MAX_NAME = 500
/** How many changes a collection remembers: as many may follow one whose answer was lost. */
const MAX_RECENT = 64
/** The longest mark of a change, in characters. */
const MAX_MARK = 16

/** The contents of a collection, and the marks of its last changes, oldest first. */
export interface State<T> {
  readonly items: T
  readonly recent: readonly string[]
}

/** The state after a change. */
export function nextState<T>(before: State<T> | undefined, items: T, mark: string): State<T> {
  return { items, recent: [...(before?.recent ?? []), mark].slice(-MAX_RECENT) }
}

/** How contents look in a record. */
export interface Contents<T> {
  readonly empty: T
  /** The contents in untrusted JSON; `undefined` when it is none. */
  parse(json: unknown): T | undefined
}

/** A schema of the state: a damaged record counts as none. */
export function schemaOf<T>({ parse }: Contents<T>): StandardSchema<unknown, State<T>> {
  const validate = (json: unknown): { value: State<T> } | { issues: readonly { message: string }[] } => {
    const fields = asFields(json)
    const items = fields && parse(fields['items'])
    const recent = fields?.['recent']
    return items === undefined || !isRecent(recent)
      ? { issues: [{ message: 'damaged' }] }
      : { value: { items, recent } }
  }
  return { '~standard': { version: 1, vendor: 'warmtoken', validate } }
}

function isRecent(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) && value.length <= MAX_RECENT && value.every((mark) => asText(mark, MAX_MARK) !== undefined)
  )
}

/** Whether a state is within the bounds. */
export function fits({ items, recent }: State<unknown>): boolean {
  if (Array.isArray(items) && items.length > MAX_ITEMS) return false
  return Buffer.byteLength(JSON.stringify({ items, recent })) <= MAX_BYTES
}

/** Throws `CollectionFullError` for a state beyond the bounds. */
export function checkBounds(key: string, state: State<unknown>): void {
  const { items } = state
  if (Array.isArray(items) && items.length > MAX_ITEMS)
    throw new CollectionFullError(key, `${items.length} items, but at most ${MAX_ITEMS} are allowed`)
  if (!fits(state)) throw new CollectionFullError(key, `more than ${MAX_BYTES} bytes of JSON`)
}

/** Whether it is a list of at most 1,000. */
export function isList(json: unknown): json is readonly Json[] {
  return Array.isArray(json) && json.length <= MAX_ITEMS
}

/** The items that users hand in, and what the store gives back. */
export interface ItemForm<V> {
  /** Throws `ValueError` for what JSON cannot hold, and `TypeError` for what the schema refuses. */
  print(where: string, value: V): Json
  /** `undefined`: the schema refuses it. */
  parse(json: Json): { readonly value: V } | undefined
}

/** Makes the form of items. Without a schema they are JSON. */
export function itemForm<V>(key: string, schema: StandardSchema<unknown, V> | undefined): ItemForm<V> {
  return {
    print(where, value) {
      checkValue(key, value)
      const checked = checkBySchema(key, schema, value)
      if (checked.outcome === 'refused') misuse(where, `the schema of ${key} refuses ${checked.path}`)
      const accepted: unknown = checked.outcome === 'accepted' ? checked.value : undefined
      checkValue(key, accepted)
      // A copy, so that the caller may go on changing what it handed in.
      return freezeValue(JSON.parse(JSON.stringify(accepted)) as Json)
    },
    parse(json) {
      try {
        const checked = checkBySchema(key, schema, json)
        return checked.outcome === 'accepted' ? { value: freezeValue(checked.value) } : undefined
      } catch {
        // A schema that throws has not accepted it.
        return undefined
      }
    },
  }
}

/** Fields and members: texts that are well-formed. */
export const nameRule: Rule = [`a well-formed string of 1 to ${MAX_NAME} characters`, isName]

/** Whether it may be a field or a member. */
export function isName(value: unknown): value is string {
  return asText(value, MAX_NAME) !== undefined && value !== '' && (value as string).isWellFormed()
}

/** Throws `TypeError` for what cannot be a field or a member. */
export function checkNames(where: string, what: string, names: readonly unknown[]): void {
  if (!names.every(isName)) misuse(where, `${what} must be ${nameRule[0]}`)
}
