/** Checks the records that invalidate a cache, for operators: see docs/data/invalidation.md. @module */

import type { Codec, Seen, Store } from '../contracts.ts'
import { withCodecTimeout } from '../engine/file-hit.ts'
import { StoreError } from '../errors.ts'
import { checkOptions, durationRule, misuse, type Rule, shaped, textRule } from '../lib/options.ts'
import { parseJson } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline } from '../lib/timing.ts'
import { parseRecord } from '../record/record.ts'
import { nameRule } from './cache.ts'
import { parseEnvelope } from './envelope.ts'
import { readKeys } from './gather.ts'
import { numberOf, numberOfRoot, parseGeneration, parseRoot } from './generations.ts'
import { createGenerationKeys } from './home.ts'
import type { Under } from './judge.ts'
import { checkTags } from './load.ts'

/** Which records {@link checkGenerations} checks. */
export interface CheckGenerationsOptions {
  /** The `name` of `createCache`. */
  readonly name: string
  /** The `namespace` of `createCache`. Default: none. */
  readonly namespace?: string
  /** The tags whose records are checked, at most 1,000. Default: none, so only the root record is. */
  readonly tags?: readonly string[]
  /**
   * The records of values, by their keys as events and `warmtoken list` show them, at most 1,000. The records of their tags are
   * checked too: none may have a lower number than a value carries of it. Default: none, so losses are not detected.
   */
  readonly values?: readonly string[]
  /** The `codec` of `createCache`, to open values. Default: as `plaintext()`. */
  readonly codec?: Codec
  /** Within how long the store must answer each of two reads, in ms. Default 5,000. */
  readonly timeout?: number
}

/** Something that is wrong. */
export type GenerationFinding =
  /** The store may lose a write that it has acknowledged, and with it an invalidation. */
  | { readonly kind: 'forgets'; readonly store: string; readonly remedy: string }
  /** The record of the whole cache is garbage: its patterns, and the switches of `control`, are lost. */
  | { readonly kind: 'damaged-root'; readonly key: string; readonly remedy: string }
  /** A record has a lower number than a value carries of it, or is gone: the store lost it. `tag` is empty for the root record. */
  | {
      readonly kind: 'lost'
      readonly tag: string
      readonly key: string
      readonly value: string
      readonly remedy: string
    }
  /** A value cannot be opened: with another codec, or because it is damaged. Caches load it again. */
  | { readonly kind: 'unreadable-value'; readonly key: string; readonly remedy: string }
  /** The record of a tag is garbage. */
  | { readonly kind: 'damaged-tag'; readonly tag: string; readonly key: string; readonly remedy: string }

const listRule: Rule = ['a list of at most 1,000 strings', (value) => Array.isArray(value) && value.length <= 1_000]

const RULES: { readonly [Name in keyof CheckGenerationsOptions]-?: Rule } = {
  name: nameRule,
  namespace: textRule,
  tags: listRule,
  values: listRule,
  codec: shaped('seal', 'open'),
  timeout: durationRule,
}

const FORGETS =
  'use a store that keeps what it acknowledged, such as dynamoDBStore; or give redisStore "durable: true" where the server evicts nothing and survives a failover'
const LOST = 'and see that nothing deletes records of the store: no eviction, no lifecycle rule on gen~'
const UNREADABLE = 'give the "codec" of createCache; if that is right, delete the key'
const DAMAGED_ROOT =
  'call cache.invalidate({ everything: true }), which writes the record again, then set the switches again by cache.control()'

/**
 * Resolves to what is wrong with the generation records of a cache: the root record, those of the given tags, and those of the
 * tags of the given values. An empty list: nothing. It reads by one call of the store, or by two with `values`, and writes nothing.
 * A missing record is reported only if a given value carries a number of it: what was never invalidated has none.
 *
 * Rejects with what the store rejects with, and with `StoreError` of code `STORE_TIMEOUT` when it does not answer in time.
 * Rejects with `TypeError` for wrong options.
 *
 * @example
 * ```ts
 * for (const { kind, remedy } of await checkGenerations(store, { name: 'shop', tags: ['team:7'] })) console.warn(kind, remedy)
 * ```
 */
export async function checkGenerations(
  store: Store,
  options: CheckGenerationsOptions,
): Promise<readonly GenerationFinding[]> {
  const {
    name,
    namespace = '',
    tags: given = [],
    values = [],
    codec,
    timeout = 5_000,
  } = checkOptions('checkGenerations', options, RULES, ['name'])
  if (typeof store?.read !== 'function') misuse('checkGenerations', 'give a store, such as dynamoDBStore(…)')
  const asked = checkTags('checkGenerations', given)
  const { rootKey, tagKey } = createGenerationKeys(namespace, name)
  const read = (keys: readonly string[]) => readWithin(store, keys, timeout)

  // Values first: a number that is raised in between is higher then, never lower.
  const stored = values.length === 0 ? new Map<string, Seen>() : await read([...new Set(values)])
  const opened = await Promise.all([...stored].map(([key, seen]) => restsOn(key, seen, codec)))
  const resting = opened.filter((one) => one !== undefined)
  const tags = [...new Set([...asked, ...resting.flatMap(({ under }) => under?.tags.map(([tag]) => tag) ?? [])])]
  const found = await read([rootKey, ...tags.map(tagKey)])

  const numbers = new Map<string, number>()
  const damaged: GenerationFinding[] = []
  for (const tag of ['', ...tags]) {
    const key = tag === '' ? rootKey : tagKey(tag)
    const number = numberIn(found.get(key), key, tag === '')
    if (number !== undefined) numbers.set(tag, number)
    else if (tag === '') damaged.push({ kind: 'damaged-root', key, remedy: DAMAGED_ROOT })
    else damaged.push({ kind: 'damaged-tag', tag, key, remedy: invalidating(tag) })
  }
  const lost = resting.flatMap(({ key: value, under }): readonly GenerationFinding[] => {
    if (under === undefined) return [{ kind: 'unreadable-value', key: value, remedy: UNREADABLE }]
    return [['', under.root] as const, ...under.tags].flatMap(([tag, number]) => {
      const isLost = (numbers.get(tag) ?? number) < number
      const key = tag === '' ? rootKey : tagKey(tag)
      return isLost ? [{ kind: 'lost' as const, tag, key, value, remedy: `${invalidating(tag)}; ${LOST}` }] : []
    })
  })
  const forgets = { kind: 'forgets', store: store.name, remedy: FORGETS } as const
  return [...(store.forgets === true ? [forgets] : []), ...damaged, ...lost]
}

/** What to call so that the record of a tag is written again. */
function invalidating(tag: string): string {
  const what = tag === '' ? '{ everything: true }' : `{ tags: [${JSON.stringify(tag)}] }`
  return `call cache.invalidate(${what}), which writes the record again`
}

async function readWithin(store: Store, keys: readonly string[], timeout: number): Promise<ReadonlyMap<string, Seen>> {
  const read = await withDeadline(systemRuntime, { ms: timeout }, async (signal) => {
    await store.open?.()
    return readKeys(store, keys, { signal, consistent: true })
  })
  if (read.outcome === 'failed') throw read.cause
  if (read.outcome === 'done') return read.value
  throw new StoreError(`the ${store.name} store did not answer within ${timeout} ms; call checkGenerations again`, {
    key: keys[0] ?? '',
    retryable: true,
    code: 'STORE_TIMEOUT',
  })
}

/** The number in a generation record, 0 where there is none; `undefined` when it is garbage. */
function numberIn(seen: Seen | undefined, key: string, isRoot: boolean): number | undefined {
  if (seen?.image === undefined) return 0
  const latest = Math.ceil(seen.time === undefined ? systemRuntime.wall() : seen.time.at + seen.time.precision)
  if (isRoot) {
    const root = parseRoot(seen.image.body, key, latest)
    return root && numberOfRoot(root)
  }
  const generation = parseGeneration(seen.image.body, key, latest)
  return generation && numberOf(generation)
}

/** What the value in a record rests on; without `under` when it cannot be opened. `undefined`: the record holds none. */
async function restsOn(
  key: string,
  { image }: Seen,
  codec: Codec | undefined,
): Promise<{ readonly key: string; readonly under: Under | undefined } | undefined> {
  const parsed = image && parseRecord(image.body, key)
  if (parsed === undefined || (parsed.outcome === 'record' && parsed.record.value === undefined)) return undefined
  const sealed = parsed.outcome === 'record' ? parsed.record.value?.sealed : undefined
  try {
    const text = codec === undefined ? sealed : await withCodecTimeout(codec.open(sealed ?? '', key))
    return { key, under: parseEnvelope(parseJson(text ?? ''))?.under }
  } catch {
    return { key, under: undefined }
  }
}
