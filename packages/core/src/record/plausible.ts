import { expire, type Intent, type Lease, type PublishedValue, type WarmRecord } from './record.ts'
import { CHAIN_MARGIN } from './transitions.ts'

/** How far beyond the server's time an instant of a record may lie, in ms: wall clocks that step are off by minutes. */
export const SLACK = 900_000
/** The longest lease that is believed, in ms: the longest invocation of Lambda. */
export const MAX_LEASE = 900_000
/** The longest cool-down and the furthest mint budget that are believed, in ms: a day. */
export const MAX_COOL_DOWN = 86_400_000
/** The longest lifetime of a value that is believed, in ms: ten years. */
export const MAX_LIFETIME: number = 10 * 365 * 86_400_000

/**
 * The record without what nobody can have written by the rules: instants far beyond the server's time, planted or from a
 * store clock that was wrong once. Such an instant must not stop a fleet. A version or epoch is a number and stays.
 * `now`: the server's time at most, in ms since 1970.
 */
export function withoutImplausible(record: WarmRecord, now: number): WarmRecord {
  const { value, lease, failure, intent, budget, keepUntil, ...rest } = record
  const dated = now + SLACK
  return {
    ...rest,
    keepUntil: keepUntil <= dated + MAX_LIFETIME + CHAIN_MARGIN ? keepUntil : 0,
    ...(value && { value: withinLifetime(value, dated) }),
    ...(lease && lease.acquiredAt <= dated && { lease: withinInvocation(lease) }),
    ...(failure && failure.notBefore <= dated + MAX_COOL_DOWN && { failure }),
    ...(intent && { intent: intent.at <= dated ? intent : longAgo(intent) }),
    ...(budget !== undefined && budget <= dated + MAX_COOL_DOWN && { budget }),
  }
}

/** A value that was issued in the future or lives forever counts as expired; its chain goes on. */
function withinLifetime(value: PublishedValue, dated: number): PublishedValue {
  const { issuedAt, hardExpiry } = value
  return issuedAt <= dated && hardExpiry <= dated + MAX_LIFETIME ? value : expire(value)
}

function withinInvocation(lease: Lease): Lease {
  return lease.length <= MAX_LEASE ? lease : { ...lease, length: MAX_LEASE }
}

/** An intent stays whatever its date: something may have been spent. No grace is left of one that is dated wrongly. */
function longAgo(intent: Intent): Intent {
  return { ...intent, at: 0 }
}
