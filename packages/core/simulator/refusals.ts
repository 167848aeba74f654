import type { WarmRecord } from '../src/record/record.ts'

/** The first and the longest pause of the rejecting, in ms, as the protocol page has them. */
export const FIRST_PAUSE = 30_000
const LONGEST_PAUSE = 900_000
/** By how much the fleet may take the time for later than it is, in ms: whole seconds and a slow answer. */
const CLOCK_SLACK = 10_000
/** Rounding of clocks that tick in whole milliseconds. */
const ROUNDING = 2

/** A write, as far as refusals go, at a true instant. */
export interface RefusalWrite {
  readonly before: WarmRecord | undefined
  readonly after: WarmRecord
  readonly now: number
}

/** What is wrong with a write: a value is not marked as refused while the rejecting pauses, and replacing one begins a longer pause. */
export function refusalFault({ before, after, now }: RefusalWrite): string | undefined {
  const { rejectPause: pause, rejected = 0 } = before ?? {}
  if (after.rejected !== rejected && pause !== undefined && now < pause.until - ROUNDING)
    return `marked a value as refused ${pause.until - now} ms before it may`
  if (!replacesRefused({ before, after, now })) return undefined
  // A publish may land late; its version says when it was made, and lies ahead after a clock has stepped.
  const at = Math.min(now, after.value?.version ?? now)
  const goesOn = pause !== undefined && at < pause.until + LONGEST_PAUSE - CLOCK_SLACK
  const least = Math.min(LONGEST_PAUSE, FIRST_PAUSE * (goesOn ? 2 ** pause.count : 1))
  const until = after.rejectPause?.until ?? 0
  return until < at + least - CLOCK_SLACK ? `replaced a refused value without a pause of ${least} ms` : undefined
}

/** Whether a write replaces a value that an API refused. */
export function replacesRefused({ before, after }: RefusalWrite): boolean {
  const value = before?.value
  return value !== undefined && value.version === before?.rejected && after.value?.version !== value.version
}
