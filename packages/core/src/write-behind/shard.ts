/**
 * The index: which keys have writes that wait, with a mark for each, in 64 records. A journal that is not idle is always in it;
 * an idle one may be, until the next sweep. Pure.
 *
 * @module
 */

import { makeKey } from '../lib/key.ts'
import { asFields, matches, parseJson } from '../lib/parse.ts'
import { isId } from './journal-text.ts'

/** The version of the form. */
const SCHEMA = 1
/** How many records the index has. Another number would lose keys: it is fixed. */
export const SHARDS = 64
/** How many keys one of them holds. */
export const MAX_KEYS = 200
/** The longest record, in characters. */
const MAX_LENGTH = 65_536

/** Keys of journals, each with the mark of the write that put it there last. */
export type Shard = ReadonlyMap<string, string>

/** The record keys of one write-behind. */
export interface BehindKeys {
  /** The journal of a plain key. */
  journal(plain: string): string
  /** The record of the index that a journal belongs to. */
  shardOf(journalKey: string): string
  readonly shards: readonly string[]
}

/** Makes the record keys. */
export function createBehindKeys(namespace: string, name: string): BehindKeys {
  const index = makeKey('wbx', namespace, name)
  const shards = Array.from({ length: SHARDS }, (_, number) => `${index}-${number}`)
  return {
    journal: (plain) => makeKey('wb', namespace, [name, plain]),
    shardOf: (journalKey) => shards[Number.parseInt(journalKey.slice(-8), 16) % SHARDS] ?? '',
    shards,
  }
}

/** The record as text. Keys without their common start. */
export function printShard(shard: Shard, key: string): string {
  return JSON.stringify({ schema: SCHEMA, key, keys: [...shard].map(([one, mark]) => [one.slice(3), mark]) })
}

/** The record in an untrusted text; `undefined` when it is damaged. */
export function parseShard(body: string, key: string): Shard | undefined {
  const fields = body.length > MAX_LENGTH ? undefined : asFields(parseJson(body))
  const list = fields?.['keys']
  if (fields?.['schema'] !== SCHEMA || fields['key'] !== key || !Array.isArray(list)) return undefined
  const shard = new Map<string, string>()
  for (const item of list.slice(0, MAX_KEYS) as readonly unknown[]) {
    const [one, mark] = Array.isArray(item) ? (item as readonly unknown[]) : []
    if (!matches(one, /^[0-9a-f]{40}$/) || !isId(mark)) return undefined
    shard.set(`wb~${one}`, mark)
  }
  return shard
}
