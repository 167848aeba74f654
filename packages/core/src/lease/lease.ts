/**
 * A lease for work of your own: one holder at a time in the whole fleet, bounded, with a fencing token.
 *
 * @module
 */

import type { Runtime, Store, StoreForgetsEvent } from '../contracts.ts'
import { createStoreContext } from '../engine/store-context.ts'
import type { WarmEvent } from '../events.ts'
import { makeKey } from '../lib/key.ts'
import {
  checkOptions,
  durationOrZeroRule,
  durationRule,
  functionRule,
  misuse,
  type Rule,
  shaped,
  textRule,
} from '../lib/options.ts'
import { isTime } from '../lib/parse.ts'
import { abortable } from '../lib/timing.ts'
import { MAX_LEASE } from '../record/plausible.ts'
import { acquireLease } from './acquire.ts'
import { type Held, holdLease } from './hold.ts'

export { LeaseError } from './error.ts'
export type { Held } from './hold.ts'

/** The shortest lease, in ms: a few requests to a store. */
const MIN_LENGTH = 1_000
/** The longest name of a lease, in characters. */
const MAX_NAME = 200

/** Stores of which listeners were told that they may lose a lease. */
const told = new WeakSet<Store>()

/** Every event of a lease: `acquire`, `store-error`, `bad-record`, and once for each store `store-forgets`. */
export type LeaseEvent = WarmEvent | StoreForgetsEvent

/** Where leases are kept. Durations are in ms. */
export interface LeaseHome {
  /** The store that the whole fleet shares. */
  readonly store: Store
  /** Separates leases that would otherwise have the same name, for example by stage. Default: none. */
  readonly namespace?: string
  /** How long one request to the store may take. Default 800. */
  readonly storeTimeout?: number
  /** Receives events. What it throws is ignored. Default: none. */
  readonly onEvent?: (event: LeaseEvent) => void
  /** Clocks, random numbers and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

/** How a lease is held. Durations are in ms. */
export interface LeaseOptions {
  /** How long the lease lasts without a renewal: 1,000 to 900,000. A holder that dies blocks others for so long. */
  readonly length: number
  /**
   * How long the work may take in all: the lease is renewed after each third of `length` until then. Default: `length`, and
   * there are no renewals.
   */
  readonly duration?: number
  /** How long to try while another holder has it, by polls with jitter. Default 0: one attempt. */
  readonly wait?: number
  /** Ends the wait, and aborts the signal of the work. The lease is released once the work has ended. Default: none. */
  readonly signal?: AbortSignal
}

const HOME_RULES = {
  store: shaped('read', 'swap'),
  namespace: textRule,
  storeTimeout: durationRule,
  onEvent: functionRule,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}
const LENGTH_RULE: Rule = [
  `ms, ${MIN_LENGTH} to ${MAX_LEASE}`,
  (value) => isTime(value) && value >= MIN_LENGTH && value <= MAX_LEASE,
]
const RULES = {
  length: LENGTH_RULE,
  duration: durationRule,
  wait: durationOrZeroRule,
  signal: ['an AbortSignal', (value: unknown) => value instanceof AbortSignal] as const,
}

/**
 * Runs work while no other holder of this name does, by the clocks of all: a holder that is late, frozen or cut off ends by its
 * own clock before another begins. Resolves to what the work returns, once the lease is released. Rejects with `LeaseError` when
 * another holder kept the lease for all of `wait`, or when the lease was lost, with `StoreError` when the store cannot be used,
 * with what the work throws, and with `TypeError` for wrong options. It does not wait for work that goes on after the loss.
 *
 * @example
 * ```ts
 * await withLease({ store }, 'nightly-report', { length: 30_000, duration: 600_000 }, async ({ signal, fence }) => {
 *   await writeReport({ signal, fence })
 * })
 * ```
 */
export async function withLease<T>(
  home: LeaseHome,
  name: string,
  options: LeaseOptions,
  work: (held: Held) => T | Promise<T>,
): Promise<T> {
  const { store, namespace = '', ...settings } = checkOptions('withLease', home, HOME_RULES, ['store'])
  const { length, duration = length, wait = 0, signal } = checkOptions('withLease', options, RULES, ['length'])
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME)
    misuse('withLease', `the name of a lease must be a string of 1 to ${MAX_NAME} characters`)
  if (typeof work !== 'function') misuse('withLease', 'the fourth argument must be the function that does the work')
  if (duration < length) misuse('withLease', 'option "duration" must be at least "length"')
  signal?.throwIfAborted()

  const context = createStoreContext(store, settings)
  tellIfForgets(home)
  const key = makeKey('lease', namespace, name)
  const acquired = await acquireLease(context, { key, name, length, wait, signal })
  const holding = holdLease(context, acquired, { key, name, length, duration, signal })
  try {
    // The caller's signal ends the work, and with it the lease: given back earlier, another would begin beside it.
    const result = await abortable(Promise.resolve(holding.held).then(work), holding.lost)
    // A freeze may have hidden the end of the lease from every timer.
    holding.check()
    return result
  } finally {
    await holding.end()
  }
}

/** Tells a listener, once for each store, that the store may lose a lease: two may hold it then. */
function tellIfForgets({ store, onEvent }: LeaseHome): void {
  if (store.forgets !== true || onEvent === undefined || told.has(store)) return
  told.add(store)
  try {
    onEvent({ type: 'store-forgets', store: store.name })
  } catch {
    // A listener must not change what happens.
  }
}
