/** Until when the entry in memory is fresh and usable, on the local clock, and the jitter of its refresh. @module */

import type { Entry, Tier } from '../../contracts.ts'
import type { Shared } from '../context.ts'
import type { Refused, Slot } from '../slot.ts'
import { type Clock, DRIFT_TOLERANCE } from './clock.ts'
import type { Interval } from './server-clock.ts'

/** The shortest remaining lifetime with which a value is returned, in ms: `remaining()` is 1 or more at that moment. */
export const MIN_REMAINING = 1
/** The part of the refresh window over which environments are spread: it begins earlier for each by up to so much. */
export const JITTER_SHARE = 0.5
/** The same of the fresh time. A refresh window is at most a fifth of a lifetime, so there the other bound is the smaller. */
const FRESH_SHARE = 0.125

/** Whether the entry in memory may be served without a refresh. The warm path. */
export function isFresh(clock: Clock, slot: Slot<unknown>, minLifetime = 0): boolean {
  const now = clock.fast()
  return now < slot.freshUntil && now + minLifetime + MIN_REMAINING <= slot.usableUntil
}

/** Remaining lifetime until an instant of `clock.fast()`, in whole ms; 0 when it has passed. */
export function remainingUntil(clock: Clock, until: number): number {
  return Math.max(0, Math.floor(until - clock.fast()))
}

/**
 * Whether the API has refused this value in this environment, or a newer one: what is older than a refused value never comes
 * back. A higher version of the same value was given again since. Version 0 was never published, so it has no order.
 */
export function wasRejected({ rare }: Slot<unknown>, { fingerprint, version }: Refused): boolean {
  return (
    rare?.rejected?.some((refused) =>
      refused.fingerprint === fingerprint ? version <= refused.version : version > 0 && version < refused.version,
    ) === true
  )
}

/** Whether the rejecting pauses for this value, as this environment knows. */
export function isVouched(clock: Clock, { rare }: Slot<unknown>, fingerprint: string): boolean {
  return rare?.vouched?.fingerprint === fingerprint && clock.fast() < rare.vouched.until
}

/**
 * How much earlier than soft expiry one environment refreshes, in ms: a part of the refresh window, and of the fresh time
 * where that is the shorter. `share` in [0, 1) is drawn once an environment.
 */
export function jitterOf(
  { issuedAt, softExpiry, hardExpiry }: Pick<Entry<unknown>, 'issuedAt' | 'softExpiry' | 'hardExpiry'>,
  share: number,
): number {
  return Math.min((hardExpiry - softExpiry) * JITTER_SHARE, (softExpiry - issuedAt) * FRESH_SHARE) * share
}

/** An entry to place, with the server's time now. */
export interface Placement<T> extends Interval {
  readonly entry: Entry<T>
  readonly tier: Tier
}

/**
 * Places an entry in its slot. Its instants on the server's clock become limits on the local clock: hard expiry by the
 * latest possible time, soft expiry by the earliest, so that nothing is used too long or refreshed too soon.
 */
export function placeEntry<T>(shared: Shared, slot: Slot<T>, { entry, tier, earliest, latest }: Placement<T>): void {
  const now = shared.clock.fast()
  slot.tier = tier
  slot.entry = entry
  slot.view = undefined
  slot.freshUntil = Math.floor(now + entry.softExpiry - earliest - jitterOf(entry, shared.jitter))
  // A value that the API has refused is kept to be recognized, never to be used.
  slot.usableUntil = wasRejected(slot, entry) ? 0 : Math.floor(now + entry.hardExpiry - latest - DRIFT_TOLERANCE)
  if (slot.rare) slot.rare.hold = undefined
  slot.subject.guard?.limit(slot)
}
