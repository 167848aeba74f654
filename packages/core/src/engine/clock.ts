import type { Runtime, ServerTime } from '../contracts.ts'

/**
 * How far the wall and the monotonic clock may drift apart before it counts, in ms. Below it, it is rounding (the wall
 * clock ticks in whole milliseconds); above it, one of them has stopped or stepped. Every bound is widened by it.
 */
export const DRIFT_TOLERANCE = 50

/**
 * The time that has passed in this environment, as two bounds. While it is frozen the monotonic clock may stop; the wall
 * clock may step. Neither alone can be trusted, so `fast` goes with the larger and `slow` with the smaller advance of
 * the two. Both start at 0 and never fall. True elapsed time is within `[slow - tolerance, fast + tolerance]`.
 */
export interface Clock {
  /** Upper bound of the time elapsed since the start, in ms. For everything that must not be used too long. */
  fast(): number
  /** Lower bound of the time elapsed since the start, in ms. For everything that must not be done too early. */
  slow(): number
}

/** Makes the clock of one environment. */
export const createClock = (runtime: Pick<Runtime, 'wall' | 'monotonic'>): Clock => {
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
    const slowBefore = slow
    fast += elapsed
    slow += elapsed
    if (drift > DRIFT_TOLERANCE) {
      fast += drift
      drift = 0
    } else if (drift < -DRIFT_TOLERANCE) {
      slow = Math.max(slowBefore, slow + drift)
      drift = 0
    }
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

/** Server time as this environment knows it: an interval, anchored to one reading and moved on by the two bounds. */
export interface ServerClock {
  /** The time on the server is this or later. `undefined` before the first reading. */
  earliest(): number | undefined
  /** The time on the server is this or earlier. `undefined` before the first reading. */
  latest(): number | undefined
  /** Takes a reading that arrived now, for a request sent when `clock.fast()` was `sentAt`. */
  observe(time: ServerTime, sentAt: number): void
  /** Takes an interval that is known to hold now. */
  adopt(earliest: number, latest: number): void
}

/** Makes the server clock of one store, on the clock of this environment. */
export const createServerClock = (clock: Clock): ServerClock => {
  let anchor: { earliest: number; latest: number; slowAt: number; fastAt: number } | undefined

  const adopt = (earliest: number, latest: number): void => {
    anchor = { earliest, latest, slowAt: clock.slow(), fastAt: clock.fast() }
  }

  return {
    earliest: () =>
      anchor === undefined ? undefined : anchor.earliest + Math.max(0, clock.slow() - anchor.slowAt - DRIFT_TOLERANCE),
    latest: () => (anchor === undefined ? undefined : anchor.latest + clock.fast() - anchor.fastAt + DRIFT_TOLERANCE),
    // The server stamped its answer somewhere between our sending and our receiving.
    observe: (time, sentAt) => adopt(time.at, time.at + time.precision + (clock.fast() - sentAt)),
    adopt,
  }
}
