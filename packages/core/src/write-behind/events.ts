import type { WarmEvent } from '../events.ts'

/** What every event about one key carries. */
interface KeyEvent {
  /** The key of the journal. Holds neither parameters nor values. */
  readonly key: string
}

/** Writes were accepted: they are in the journal. */
export interface BehindAcceptedEvent extends KeyEvent {
  readonly type: 'behind-accepted'
  /** The number of the last of them. */
  readonly n: number
  /** How many were accepted by this request to the store. */
  readonly writes: number
  /** How many wait in the queue of the key now; merged ones count once. */
  readonly queued: number
  /** How often it was tried: above 1, others write the same key. */
  readonly attempts: number
}

/** A write is in the truth. */
export interface BehindAppliedEvent extends KeyEvent {
  readonly type: 'behind-applied'
  readonly n: number
  /** How many writes were merged into it. */
  readonly merged: number
  /** How long after it was accepted, in ms. */
  readonly age: number
  /** How long `apply` took, in ms. */
  readonly took: number
}

/** A write could not be applied now. It stays the first of its key. */
export interface BehindFailedEvent extends KeyEvent {
  readonly type: 'behind-failed'
  readonly n: number
  /** The code of the error, never its text. */
  readonly code: string
  /** Failures in a row. */
  readonly failures: number
  /** It is not tried again before, in ms since 1970 on the store's clock. */
  readonly until: number
}

/** A write was refused, or failed too often: an operator must decide. Raise an alarm on it. */
export interface BehindPoisonEvent extends KeyEvent {
  readonly type: 'behind-poison'
  readonly n: number
  readonly code: string
  readonly failures: number
  /** `stopped`: nothing of this key is applied until then; `aside`: the later writes of the key go on. */
  readonly outcome: 'stopped' | 'aside'
}

/** A write was not accepted, because there is no room for it. */
export interface BehindFullEvent extends KeyEvent {
  readonly type: 'behind-full'
  /** Which bound was reached. */
  readonly bound: FullBound
}

/** A drainer lost its lease: another goes on, and what it wrote late has a number that the truth can refuse. */
export interface BehindFencedEvent extends KeyEvent {
  readonly type: 'behind-fenced'
  readonly n: number
}

/** The bounds of a write-behind. */
export type FullBound = 'queue' | 'index' | 'waiting'

/** Every event of a write-behind: those of tokens about the store and the codec, and the ones above. */
export type BehindEvent =
  | WarmEvent
  | BehindAcceptedEvent
  | BehindAppliedEvent
  | BehindFailedEvent
  | BehindPoisonEvent
  | BehindFullEvent
  | BehindFencedEvent

/** Receives events. What it throws is ignored. */
export type BehindListener = (event: BehindEvent) => void
