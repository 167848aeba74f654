import type { WarmRecord } from '../../record/record.ts'

/**
 * When a waiting environment looks, in ms since it began to wait, at the latest. The first two looks find what an issuer of
 * 50 ms gives. In all, no issuer costs more than twice the reads that looks at 70, 313, 658, 1,321 and 2,334 ms would cost.
 */
const LOOKS = [40, 73, 150, 285, 335, 460, 660, 1_060, 1_325, 2_050, 2_340]
/** The delay of every later look, in ms. */
const LAST_DELAY = 500
/** A look comes sooner by up to this share of its delay. Start times and the network spread a fleet too. */
const SPREAD = 0.1
/** When to look where the issuer's latency is known, as shares of the time until its value is in the store. */
const KNOWN_LOOKS = [0.25, 0.6, 1.05, 1.12, 1.3, 1.6, 2, 2.6]
/** How long it takes to publish what the issuer gave, in ms. */
const PUBLISH = 20
/** The shortest delay between two looks, in ms. */
const SHORTEST_DELAY = 10
/** Each look in a row that failed doubles this pause, in ms, up to the longest. */
const FIRST_BACKOFF = 200
const LONGEST_BACKOFF = 2_000

/** What the delay before a look depends on. */
export interface Look {
  /** Looks so far. */
  readonly polls: number
  /** How long this environment has waited, in ms. */
  readonly waited: number
  /** How long the issuer usually takes, in ms; `undefined` when that is not known. */
  readonly expected: number | undefined
  /** Looks in a row that failed: a store that throttles is left more time. */
  readonly failed: number
  /** Spreads the fleet. In [0, 1). */
  readonly random: number
}

/** How long a waiting environment sleeps before it looks again, in ms: briefly while the wait is young. */
export function lookDelay({ polls, waited, expected, failed, random }: Look): number {
  if (failed > 0) return backoffDelay(failed, random)
  const at = lookAt(polls, expected)
  const gap = at - (polls === 0 ? 0 : lookAt(polls - 1, expected))
  return Math.max(SHORTEST_DELAY, at - SPREAD * gap * random - waited)
}

/** How long to leave the store alone after so many looks in a row that failed, in ms. */
export function backoffDelay(failed: number, random: number): number {
  return Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (failed - 1)) * (1 - random / 2)
}

/** When the look with this number comes, in ms since the wait began. A known latency only makes looks later, never more. */
function lookAt(polls: number, expected: number | undefined): number {
  const last = LOOKS.length - 1
  const at = LOOKS[polls] ?? (LOOKS[last] ?? 0) + (polls - last) * LAST_DELAY
  const share = KNOWN_LOOKS[polls]
  return expected === undefined || share === undefined ? at : Math.max(at, share * (expected + PUBLISH))
}

/** How long the issuer of a record usually takes, in ms: the median of the last refreshes that succeeded. */
export function usualTime({ refreshes }: Pick<WarmRecord, 'refreshes'>): number | undefined {
  const took = refreshes.flatMap(([, , ms, outcome]) => (outcome === 'ok' ? [ms] : [])).sort((a, b) => a - b)
  return took[took.length >> 1]
}
