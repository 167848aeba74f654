import type { Codec, Entry, FetchRequest, Issued, Json, Runtime, Source, Store, Tier } from '../contracts.ts'
import type { StoreError, WarmTokenError } from '../errors.ts'
import type { Listener } from '../events.ts'
import type { Failure } from '../record/record.ts'
import type { FileReader } from '../tiers/file/reader.ts'
import type { FileTier } from '../tiers/file/writer.ts'
import type { Given } from './miss/call-source.ts'
import type { Crowds } from './miss/coalesce.ts'
import type { Policy } from './policy.ts'
import type { Clock } from './time/clock.ts'
import type { Anchored, ServerClock } from './time/server-clock.ts'

/** What the engine keeps warm: a source as the engine sees it, one for all its keys. */
export interface Subject<T> {
  /** How the issuer behaves, whether a fetch spends what cannot be spent twice, and the secret in use. */
  readonly source: Pick<Source<T, never>, 'traits' | 'exclusive' | 'secretFingerprint'>
  /** Asks the source. */
  fetch(request: FetchRequest<unknown, T>): Promise<Issued<T>>
  /** The value from untrusted JSON, `undefined` when it is not one. */
  parse(json: Json): T | undefined
  /** Eight hexadecimal characters that tell this value from another. */
  fingerprint(value: T): string
}

/** An acquire that was sent. */
export interface Acquiring {
  /** `clock.fast()` from before it was sent. */
  readonly sentAt: number
  /** What an exclusive source said that it would spend. */
  readonly spends: string | undefined
}

/**
 * All that an environment holds for one key: there may be a million of them, so every field is there from the start, and
 * what is seldom needed is aside. The warm path reads three fields of it.
 */
export interface Slot<T> {
  /** Cache key, record key, single-flight key and authenticated data in one. */
  readonly key: string
  /** What it is for. */
  readonly subject: Subject<T>
  /** The newest entry, `undefined` before the first. */
  entry: Entry<T> | undefined
  /** Where the entry was found. */
  tier: Tier
  /** Fresh while `clock.fast()` is below this and `usableUntil`; a whole number, which takes no memory of its own. */
  freshUntil: number
  /** Usable while `clock.fast()` is below; a whole number too. */
  usableUntil: number
  /** For the layer above: what it made of the entry. Cleared when the entry changes. */
  view: unknown
  /** What is needed only while something is under way or wrong. */
  aside: Aside<T> | undefined
}

/** Why nobody asks for now. */
interface Hold {
  /** While a usable value is in hand, nobody asks beyond memory before `clock.fast()` reaches it. */
  readonly until: number
  /** The failure that the fleet obeys, as this environment last saw it. */
  readonly cooling?: {
    readonly until: number
    /** Fingerprint of the secret that was refused; `undefined` when any secret is. */
    readonly secret: string | undefined
    /** When the secret in use is asked for again, by `clock.fast()`. */
    askAgainAt: number
    readonly error: () => WarmTokenError
  }
}

/** Made by `asideOf` when it is first needed, dropped when nothing is left in it: it must not be held over a wait. */
export interface Aside<T> {
  /** Until another entry comes. */
  hold?: Hold | undefined
  /** Fingerprints of the last values that the API refused here, newest first; none is used again in this environment. */
  rejected?: readonly string[] | undefined
  /**
   * The nonces of acquires that may still hold the lease, with `clock.fast()` from before each was sent: a lease whose
   * answer was lost, or that landed late, is recognized as one's own. Each is taken out when the source is asked.
   */
  nonces?: Map<string, Acquiring> | undefined
  /** For an exclusive source: what it gave and could not be committed, and the fingerprint of what that spent. */
  pending?: { readonly given: Given<T>; readonly spent: string } | undefined
  /** The last failure without the store, and until when `clock.fast()` must come before the source is asked so again. */
  alone?: { readonly failure: Failure; readonly until: number } | undefined
  /** How far the mint budget is used up, as this environment knows it. */
  booked?: number | undefined
  /** The one call under way. */
  flight?: Promise<Entry<T>> | undefined
  /** Why a value could not be opened, and nobody was told yet. */
  shut?: { readonly error: unknown } | undefined
}

/** A value as it is handed out. */
export interface Served<T> {
  readonly entry: Entry<T>
  /** Where it came from, for this call. */
  readonly tier: Tier
  /** Life left now, at least, in ms; 0 when there is none. */
  readonly remaining: () => number
}

/** What the parts of an engine share from the start. */
export interface Shared extends Anchored {
  /** `undefined` when values rest as they are. */
  readonly codec?: Codec | undefined
  readonly file: FileReader | undefined
  /** `undefined`: the system's. */
  readonly runtime?: Runtime | undefined
  /** What is left out has its default. */
  readonly policy?: Partial<Policy> | undefined
  readonly clock: Clock
  /** This environment's share of the jitter, in [0, 1). */
  readonly share: number
  /** Tells the listeners; costs nothing where there are none. */
  readonly emit: Listener
  /** Whether anybody listens; asked before an event is made on the warm path. */
  readonly listening: () => boolean
  /** Every flight under way, and what ends it. */
  readonly flights: Map<Promise<unknown>, AbortController>
  /** Has callers share; the slow path does, when it is loaded. */
  join: Crowds['join']
  /** Keys of tokens that somebody wants all at once, each until its first read: these go out as one where a store can. */
  readonly wanted: Set<string>
  /** How many callers have promised to settle: refreshes may run beside them. */
  background: number
}

/** What they share once the slow path is loaded. */
export interface Parts extends Shared {
  readonly store: Store
  readonly runtime: Runtime
  readonly policy: Policy
  /** The clock of the store's server. */
  readonly server: ServerClock
  /** The file tier whose reader is `file`. */
  readonly fileTier: FileTier | undefined
  /** Seals a value for rest. */
  readonly seal: Codec['seal']
  /** This environment's mark in the ring of refreshes, once it is needed. */
  environment: string | undefined
  /** The store's `open` under way, or done. */
  opening: Promise<void> | undefined
  /** The store is left alone while `clock.fast()` is below. */
  storeDownUntil: number
  /** Why: the fault that it was last met with. */
  storeFault: StoreError | undefined
}

/** What one `get` asks for. */
export interface Ask {
  /** The parameters that the source is given, should it be asked. */
  readonly params?: unknown
  /** Life that the value must have left, in ms. */
  readonly minLifetime: number
  /** Within how long, in ms. */
  readonly timeout: number
  /** Fingerprint of the value that the API refused. */
  readonly rejected: string | undefined
}

/** The same, as a caller says it. Default `timeout`: that of the policy. */
export type Wish = Omit<Ask, 'timeout'> & { readonly timeout?: number | undefined }
