import type { Entry, Traits } from '../../contracts.ts'
import type { Policy } from '../policy.ts'
import { JITTER_SHARE } from './jitter.ts'

/** What is left, after the source's time-out, to commit the value: time to retry a publish once, with some room. */
const COMMIT_BUDGET = 1_000
/** Room for what no clock shows: scheduling, garbage collection. */
const GUARD = 400
/** The share of a value's life in which a refresh is asked for: its last fifth, spread over the tenth before. */
const WINDOW_SHARE = 0.2

/** How long a lease lasts: enough for one slow fetch and its publish, short enough to be waited out. About 6 s. */
export function leaseLength(policy: Policy): number {
  return policy.sourceTimeout + 2 * policy.storeTimeout + COMMIT_BUDGET + GUARD
}

/** The share of a short lease that is kept for the publish. */
const RESERVE_SHARE = 0.4

/** The part of a lease that is kept for the publish; the source must have answered before. */
export function commitReserve(policy: Policy, length: number): number {
  return Math.min(policy.storeTimeout + GUARD, length * RESERVE_SHARE)
}

/** How long before hard expiry a value of this life should be renewed, in ms. */
export function windowOf(lifetime: number, policy: Policy, traits: Traits | undefined): number {
  // Inside the reuse window even the environment that asks earliest must get a new value, so its share is smaller.
  const reuse = traits?.reuseWindow === undefined ? Number.POSITIVE_INFINITY : traits.reuseWindow / (1 + JITTER_SHARE)
  // The environments that ask last still hold the old value for as long as the first ask early.
  const overlap = traits?.overlap === undefined ? Number.POSITIVE_INFINITY : traits.overlap / JITTER_SHARE
  return Math.min(policy.refreshWindow, lifetime * WINDOW_SHARE, reuse, overlap)
}

/**
 * The most life that can sensibly be asked of such a value: a new one would be no better, or would end the one that others
 * hold. Without this bound a long invocation would renew a short-lived token on every call.
 */
export function reachableLife(
  entry: Pick<Entry<unknown>, 'issuedAt' | 'softExpiry' | 'hardExpiry'>,
  traits: Traits | undefined,
): number {
  const lifetime = entry.softExpiry - entry.issuedAt
  const window = entry.hardExpiry - entry.softExpiry
  const { reuseWindow = Number.POSITIVE_INFINITY, overlap = Number.POSITIVE_INFINITY } = traits ?? {}
  return Math.max(0, Math.min(lifetime - window * JITTER_SHARE, reuseWindow, overlap))
}
