import type { Entry, Traits } from '../contracts.ts'

/** The lengths by which an engine works, in ms. */
export interface Policy {
  /** How long before hard expiry a refresh is asked for, at most. Default 600,000 (10 min). */
  readonly refreshWindow: number
  /** How long the source may take to answer. Default 3,000. */
  readonly sourceTimeout: number
  /** How long one request to the store may take. Default 800. */
  readonly storeTimeout: number
  /** How long a `get` may take in all, unless it says otherwise. Default 10,000. */
  readonly timeout: number
}

/** The defaults. */
export const DEFAULT_POLICY: Policy = {
  refreshWindow: 600_000,
  sourceTimeout: 3_000,
  storeTimeout: 800,
  timeout: 10_000,
}

/** What is left, after the source's time-out, to commit the value: time to retry a publish once, with some room. */
const COMMIT_BUDGET = 1_000
/** Room for what no clock shows: scheduling, garbage collection. */
const GUARD = 400
/** The shares of a value's life: a refresh is asked for in its last fifth, spread over the tenth before. */
const WINDOW_SHARE = 0.2
const JITTER_SHARE = 0.5

/** How long a lease lasts: enough for one slow fetch and its publish, short enough to be waited out. About 6 s. */
export const leaseLength = (policy: Policy): number =>
  policy.sourceTimeout + 2 * policy.storeTimeout + COMMIT_BUDGET + GUARD

/** The part of a lease that is kept for the publish; the source must have answered before. */
export const commitReserve = (policy: Policy): number => policy.storeTimeout + GUARD

/** How long before hard expiry a value of this life should be renewed, in ms. */
export const windowOf = (life: number, policy: Policy, traits: Traits | undefined): number => {
  // Inside the reuse window even the environment that asks earliest must get a new value, so its share is smaller.
  const reuse = traits?.reuseWindow === undefined ? Number.POSITIVE_INFINITY : traits.reuseWindow / (1 + JITTER_SHARE)
  return Math.min(policy.refreshWindow, life * WINDOW_SHARE, reuse)
}

/** By how much one environment asks earlier than soft expiry, in ms. `share` in [0, 1) is drawn once an environment. */
export const earlyBy = (entry: Pick<Entry<unknown>, 'softExpiry' | 'hardExpiry'>, share: number): number =>
  (entry.hardExpiry - entry.softExpiry) * JITTER_SHARE * share

/**
 * The most life that can sensibly be asked of such a value: a new one would be no better. Without this bound a long
 * invocation would renew a short-lived token on every call.
 */
export const reachableLife = (
  entry: Pick<Entry<unknown>, 'issuedAt' | 'softExpiry' | 'hardExpiry'>,
  traits: Traits | undefined,
): number => {
  const life = entry.softExpiry - entry.issuedAt
  const window = entry.hardExpiry - entry.softExpiry
  return Math.max(0, Math.min(life - window * JITTER_SHARE, traits?.reuseWindow ?? Number.POSITIVE_INFINITY))
}
