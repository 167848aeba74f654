/**
 * Placements of a cache, one call each: options for `createTokens` and `createCache`.
 *
 * @module
 */

import type { Codec, Store } from '../contracts.ts'
import { checkOptions, functionRule, shaped, textRule } from '../lib/options.ts'
import { plaintext } from '../seal/plaintext.ts'
import { type FrontProblem, frontedStore } from '../stores/fronted.ts'
import { memoryStore } from '../stores/memory.ts'

/** What all presets but `development` take. */
export interface PresetOptions {
  /** Seals what is stored, for example `aesGcm`. Default: it is stored as plain text, with one event that says so. */
  readonly codec?: Codec
  /** Separates keys that would otherwise be the same, for example by stage. Default: none. */
  readonly namespace?: string
}

/** Options that `createTokens` and `createCache` both take. Put your own beside them. Durations are in ms. */
export interface Preset extends PresetOptions {
  readonly store: Store
  readonly storeTimeout: number
}

/** What a preset with one store takes. */
export interface StorePresetOptions extends PresetOptions {
  /** The store that the whole fleet shares. */
  readonly store: Store
}

/** What {@link enterprise} takes. */
export interface EnterpriseOptions extends PresetOptions {
  /** The near store, which may forget and may be down: Redis or Upstash. */
  readonly front: Store
  /** The store that decides: DynamoDB. */
  readonly authority: Store
  /** Receives failures of the front. The call went on without it. What it throws is ignored. Default: none. */
  readonly onProblem?: (problem: FrontProblem) => void
}

/** How long a request to a store of AWS may take, in ms: its slowest answers, with a new connection. */
const AWS_TIMEOUT = 800
/** How long a request to Redis may take, in ms: what takes longer has failed. */
const REDIS_TIMEOUT = 400

const COMMON = { codec: shaped('seal', 'open'), namespace: textRule }
const storeRule = shaped('read', 'swap')

/**
 * One process, nothing to install: memory, and a store in this process.
 *
 * @example
 * ```ts
 * const tokens = createTokens(development())
 * ```
 */
export function development(): Preset {
  return { store: memoryStore(), storeTimeout: AWS_TIMEOUT, codec: plaintext() }
}

/**
 * Up to some hundred environments: memory, files, and DynamoDB or S3. Throws `TypeError` for wrong options.
 *
 * @example
 * ```ts
 * const tokens = createTokens(small({ store: dynamoDBStore({ table: 'tokens', env: process.env }) }))
 * ```
 */
export function small(options: StorePresetOptions): Preset {
  return { storeTimeout: AWS_TIMEOUT, ...checkOptions('small', options, { ...COMMON, store: storeRule }, ['store']) }
}

/**
 * Thousands of environments, and keys that change by the second: memory, files, and Redis or Upstash. A store that is down is
 * given up sooner. Throws `TypeError` for wrong options.
 *
 * @example
 * ```ts
 * const cache = createCache({ name: 'shop', ...large({ store: upstashStore({ url, token }), codec }) })
 * ```
 */
export function large(options: StorePresetOptions): Preset {
  return { storeTimeout: REDIS_TIMEOUT, ...checkOptions('large', options, { ...COMMON, store: storeRule }, ['store']) }
}

/**
 * Redis or Upstash in front of DynamoDB: reads come from the front, DynamoDB decides. While either is down, the other serves
 * what it has, and all is as before once it is back. Throws `TypeError` for wrong options.
 *
 * @example
 * ```ts
 * const tokens = createTokens(enterprise({ front: upstashStore({ url, token }), authority: dynamoDBStore({ table }), codec }))
 * ```
 */
export function enterprise(options: EnterpriseOptions): Preset {
  const rules = { ...COMMON, front: storeRule, authority: storeRule, onProblem: functionRule }
  const { front, authority, onProblem, ...rest } = checkOptions('enterprise', options, rules, ['front', 'authority'])
  const store = frontedStore({ front, authority, ...(onProblem && { onProblem }) })
  return { store, storeTimeout: AWS_TIMEOUT, ...rest }
}
