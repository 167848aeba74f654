import type { ServerTime } from '../../contracts.ts'
import { type Anchor, anchorAt, type Clock, DRIFT_TOLERANCE } from './clock.ts'

/** Server time as this environment knows it: an interval, anchored to one reading and advanced by the two bounds. */
export interface ServerClock {
  /** The time on the server is this or later. `undefined` before the first reading. */
  earliest(): number | undefined
  /** The time on the server is this or earlier. `undefined` before the first reading. */
  latest(): number | undefined
  /** Both bounds; 0 before the first reading. */
  interval(): Interval
  /** Takes a reading that arrived now, for a request sent when `clock.fast()` was `sentAt`. */
  observe(time: ServerTime, sentAt: number): void
  /** Takes an interval that is known to hold now. */
  adopt(earliest: number, latest: number): void
}

/** The time on the server is within these bounds, in ms since 1970. */
export interface Interval {
  readonly earliest: number
  readonly latest: number
}

/** Where a server clock keeps what it knows. */
export interface KnownTime {
  anchor?: Anchor | undefined
}

/** Makes the server clock of one store, on the clock of this environment. It continues from an anchor that is known. */
export function createServerClock(clock: Clock, known: KnownTime = {}): ServerClock {
  const earliest = (): number | undefined =>
    known.anchor && known.anchor.earliest + Math.max(0, clock.slow() - known.anchor.slowAt - DRIFT_TOLERANCE)
  const latest = (): number | undefined =>
    known.anchor && known.anchor.latest + clock.fast() - known.anchor.fastAt + DRIFT_TOLERANCE
  const adopt = (from: number, to: number): void => {
    known.anchor = anchorAt(clock, from, to)
  }

  return {
    earliest,
    latest,
    interval: () => ({ earliest: earliest() ?? 0, latest: latest() ?? 0 }),
    // The server stamped its answer somewhere between our sending and our receiving.
    observe: (time, sentAt) => adopt(time.at, time.at + time.precision + (clock.fast() - sentAt)),
    adopt,
  }
}
