import type { Codec, Entry, LiveChange, Runtime, Store, Tier } from '../contracts.ts'
import type { StoreError } from '../errors.ts'
import type { Listener } from '../events.ts'
import type { FileReader } from '../tiers/file/reader.ts'
import type { FileTier } from '../tiers/file/writer.ts'
import type { Policy } from './policy.ts'
import type { Demand, Look, Slot } from './slot.ts'
import type { Clock } from './time/clock.ts'
import type { KnownTime, ServerClock } from './time/server-clock.ts'

/** What the hit path and the miss path of one engine share. Built once, by `createEngine`. */
export interface Shared {
  /** `undefined`: values are stored as plain text. */
  readonly codec?: Codec | undefined
  /** Which store this is, sealed with each value; `undefined` where the store does not say. */
  readonly place?: string | undefined
  /** `undefined`: there is no file tier. */
  readonly file: FileReader | undefined
  /** `undefined`: the system's. */
  readonly runtime?: Runtime | undefined
  /** What is left out has its default. */
  readonly policy?: Partial<Policy> | undefined
  readonly clock: Clock
  /** The server's time as a file or the store last told it. */
  readonly knownTime: KnownTime
  /** This environment's share of the jitter, in [0, 1). */
  readonly jitter: number
  /** Sends an event to the listeners. */
  readonly emit: Listener
  /** Whether anyone listens. Asked before an event is made on the warm path, with the slot of a hit. */
  readonly listening: (slot?: Slot<unknown>) => boolean
  /** What users call their values, by key; for errors. */
  readonly names?: ReadonlyMap<string, string> | undefined
  /** Keys whose first read may be sent together with others, see `prewarm`. */
  readonly prefetchKeys: Set<string>
  /** Awaited before each write to the store, outside its time; what it resolves to is called after. Left out: no bound. */
  readonly writeTurn?: (() => Promise<() => void>) | undefined
  /** Whether a caller has promised to `settle`, so that refreshes may run in the background. */
  readonly background: () => boolean
}

/** What the whole miss path uses. Built once, when the miss path is loaded. */
export interface MissContext extends Shared {
  readonly runtime: Runtime
  readonly store: Store
  readonly policy: Policy
  /** The clock of the store's server. */
  readonly server: ServerClock
  /** Writes what `file` reads. */
  readonly fileTier: FileTier | undefined
  /** Seals a value for the file tier and the store. */
  readonly seal: Codec['seal']
  /** This environment's mark in the list of refreshes. */
  readonly environment: () => string
  /** Takes in what a live event says of a value. Never rejects. */
  readonly catchUp: <T>(slot: Slot<T>, change: LiveChange) => Promise<void>
  /** Until when the store is left alone. */
  readonly outage: Outage
  /** Every refresh in progress, and what aborts it. */
  readonly flights: Map<Promise<unknown>, AbortController>
}

/** What requests to the store need. */
export type StoreContext = Pick<MissContext, 'store' | 'runtime' | 'clock' | 'server' | 'policy' | 'emit' | 'writeTurn'>

/** A store that failed is left alone for a moment. */
export interface Outage {
  /** The store is left alone while `clock.fast()` is below. */
  until: number
  /** The error that the store last failed with. */
  error: StoreError | undefined
}

/** What one `get` asks for. */
export interface Ask extends Demand {
  /** Parameters for the source. */
  readonly params?: unknown
  /** Remaining lifetime that the value must have, in ms. */
  readonly minLifetime: number
  /** Within how long, in ms. */
  readonly timeout: number
  /** Fingerprint of the value that the API refused. */
  readonly rejected: string | undefined
  /** True: a refresh polls at the same instants as others with it do, so that their reads can be sent together. */
  readonly isBatch?: boolean
}

/** The same as the caller gives it. Default `timeout`: that of the policy. */
export type Wish = Omit<Ask, 'timeout'> & { readonly timeout?: number | undefined }

/** One refresh of one slot: the object that goes through the miss path, with what the refresh has seen and done so far. */
export interface Flight<T> {
  readonly context: MissContext
  readonly slot: Slot<T>
  readonly ask: Ask
  readonly signal: AbortSignal
  /** `clock.fast()` at which the refresh must be over. */
  readonly endsAt: number
  /** `clock.fast()` until which the caller that started it waits. A refresh in the background may go on for longer. */
  readonly awaitedUntil: number
  /** The lease of another environment, and `clock.slow()` when it was first seen. */
  seenLease: { readonly nonce: string; readonly at: number } | undefined
  polls: number
  /** `clock.fast()` since when this refresh has waited for another environment. */
  waitingSince: number | undefined
  /** `clock.fast()` when this refresh first waited to look again. */
  looksSince: number | undefined
  failedSwaps: number
  /** Looks in a row at the record, while waiting, that failed. */
  failedLooks: number
  /** The last look of a guard. */
  look: Look | undefined
  /** The last published value that was opened. */
  opened: { readonly sealed: string; readonly entry: Entry<T> | undefined } | undefined
  /** Fingerprint of the secret in use. Looked up only where a refusal is on record. */
  secretFingerprint: string | undefined
}

/** A value as it is returned. */
export interface Served<T> {
  readonly entry: Entry<T>
  /** Where it came from, for this call. */
  readonly tier: Tier
  /** Remaining lifetime now, at least, in ms; 0 when there is none. */
  readonly remaining: () => number
}
