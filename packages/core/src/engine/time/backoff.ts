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
