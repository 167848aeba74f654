/** Checks the records that invalidate a cache, for operators: see docs/data/invalidation.md. @module */

import type { Store } from '../contracts.ts'
import { StoreError } from '../errors.ts'
import { checkOptions, durationRule, misuse, type Rule, textRule } from '../lib/options.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline } from '../lib/timing.ts'
import { nameRule } from './cache.ts'
import { readKeys } from './gather.ts'
import { parseGeneration, parseRoot } from './generations.ts'
import { createGenerationKeys } from './home.ts'
import { checkTags } from './load.ts'

/** Which records {@link checkGenerations} checks. */
export interface CheckGenerationsOptions {
  /** The `name` of `createCache`. */
  readonly name: string
  /** The `namespace` of `createCache`. Default: none. */
  readonly namespace?: string
  /** The tags whose records are checked, at most 1,000. Default: none, so only the root record is. */
  readonly tags?: readonly string[]
  /** Within how long the store must answer, in ms. Default 5,000. */
  readonly timeout?: number
}

/** Something that is wrong. */
export type GenerationFinding =
  /** The store may lose a write that it has acknowledged, and with it an invalidation. */
  | { readonly kind: 'forgets'; readonly store: string; readonly remedy: string }
  /** The record of the whole cache is garbage: its patterns, and the switches of `control`, are lost. */
  | { readonly kind: 'damaged-root'; readonly key: string; readonly remedy: string }
  /** The record of a tag is garbage. */
  | { readonly kind: 'damaged-tag'; readonly tag: string; readonly key: string; readonly remedy: string }

const RULES: { readonly [Name in keyof CheckGenerationsOptions]-?: Rule } = {
  name: nameRule,
  namespace: textRule,
  tags: ['a list of at most 1,000 texts', (value) => Array.isArray(value) && value.length <= 1_000],
  timeout: durationRule,
}

const FORGETS =
  'use a store that keeps what it acknowledged, such as dynamoDBStore; or give redisStore "durable: true" where the server evicts nothing and survives a failover'
const DAMAGED_ROOT =
  'call cache.invalidate({ everything: true }), which writes the record again, then set the switches again by cache.control()'

/**
 * Resolves to what is wrong with the generation records of a cache: the root record, and those of the given tags. An empty
 * list: nothing. It reads by one call of the store and writes nothing. A record that is absent is no finding: what was never
 * invalidated has none. One that was lost shows only to a cache that knows a higher number, as the event `generation-lost`.
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
    timeout = 5_000,
  } = checkOptions('checkGenerations', options, RULES, ['name'])
  if (typeof store?.read !== 'function') misuse('checkGenerations', 'give a store, such as dynamoDBStore(…)')
  const tags = checkTags('checkGenerations', given)
  const { rootKey, tagKey } = createGenerationKeys(namespace, name)

  const read = await withDeadline(systemRuntime, { ms: timeout }, async (signal) => {
    await store.open?.()
    return readKeys(store, [rootKey, ...tags.map(tagKey)], { signal, consistent: true })
  })
  if (read.outcome === 'failed') throw read.cause
  if (read.outcome !== 'done')
    throw new StoreError(`the ${store.name} store did not answer within ${timeout} ms; call checkGenerations again`, {
      key: rootKey,
      retryable: true,
      code: 'STORE_TIMEOUT',
    })

  const isDamaged = (key: string, parse: typeof parseGeneration | typeof parseRoot): boolean => {
    const seen = read.value.get(key)
    if (seen?.image === undefined) return false
    const latest = seen.time === undefined ? systemRuntime.wall() : seen.time.at + seen.time.precision
    return parse(seen.image.body, key, Math.ceil(latest)) === undefined
  }
  const findings: GenerationFinding[] = []
  if (store.forgets === true) findings.push({ kind: 'forgets', store: store.name, remedy: FORGETS })
  if (isDamaged(rootKey, parseRoot)) findings.push({ kind: 'damaged-root', key: rootKey, remedy: DAMAGED_ROOT })
  for (const tag of tags) {
    const key = tagKey(tag)
    const remedy = `call cache.invalidate({ tags: [${JSON.stringify(tag)}] }), which writes the record again`
    if (isDamaged(key, parseGeneration)) findings.push({ kind: 'damaged-tag', tag, key, remedy })
  }
  return findings
}
