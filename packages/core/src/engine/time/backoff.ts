import type { FailureKind } from '../../contracts.ts'

/** A wrong secret costs one attempt per cool-down: from 30 s, doubling, to 15 min. */
const REFUSED = { first: 30_000, most: 900_000 }
/** A transient failure is retried soon: from 1 s, doubling, to 1 min. */
const UNAVAILABLE = { first: 1_000, most: 60_000 }
/** The longest Retry-After that is believed, in ms: a day. */
const MAX_RETRY_AFTER = 86_400_000

/** How long nobody asks the source again, in ms. `random` in [0, 1) is the jitter of transient failures. */
export function coolDown(
  kind: FailureKind,
  count: number,
  { retryAfter, random }: { readonly retryAfter: number | undefined; readonly random: number },
): number {
  const { first, most } = kind === 'unavailable' || kind === 'throttled' ? UNAVAILABLE : REFUSED
  const step = Math.min(most, first * 2 ** Math.min(count - 1, 20))
  const spread = kind === 'unavailable' ? step * (0.75 + random / 2) : step
  return Math.max(spread, Math.min(retryAfter ?? 0, MAX_RETRY_AFTER))
}

/**
 * When a waiting environment polls, in ms after the poll before. The first comes just after a fast issuer (about 50 ms) has
 * answered. Most issuers answer within half a second: their value is found by three polls or fewer, 2.5 on average.
 */
const POLLS = [70, 230, 332, 650]
/** A poll comes sooner by up to this share. Start times and the network spread a fleet too; more jitter only adds polls in vain. */
const SPREAD = 0.1
/** The delay of every later poll, in ms. */
const LAST_POLL = 1_000

/** How long a waiting environment sleeps before it polls again, in ms. `random` in [0, 1) spreads the fleet. */
export function pollDelay(polls: number, random: number): number {
  return (POLLS[polls] ?? LAST_POLL) * (1 - SPREAD * random)
}
