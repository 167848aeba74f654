import type { ServerTime } from '../../contracts.ts'
import { type Anchor, anchorAt, type Clock, DRIFT_TOLERANCE } from './clock.ts'

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

/** Where a server clock keeps what it knows. */
export interface Anchored {
  anchor?: Anchor | undefined
}

/** Makes the server clock of one store, on the clock of this environment. It goes on from an anchor that is there. */
export function createServerClock(clock: Clock, held: Anchored = {}): ServerClock {
  const adopt = (earliest: number, latest: number): void => {
    held.anchor = anchorAt(clock, earliest, latest)
  }

  return {
    earliest: () =>
      held.anchor && held.anchor.earliest + Math.max(0, clock.slow() - held.anchor.slowAt - DRIFT_TOLERANCE),
    latest: () => held.anchor && held.anchor.latest + clock.fast() - held.anchor.fastAt + DRIFT_TOLERANCE,
    // The server stamped its answer somewhere between our sending and our receiving.
    observe: (time, sentAt) => adopt(time.at, time.at + time.precision + (clock.fast() - sentAt)),
    adopt,
  }
}
