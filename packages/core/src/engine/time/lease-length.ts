import type { Policy } from '../policy.ts'

/** Time after the source's timeout to commit the value: enough to retry a publish once, in ms. */
const COMMIT_BUDGET = 1_000
/** Room for what no clock shows: scheduling, garbage collection. In ms. */
const GUARD = 400
/** The share of a short lease that is kept for the publish. */
const RESERVE_SHARE = 0.4
/** With less time than this left of the lease, in ms, the source is not asked. */
const MIN_FETCH = 250
/** The same for an exclusive source, whose late answer would lose what was spent. */
const MIN_EXCLUSIVE_FETCH = 1_000

/** How long a lease lasts, in ms: enough for one slow fetch and its publish, short enough to be waited out. About 6 s. */
export function leaseLength(policy: Policy): number {
  return policy.sourceTimeout + 2 * policy.storeTimeout + COMMIT_BUDGET + GUARD
}

/** How long the source may take under a lease of this length that was asked for `elapsed` ms ago. The rest is for the publish. */
export function timeToFetch(policy: Policy, length: number, elapsed: number): number {
  const reserve = Math.min(policy.storeTimeout + GUARD, length * RESERVE_SHARE)
  return Math.min(policy.sourceTimeout, length - elapsed - reserve)
}

/** Whether that is enough to ask the source. */
export function isEnoughToFetch(time: number, policy: Policy, exclusive: boolean): boolean {
  return time >= Math.min(exclusive ? MIN_EXCLUSIVE_FETCH : MIN_FETCH, policy.sourceTimeout)
}
