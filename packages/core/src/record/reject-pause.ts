import type { RejectPause, WarmRecord } from './record.ts'

/** The first pause, in ms; it doubles with each value that is refused soon after the pause before, up to the longest. */
const FIRST = 30_000
/** The longest pause, in ms. Refusals that come later than this after the last pause count from 1. */
export const LONGEST_PAUSE = 900_000
/** How much further ahead than the longest pause an instant may lie, in ms, as far as the server's time is known. */
const SLACK = 60_000
/** Doublings that are counted; the longest pause is reached after five. */
const MAX_COUNT = 20

/** The time on the server, as an interval. */
interface Now {
  readonly earliest: number
  readonly latest: number
}

/**
 * Whether the rejecting pauses: the value in the record was given because an API had refused the one before, so it is served
 * until then whatever an API says of it. An instant that no pause can reach is void.
 */
export function isRejectPaused({ rejectPause }: Pick<WarmRecord, 'rejectPause'>, { earliest, latest }: Now): boolean {
  if (rejectPause === undefined) return false
  const { until } = rejectPause
  return earliest < until && until <= latest + LONGEST_PAUSE + SLACK
}

/** The pause that begins with a value given at `now` because an API had refused the one before. */
export function nextRejectPause(before: RejectPause | undefined, now: number): RejectPause {
  const goesOn =
    before !== undefined && now < before.until + LONGEST_PAUSE && before.until <= now + LONGEST_PAUSE + SLACK
  const count = goesOn ? Math.min(before.count + 1, MAX_COUNT) : 1
  return { count, until: Math.ceil(now + Math.min(LONGEST_PAUSE, FIRST * 2 ** (count - 1))) }
}
