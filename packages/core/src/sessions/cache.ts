import { type Clock, DRIFT_TOLERANCE } from '../engine/time/clock.ts'
import type { UserRecord } from './record.ts'

/** Records in memory, at most. */
const MAX_RECORDS = 5_000
/** What they may take, in bytes of their text; as objects it is a few times as much. */
const MAX_BYTES = 8 * 1_048_576

/** What callers get for a token: made once, so that a known session costs one hash and two look-ups. */
export interface View {
  readonly session: unknown
  /** While `clock.fast()` is below, the token is good by this record and needs no renewal. */
  readonly until: number
}

/** A record in memory. */
export interface Held {
  readonly record: UserRecord
  /** `clock.fast()` from before the request was sent that showed it. */
  readonly sentAt: number
  /** The order of that request. */
  readonly sent: number
  /** The order of its answer. */
  readonly got: number
  readonly bytes: number
  /** What callers get for each hash that was accepted. */
  readonly views: Map<string, View>
  /** No renewal is tried before `clock.fast()` reaches it. */
  renewAt: number
  /** No read for a token that is newer than the record before `clock.fast()` reaches it. */
  rereadAt: number
}

/** A user that has no record. */
export interface Absent {
  readonly sentAt: number
  readonly sent: number
  /** The time of the server at the read, at least. A token that was born earlier is certainly unknown. */
  readonly earliest: number
}

/** What came of a request to the store. */
export interface Sighting {
  readonly record: UserRecord | undefined
  readonly sentAt: number
  readonly sent: number
  /** The server's time at the answer, at least. */
  readonly earliest: number
  readonly bytes: number
}

/** What one environment knows of records. Bounded; the least recently used go first. */
export interface RecordCache {
  /** The next number in the order of requests, answers and calls. */
  next(): number
  /** The record of a selector. */
  held(selector: string): Held | undefined
  absent(selector: string): Absent | undefined
  /** Whether what was asked for at `sentAt` may still be used, for `bound` ms from then. */
  isYoung(sentAt: number, bound: number): boolean
  /** Takes in what the store showed, unless something newer is known. */
  adopt(selector: string, sighting: Sighting): void
  /** Records in memory. */
  size(): number
}

/** Makes an empty cache. `remember`: how many absent users. */
export function createRecordCache(clock: Clock, remember: number): RecordCache {
  const records = new Map<string, Held>()
  const missing = new Map<string, Absent>()
  let order = 0
  let total = 0

  const drop = (selector: string): void => {
    total -= records.get(selector)?.bytes ?? 0
    records.delete(selector)
  }

  return {
    next: () => ++order,
    held(selector) {
      const held = records.get(selector)
      // A map keeps the order in which keys were added. Below half of the bound nothing is near to go.
      if (held !== undefined && records.size > MAX_RECORDS / 2) {
        records.delete(selector)
        records.set(selector, held)
      }
      return held
    },
    absent: (selector) => missing.get(selector),
    // The clock may run behind by the tolerance.
    isYoung: (sentAt, bound) => clock.fast() - sentAt < bound - DRIFT_TOLERANCE,
    adopt(selector, { record, sentAt, sent, earliest, bytes }) {
      const before = records.get(selector)
      // An answer that was overtaken: by a write of this environment, or by a later read.
      const isOld = before !== undefined && before.record.version > (record?.version ?? 0) && sent < before.got
      if (isOld) return
      drop(selector)
      if (record === undefined) {
        missing.delete(selector)
        missing.set(selector, { sentAt, sent, earliest })
        if (missing.size > remember) missing.delete(missing.keys().next().value ?? selector)
        return
      }
      missing.delete(selector)
      const isSame = before?.record.version === record.version
      records.set(selector, {
        record: isSame ? before.record : record,
        // Two answers may come in the order in which they were not asked for.
        sentAt: isSame ? Math.max(sentAt, before.sentAt) : sentAt,
        sent: isSame ? Math.max(sent, before.sent) : sent,
        got: ++order,
        bytes,
        views: isSame ? before.views : new Map(),
        renewAt: before?.renewAt ?? 0,
        rereadAt: before?.rereadAt ?? 0,
      })
      total += bytes
      while (records.size > MAX_RECORDS || (total > MAX_BYTES && records.size > 1))
        drop(records.keys().next().value ?? selector)
    },
    size: () => records.size,
  }
}
