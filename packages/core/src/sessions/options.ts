import type { Codec, Json, Runtime, StandardSchema, Store } from '../contracts.ts'
import {
  checkOptions,
  countRule,
  durationOrZeroRule,
  durationRule,
  isFunction,
  shaped,
  textRule,
} from '../lib/options.ts'
import { asFields, isTime } from '../lib/parse.ts'
import type { KeyRing } from '../seal/aes-gcm.ts'
import type { SessionListener } from './events.ts'
import { MAX_SESSIONS } from './record.ts'
import type { Lifetimes } from './transitions.ts'

/** How {@link createSessions} is set up. Only `store` is required. Durations are in ms. */
export interface SessionsOptions<Data = Json | undefined, User = Json | undefined> {
  /** The store that the whole fleet shares. */
  readonly store: Store
  /** Seals records at rest, such as `aesGcm`. Tokens are never in a record, with or without. Default: none. */
  readonly codec?: Codec
  /** Separates the users of two applications in one store. Default: none. */
  readonly namespace?: string
  /** Checks the data of a session on writing and reading: any Standard Schema (Zod, Valibot, ArkType …), synchronous. Default: any JSON. */
  readonly data?: StandardSchema<unknown, Data>
  /** The same for what all sessions of a user share, such as roles. Default: any JSON. */
  readonly user?: StandardSchema<unknown, User>
  /** How long a session may stay unused before it ends. Default 7 days. */
  readonly idle?: number
  /** How long after its creation a session ends, used or not. Default 30 days. */
  readonly absolute?: number
  /** How often use moves the idle end on: at most one write in this time. Default: the larger of 1 minute and `idle / 20`. */
  readonly renewEvery?: number
  /** Sessions of one user, at most 50; beyond it the oldest ends, or `create` rejects. Default `{ most: 10, when: 'oldest-out' }`. */
  readonly limit?: { readonly most: number; readonly when: 'oldest-out' | 'refuse' }
  /** How long after an acknowledged revocation an environment may still accept the session, 100 to 60,000. Default 5,000. */
  readonly recheck?: number
  /** Keys of the checksum in each token, so that random tokens cost no read. Old keys still count. Default: none. */
  readonly key?: KeyRing
  /** What tokens of unknown users may cost: how many are remembered (10,000), and reads a second (50). */
  readonly misses?: { readonly remember?: number; readonly readsPerSecond?: number }
  /** How much longer than `recheck` a known session is accepted while the store is down. Default 0. */
  readonly downGrace?: number
  /** How long one request to the store may take. Default 1,000. */
  readonly storeTimeout?: number
  /** Receives every event: one listener or several. What they throw is ignored. */
  readonly onEvent?: SessionListener | readonly SessionListener[]
  /** Clocks, random numbers and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

const DAY = 86_400_000

function isLimit(value: unknown): boolean {
  const { most, when } = asFields(value) ?? {}
  return countRule[1](most) && Number(most) <= MAX_SESSIONS && (when === 'oldest-out' || when === 'refuse')
}

function isMisses(value: unknown): boolean {
  const fields = asFields(value)
  const { remember = 1, readsPerSecond = 1, ...more } = fields ?? {}
  return (
    fields !== undefined && countRule[1](remember) && countRule[1](readsPerSecond) && Object.keys(more).length === 0
  )
}

function isRing(value: unknown): boolean {
  return typeof asFields(value)?.['current'] === 'string' && asFields(asFields(value)?.['keys']) !== undefined
}

function isSchema(value: unknown): boolean {
  // ArkType's schemas are functions.
  const standard = (typeof value === 'function' || asFields(value) !== undefined) && Object(value)['~standard']
  return isFunction(asFields(standard)?.['validate'])
}

const RULES = {
  store: shaped('read', 'swap'),
  codec: shaped('seal', 'open'),
  namespace: textRule,
  data: ['a Standard Schema', isSchema] as const,
  user: ['a Standard Schema', isSchema] as const,
  idle: durationRule,
  absolute: durationRule,
  renewEvery: durationRule,
  limit: [`{ most: 1 to ${MAX_SESSIONS}, when: 'oldest-out' or 'refuse' }`, isLimit] as const,
  recheck: ['100 to 60,000 ms', (value: unknown) => isTime(value) && value >= 100 && value <= 60_000] as const,
  key: ['a key ring { current, keys }', isRing] as const,
  misses: ['{ remember, readsPerSecond }, whole numbers > 0', isMisses] as const,
  downGrace: durationOrZeroRule,
  storeTimeout: durationRule,
  onEvent: ['a function, or several', (value: unknown) => [value].flat().every(isFunction)] as const,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}

/** The options with their defaults. */
export interface ResolvedOptions extends Pick<SessionsOptions, 'store' | 'codec' | 'key' | 'runtime'> {
  readonly namespace: string
  readonly lifetimes: Lifetimes
  readonly limit: NonNullable<SessionsOptions['limit']>
  readonly recheck: number
  readonly remember: number
  readonly readsPerSecond: number
  readonly downGrace: number
  readonly storeTimeout: number
  readonly listeners: readonly SessionListener[]
}

/** Checks the options and fills in the defaults. Throws `TypeError` that names the option. */
export function resolveOptions<Data, User>(options: SessionsOptions<Data, User>): ResolvedOptions {
  const given = checkOptions('createSessions', options, RULES, ['store'])
  const { store, codec, key, runtime, idle = 7 * DAY, absolute = 30 * DAY, misses = {}, onEvent = [] } = given
  return {
    store,
    ...(codec && { codec }),
    ...(key && { key }),
    ...(runtime && { runtime }),
    namespace: given.namespace ?? '',
    lifetimes: { idle, absolute, renewEvery: given.renewEvery ?? Math.max(60_000, idle / 20) },
    limit: given.limit ?? { most: 10, when: 'oldest-out' as const },
    recheck: given.recheck ?? 5_000,
    remember: misses.remember ?? 10_000,
    readsPerSecond: misses.readsPerSecond ?? 50,
    downGrace: given.downGrace ?? 0,
    storeTimeout: given.storeTimeout ?? 1_000,
    listeners: [onEvent].flat() as readonly SessionListener[],
  }
}
