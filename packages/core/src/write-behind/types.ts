/** What users give and hold. Durations are in ms. @module */

import type { Codec, Runtime, StandardSchema, Store } from '../contracts.ts'
import type { ParamsOf } from '../data/key-template.ts'
import type { BehindListener } from './events.ts'

/** What `apply` is handed beside parameters and value. */
export interface AppliedWrite {
  /**
   * The number of the write: higher than those of all earlier writes of the key. Have the truth refuse a number that is not
   * higher than the last one that it took, and count that as done: then each write is applied exactly once, in order.
   */
  readonly n: number
  /** The id of the write, for a truth that knows idempotence keys; of merged writes, that of the newest. The same at a repeat. */
  readonly id: string
  /** How many writes were merged into it. */
  readonly merged: number
  /** Aborts when its time is over. Pass it on. */
  readonly signal: AbortSignal
}

/** How {@link writeBehind} is set up. Durations are in ms. */
export interface WriteBehindOptions<Template extends string, V> {
  /** The store that the whole fleet shares. Refused when it may lose what it has acknowledged, see `mayLose`. */
  readonly store: Store
  /** What the write-behind is called: 1 to 40 of a-z, 0-9 and `-`. A part of every key. */
  readonly name: string
  /** The key with its parameters, `views:{post}`, as of a cache. Writes of one key keep their order. */
  readonly key: Template
  /**
   * Puts one write into the truth; called by a drainer, in the order of the numbers of a key, again after a failure or a crash.
   * What it throws is a failure, tried again later; an error with `retryable: false` is a refusal.
   */
  readonly apply: (params: ParamsOf<Template>, value: V, write: AppliedWrite) => unknown
  /**
   * What two writes become that wait one behind the other, such as a sum: `(older, newer) => older + newer`. Pure. They are
   * applied as one. Default: every write is applied alone.
   */
  readonly merge?: ((older: V, newer: V) => V) | undefined
  /** Checks each value that is written, and each that is read from the journal. Synchronous. Default: values are JSON. */
  readonly schema?: StandardSchema<unknown, V>
  /** How values are stored in the journal. Default: as they are, with one event `plaintext`. */
  readonly codec?: Codec
  /** Separates keys that would otherwise be the same, such as a stage. Default: none. */
  readonly namespace?: string
  /** How long `apply` may take, 100 to 600,000. Default 10,000. */
  readonly applyTimeout?: number
  /** After how many failures in a row a write counts as poison. Default 10. */
  readonly attempts?: number
  /**
   * What becomes of poison. `stop`: the key stops until `retry` or `giveUp`, and its order is kept; `skip`: a refused write is
   * set aside, at most 8 of a key, and later ones go on; one that failed too often stops the key, because it may be in the
   * truth. Other keys go on in any case. Default `stop`.
   */
  readonly onPoison?: 'stop' | 'skip'
  /** Within how long a write is accepted or rejected. Default 5,000. */
  readonly timeout?: number
  /** How long one request to the store may take. Default 800. */
  readonly storeTimeout?: number
  /** How many keys a drain works on at once. Default 4. */
  readonly concurrency?: number
  /** True: you accept that a store that `forgets` may lose writes that it has acknowledged. Default false. */
  readonly mayLose?: boolean
  /** Receives every event. What it throws is ignored. Default: none. */
  readonly onEvent?: BehindListener
  /** Clocks, random numbers and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

/** How one write is made. */
export interface WriteOptions {
  /**
   * Your own id, 1 to 64 of the printable ASCII characters without blank, such as that of a message: a write with an id that is
   * among the last 32 of the key is not accepted again. Default: a random one.
   */
  readonly id?: string
  /** Within how long it is accepted or rejected, in ms. Default: the option of `writeBehind`. */
  readonly timeout?: number
}

/** A write that was accepted: it will be applied. */
export interface Accepted {
  /** Its number. */
  readonly n: number
  readonly id: string
}

/** How a drain is made. */
export interface DrainOptions {
  /** The time that is left, in ms; no write is started that might not end within it. Default: 60,000 from the start, or twice `applyTimeout`. */
  readonly remaining?: () => number
  /** Ends the drain: the writes in progress are aborted and applied again later. */
  readonly signal?: AbortSignal
}

/** What a drain did. Each key of the index is in one of the counts from `drained` to `unreadable`. */
export interface DrainReport {
  /** Writes that were applied; merged ones count once. */
  readonly applied: number
  /** Keys that the index held. */
  readonly keys: number
  /** Keys with nothing left to apply. */
  readonly drained: number
  /** Keys whose first write failed now; it is tried again after a pause. */
  readonly failed: number
  /** Keys in such a pause. */
  readonly waiting: number
  /** Keys that another drain works on. */
  readonly busy: number
  /** Keys with poison. */
  readonly poisoned: number
  /** Keys for which no time was left, the store failed, or writes came in meanwhile: the next drain goes on. */
  readonly left: number
  /** Keys whose journal is damaged; nothing of it was changed. */
  readonly unreadable: number
  /** Records of the index, of 64, that the store did not return: their keys are drained by the next one. */
  readonly unseen: number
}

/** A write that an operator must decide about. */
export interface PoisonWrite<P, V> {
  readonly params: P
  /** `undefined` when it cannot be opened. */
  readonly value: V | undefined
  readonly n: number
  readonly id: string
  /** When it was accepted, in ms since 1970. */
  readonly at: number
  /** `stopped`: the key waits for it; `aside`: later writes of the key went on. */
  readonly outcome: 'stopped' | 'aside'
  /** The code of the last failure; `undefined` for one that is aside. */
  readonly code: string | undefined
}

/** What waits in the whole fleet. */
export interface Backlog<P, V> {
  /** Keys in the index. */
  readonly keys: number
  /** Writes that wait; merged ones count once. */
  readonly writes: number
  /** How old the oldest of them is, in ms; 0 when none waits. */
  readonly age: number
  /** Poison, at most 1,000. */
  readonly poison: readonly PoisonWrite<P, V>[]
  /** Keys whose journal is damaged. */
  readonly unreadable: readonly string[]
}

/** What was counted in this environment. */
export interface BehindReport {
  /** Writes that were accepted. */
  readonly accepted: number
  /** Requests to the store that accepted them. */
  readonly appends: number
  /** Writes that a drain of this environment has applied; merged ones count once. */
  readonly applied: number
  /** How often a write could not be applied. */
  readonly failed: number
  /** How many of these made a write poison. */
  readonly poisoned: number
  /** Writes that were rejected with `BehindFullError`. */
  readonly full: number
  /** Writes that were rejected with `BehindUnknownError`. */
  readonly unknown: number
}

/** A value that was loaded from the truth, with the number that was current before the load. */
export interface Loaded<V> {
  readonly value: V | undefined
  /** From `done`, called before the load began. */
  readonly done: number
}

/** Writes that are accepted at once and applied later, in order. Make it once, outside the handler. */
export interface WriteBehind<P, V> {
  readonly name: string
  /**
   * Resolves once the write is in the store: it will be applied, after the earlier ones of its key. Rejects with
   * `BehindFullError` when there is no room, `BehindUnknownError` when nobody knows, `StoreError` when the store cannot be used
   * (nothing was accepted), and `TypeError` or `ValueError` for wrong parameters and values.
   */
  write(params: P, value: V, options?: WriteOptions): Promise<Accepted>
  /** Applies what waits in the whole fleet. Resolves to what was done; rejects with `StoreError` when nothing of the index can be read. */
  drain(options?: DrainOptions): Promise<DrainReport>
  /**
   * A Lambda handler that drains, for a schedule, a stream or a queue. The event is not read. Rejects with `TypeError` when the
   * function has so little time that it would apply nothing: it needs `applyTimeout` and 1,000 ms.
   */
  handler(event?: unknown, context?: { getRemainingTimeInMillis?(): number }): Promise<DrainReport>
  /** Whether this environment has written since it last settled. */
  readonly busy: boolean
  /** For `withCaches` and `warmCaches`, which call `settle` after the handler. */
  enter(): () => void
  /** Applies what this environment has written, at most `timeout` ms (default 1,000). Never rejects: a drain does the rest. */
  settle(options?: { readonly timeout?: number }): Promise<void>
  /**
   * Resolves to what `load` returns, or what was accepted after it: a newer write wins, or is merged into it. Rejects with what
   * `load` throws, and with `StoreError`.
   */
  read(params: P, load: () => V | undefined | Promise<V | undefined>): Promise<V | undefined>
  /** Resolves to the number up to which the truth has everything. Call it before a load whose result you keep. */
  done(params: P): Promise<number>
  /** Resolves to what is newer: a value that was loaded and kept, or an accepted write. Rejects with `StoreError`. */
  newest(params: P, loaded: Loaded<V>): Promise<V | undefined>
  /** Resolves to what waits in the whole fleet, with all poison. Reads the index and the journals in it. */
  backlog(): Promise<Backlog<P, V>>
  /** Has the poison of a key tried again; what was set aside, after all others. Resolves to how many there were. */
  retry(params: P): Promise<number>
  /** Gives up the poison of a key: it is never applied. Resolves to how many there were. */
  giveUp(params: P): Promise<number>
  /** What was counted so far in this environment. */
  report(): BehindReport
}
