import type { FailureKind } from '../../contracts.ts'

/** A wrong secret costs one attempt per cool-down: from 30 s, doubling, to 15 min. */
const REFUSED = { first: 30_000, most: 900_000 }
/** A passing fault is tried again soon: from 1 s, doubling, to 1 min. */
const UNAVAILABLE = { first: 1_000, most: 60_000 }
/** The longest Retry-After that is believed, in ms: a day. */
const MAX_RETRY_AFTER = 86_400_000

/** How long nobody asks the source again, in ms. `random` in [0, 1) spreads passing faults. */
export function coolDown(kind: FailureKind, count: number, retryAfter: number | undefined, random: number): number {
  const { first, most } = kind === 'unavailable' || kind === 'throttled' ? UNAVAILABLE : REFUSED
  const step = Math.min(most, first * 2 ** Math.min(count - 1, 20))
  const spread = kind === 'unavailable' ? step * (0.75 + random / 2) : step
  return Math.max(spread, Math.min(retryAfter ?? 0, MAX_RETRY_AFTER))
}

/**
 * The looks of a waiting environment, in ms after the one before. The first comes when an issuer at its best, which takes
 * some 50 ms, has just been heard; an issuer mostly answers within half a second: these find its value by three looks or
 * fewer, on average not quite two and a half.
 */
const POLLS = [70, 230, 332, 650]
/** A look comes sooner by up to this share. Beginnings and the network spread a fleet too; more would only be looks in vain. */
const SPREAD = 0.1
/** Every later look comes this long after the one before, in ms. */
const LAST_POLL = 1_000

/** How long a waiting environment sleeps before it looks at the value again, in ms. `random` in [0, 1) spreads the fleet. */
export function pollDelay(polls: number, random: number): number {
  return (POLLS[polls] ?? LAST_POLL) * (1 - SPREAD * random)
}
