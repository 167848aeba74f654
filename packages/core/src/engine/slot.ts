import type { Entry, FetchRequest, Issued, Json, ReadOptions, Seen, Source, Store, Tier } from '../contracts.ts'
import type { WarmTokenError } from '../errors.ts'
import type { Failure, RejectPause, WarmRecord } from '../record/record.ts'

/** What the engine keeps warm: a source as the engine sees it, one for all its keys. */
export interface Subject<T> {
  /** How the issuer behaves, whether a fetch spends what cannot be spent twice, and the secret in use. */
  readonly source: Pick<Source<T, never>, 'traits' | 'exclusive' | 'secretFingerprint'>
  /** Asks the source. */
  fetch(request: FetchRequest<unknown, T>): Promise<Issued<T>>
  /** The value from untrusted JSON of so many characters, `undefined` when it is not one. */
  parse(json: Json, length: number): T | undefined
  /** What `parse` reads. Left out: the value is JSON itself. */
  print?(value: T): Json
  /** Eight hexadecimal characters that tell this value from another. */
  fingerprint(value: T): string
  /** Set where values can be forbidden before they expire. */
  readonly guard?: Guard<T>
}

/** What one `get` demands of a guarded value. */
export interface Demand {
  /** `clock.fast()` at which it began. */
  readonly since?: number
  /** `clock.slow()` then: what the server's clock dates is compared on it, for a step of the wall clock moves only the other. */
  readonly slowSince?: number
  /** How old the value may have been then, in ms. */
  readonly maxAge?: number | undefined
  /** With `maxAge`: when it began, among the loads of one tick of the clock. */
  readonly instant?: number | undefined
}

/** When a record was read, by `clock.fast()`. */
export interface Look {
  /** Before the request was sent that showed the record. */
  readonly sentAt: number
  /** The same of what its value is judged by: a batch need not read again what it has read a moment ago. */
  readonly asOf: number
}

/** How what a guard still needs is got. */
export interface Getting {
  readonly signal: AbortSignal
  /** `clock.fast()` at which the call must be over. Left out: it has no end of its own. */
  readonly endsAt?: number | undefined
}

/** Judges the values of a subject by more than their expiry, such as invalidations. Tokens have none. */
export interface Guard<T> {
  /** Reads the record and, by the same request, what its value is judged by. Always consistent. */
  read(store: Store, slot: Slot<T>, options: ReadOptions): Promise<Seen & { readonly look: Look }>
  /** Dates an entry that was found in the record. An entry that was found again is as new as the last look that showed it. */
  date(entry: Entry<T>, look: Look): void
  /**
   * Does what must be done before the entry of the record, if there is one, can be judged and a new one be fetched; `undefined`:
   * nothing. Called after each `read`. Rejects with `StoreError`.
   */
  prepare(slot: Slot<T>, entry: Entry<T> | undefined, look: Look & Getting): Promise<void> | undefined
  /** Whether a later look of this environment was answered before: what it has shown must not be replaced by this entry. */
  isOvertaken(slot: Slot<T>, entry: Entry<T>): boolean
  /** `stale`: it may be served while it is refreshed. `dead`: it is never served, not even when the source fails. */
  judge(slot: Slot<T>, entry: Entry<T>, demand: Demand): 'good' | 'stale' | 'dead'
  /**
   * A load gave what is stored nowhere. The record to write as its lease is released, where that supersedes the old value;
   * `undefined`: the old value stays.
   */
  release(slot: Slot<T>, entry: Entry<T>, record: WarmRecord): WarmRecord | undefined
  /** An entry was placed in the slot. Lowers its limits to what was judged. */
  limit(slot: Slot<T>): void
  /** The store cannot be read before `clock.fast()` is `until`: the entry in the slot may be served unjudged for a while. */
  relax(slot: Slot<T>, until: number): void
}

/**
 * All that an environment holds for one key. There may be a million slots, so every field exists from the start (one
 * hidden class), and what is rarely needed is in `rare`. The warm path reads three fields.
 */
export interface Slot<T> {
  /** Cache key, record key, single-flight key and authenticated data in one. */
  readonly key: string
  /** The one that was bound last. */
  subject: Subject<T>
  /** The newest entry, `undefined` before the first. */
  entry: Entry<T> | undefined
  /** Where the entry was found. */
  tier: Tier
  /** Fresh while `clock.fast()` is below this and `usableUntil`. A whole number takes no memory of its own. */
  freshUntil: number
  /** Usable while `clock.fast()` is below. A whole number too. */
  usableUntil: number
  /** What the layer above made of the entry. Cleared when the entry changes. */
  view: unknown
  /** Present only while something is in progress or wrong. */
  rare: Rare<T> | undefined
  /** Only with a report: what its hits are counted in. */
  tally?: { memory: number }
}

/** The rare fields. `rareOf` creates them, `dropEmptyRare` removes them: never keep a reference across an `await`. */
export interface Rare<T> {
  /** Until another entry is placed. */
  hold?: Hold | undefined
  /** The last values that the API refused, newest first. None is used again here unless the issuer gives it again. */
  rejected?: readonly Refused[] | undefined
  /** While the rejecting pauses: the value that is served whatever an API says, until `clock.fast()` is `until`. */
  vouched?: Vouched | undefined
  /**
   * Acquires that may still hold the lease, by nonce. A lease whose answer was lost, or that landed late, is recognized
   * as this environment's own. Each nonce is removed before the source is asked.
   */
  nonces?: Map<string, Acquiring> | undefined
  /** For an exclusive source: a value that could not be committed yet. */
  uncommitted?: Uncommitted<T> | undefined
  /** The last failure without the store; the source is not asked without the store before `clock.fast()` is `until`. */
  failedAlone?: { readonly failure: Failure; readonly until: number } | undefined
  /** How far the mint budget is used up, as this environment knows it. */
  booked?: number | undefined
  /** The refresh in progress. */
  flight?: Promise<Entry<T>> | undefined
  /** Why the value in the file could not be opened, until an event has reported it. */
  unopened?: { readonly error: unknown } | undefined
}

/** A value that the API refused. */
export type Refused = Pick<Entry<unknown>, 'fingerprint' | 'version'>

/** A value that the issuer gave because of a refusal. */
export interface Vouched {
  readonly fingerprint: string
  /** When the rejecting goes on, by `clock.fast()`. */
  readonly until: number
  /** The pause, in case the store fails and this environment counts alone. */
  readonly pause: RejectPause
}

/** Until when callers do not look beyond memory. */
export interface Hold {
  /** While the value in memory is usable, nobody looks further before `clock.fast()` reaches this. */
  readonly until: number
  /** The failure that the fleet obeys, as this environment last saw it. */
  readonly cooling?: {
    readonly until: number
    /** Fingerprint of the secret that was refused; `undefined` when the failure holds for any secret. */
    readonly secretFingerprint: string | undefined
    /** Whether it is worth waiting for the source: it failed once, in passing. */
    readonly isPassing: boolean
    /** When the source may be asked again, by `clock.fast()`. */
    readonly retryAt: number
    /** When the secret in use is looked up again, by `clock.fast()`. */
    askAgainAt: number
    readonly error: () => WarmTokenError
  }
}

/** An acquire that was sent. */
export interface Acquiring {
  /** `clock.fast()` from before it was sent. */
  readonly sentAt: number
  /** What an exclusive source said that it would spend. */
  readonly spends: string | undefined
}

/** What the source gave when it was asked. */
export interface Given<T> {
  readonly issued: Issued<T>
  /** How long it took, in ms. */
  readonly took: number
  /** The server's time before the source was asked, at least. */
  readonly askedAt: number
}

/** A value that an exclusive source gave and that is not in the store yet. */
export interface Uncommitted<T> extends Given<T> {
  /** Fingerprint of what the fetch spent. */
  readonly spent: string
}

/** The rare fields of a slot, created when there are none. */
export function rareOf<T>(slot: Slot<T>): Rare<T> {
  slot.rare ??= {}
  return slot.rare
}

/** Frees the rare fields when none is set. */
export function dropEmptyRare(slot: Slot<unknown>): void {
  if (Object.values(slot.rare ?? {}).every((field) => field === undefined)) slot.rare = undefined
}
