import type { Runtime } from '../../contracts.ts'

/**
 * How far the wall and the monotonic clock may drift apart before it counts, in ms. Below it, it is rounding (the wall
 * clock ticks in whole milliseconds); above it, one of them has stopped or stepped. Every bound is widened by it.
 */
export const DRIFT_TOLERANCE = 50

/**
 * The time that has passed in this environment, as two bounds. While it is frozen the monotonic clock may stop; the wall
 * clock may step. Neither alone can be trusted, so `fast` goes with the larger and `slow` with the smaller advance of
 * the two. Both start at 0 and never fall. True elapsed time is within `[slow - tolerance, fast + tolerance]`, except for what
 * a wall clock that is set back by less than the tolerance hides of a freeze that is as short.
 */
export interface Clock {
  /** Upper bound of the time elapsed since the start, in ms. For everything that must not be used too long. */
  fast(): number
  /** Lower bound of the time elapsed since the start, in ms. For everything that must not be done too early. */
  slow(): number
}

/** Makes the clock of one environment. */
export function createClock(runtime: Pick<Runtime, 'wall' | 'monotonic'>): Clock {
  let wall = runtime.wall()
  let monotonic = runtime.monotonic()
  let drift = 0
  let fast = 0
  let slow = 0

  // A wall reading in the same millisecond as the last one needs no second clock: this keeps the warm path at one
  // reading, which is what nearly all of its time goes into.
  const sample = (): void => {
    const wallNow = runtime.wall()
    if (wallNow === wall) return
    const monotonicNow = runtime.monotonic()
    const elapsed = Math.max(0, monotonicNow - monotonic)
    drift += wallNow - wall - elapsed
    wall = wallNow
    monotonic = monotonicNow
    fast += elapsed
    slow += elapsed
    if (drift > DRIFT_TOLERANCE) fast += drift
    else if (drift < -DRIFT_TOLERANCE) slow -= Math.min(elapsed, -drift)
    else return
    drift = 0
  }

  return {
    fast() {
      sample()
      return fast
    },
    slow() {
      sample()
      return slow
    },
  }
}

/** The server's time at some instant, as an interval, and that instant on the clock of this environment. */
export interface Anchor {
  readonly earliest: number
  readonly latest: number
  readonly slowAt: number
  readonly fastAt: number
}

/** Ties an interval that is known to hold now to the clock. */
export function anchorAt(clock: Clock, earliest: number, latest: number): Anchor {
  return {
    earliest,
    latest,
    slowAt: clock.slow(),
    fastAt: clock.fast(),
  }
}
