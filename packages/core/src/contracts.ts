/**
 * The types that every part agrees on, and nothing else. Lengths are in milliseconds; instants (`…At`, `…Until`,
 * `…Expiry`) are milliseconds since 1970 on the clock of the store's server, unless a comment says otherwise.
 *
 * @module
 */

/** A JSON value: what an entry holds. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** What an {@link Issued} value says of its own life. */
export interface Issued<T> {
  /** The new value. */
  readonly value: T
  /** How long the value lives from the moment the request was sent, in ms. */
  readonly lifetime: number
  /**
   * The option that would state the lifetime, when the issuer told none and the source used its default. Reported by the
   * event `lifetime-assumed`.
   */
  readonly assumed?: string
  /** How long until a refresh is due, in ms. Default: the engine's refresh window before the end of `lifetime`. */
  readonly fresh?: number
  /** True: the value is handed to those who wait for it and stored nowhere. Default false. */
  readonly passing?: boolean
  /**
   * For an exclusive source: why the value must be committed for its `chain` and never used. Its `lifetime` is 0. The fetch
   * counts as failed with this error.
   */
  readonly unusable?: Error
}

/** A token as a source gives it. */
export interface TokenValue {
  /** The token itself. */
  readonly value: string
  /** How it is presented: `Bearer` unless the issuer says otherwise. */
  readonly type: string
  /** What came with it and must travel with it, such as an instance URL. Not secret. */
  readonly extra?: { readonly [name: string]: Json }
  /**
   * What the source needs for its next fetch, such as a refresh token. Secret: it is stored sealed with the value, comes
   * back as `previous`, and is never on a `Token`.
   */
  readonly chain?: Json
}

/** What a source is handed when a new value is asked of it. */
export interface FetchRequest<P, T = TokenValue> {
  /** The parameters of this token, such as the tenant. `undefined` for a source without parameters. */
  readonly params: P
  /** The last published value, even an expired or refused one; `undefined` when there is none that can be opened. */
  readonly previous: T | undefined
  /** Fingerprint of the value that the API refused, when this fetch is to replace it. See `fingerprint` in `hash.ts`. */
  readonly rejected: string | undefined
  /** For an exclusive source: what its `spends` said before the lease was asked for. It must spend that and nothing else. */
  readonly spends: string | undefined
  /** Aborts when the time for this call is over. A source must pass it on. */
  readonly signal: AbortSignal
  /** Within how long it must answer, in ms; `signal` aborts then. */
  readonly time?: number
  /** A unique mark of this attempt. */
  readonly nonce: string
  /**
   * The time on the store's server, in ms since 1970, for what a source must date; `undefined` before the first answer of
   * the store. Better than this machine's clock, which may be wrong by minutes.
   */
  readonly serverTime?: number | undefined
  /** True: without a lease, because the store gives no answer. What the source gives stays in this environment. */
  readonly alone?: boolean
}

/** A request to an API, as far as a token is put on it. Both may be changed. */
export interface ApiRequest {
  /** The address. */
  readonly url: URL
  /** The headers. */
  readonly headers: Headers
}

/** An API's answer, as far as a refusal of the token shows in it. */
export interface ApiAnswer {
  /** The status. */
  readonly status: number
  /** The headers. */
  readonly headers: Headers
  /** Resolves to the body as JSON, `undefined` when it is not JSON, or longer than 64 KB. The caller's body stays unread. */
  json(): Promise<unknown>
}

/** How the issuer behaves. Everything has a sensible default. Durations are in ms. */
export interface Traits {
  /**
   * How close to its hard expiry a value must come before the issuer gives a new one instead of the same one again.
   * Asking earlier is useless, so the refresh window never exceeds it. Default: no such window.
   */
  readonly reuseWindow?: number
  /**
   * How long an old value still works once a new one is issued. Environments that hold the old one use it for a part of
   * the refresh window, so the window is kept short enough for that. Default: until its own expiry.
   */
  readonly overlap?: number
  /**
   * How long after its issue a new value may still be refused by an API that does not know it. A refusal within that
   * time is answered by a pause and a repeat with the same value first. Default 0.
   */
  readonly settleTime?: number
  /** The most fetches an hour for one key, fleet-wide; more are refused here before the issuer refuses. Default: no limit. */
  readonly mintBudget?: number
  /** Puts the token on a request to the API. Default: the `authorization` header. */
  attach?(request: ApiRequest, token: TokenValue): void
  /** Whether this answer of the API says that the token is refused. Default: status 401. */
  isRejection?(answer: ApiAnswer): boolean | Promise<boolean>
}

/**
 * For a source whose fetch spends what cannot be spent twice, such as a refresh token that rotates. It is fetched only
 * under a lease, with its intent written ahead; a value is returned only once it is committed; nothing is stored in files.
 */
export interface Exclusive<T> {
  /** Resolves to a fingerprint of what the next fetch spends, given the last published value. */
  spends(previous: T | undefined): string | Promise<string>
  /**
   * What to do when a holder vanished after its intent was written, so that what it meant to spend may be spent:
   * `'repeat'` the issuer does not mind; `{ grace }` it tolerates a repeat for so many ms; `'retry-once'` one more try,
   * then the user must sign in again; `'stop'` the user must at once.
   */
  readonly afterCrash: 'repeat' | 'retry-once' | 'stop' | { readonly grace: number }
}

/** Gives new values: an identity and a function. */
export interface Source<T, P = undefined> {
  /** The readable start of the key, for operators: lower-case letters, digits and `-`, at most 24. Never a secret. */
  readonly kind: string
  /** True when its values differ by parameters, so that a handle needs them. Default false. */
  readonly parameters?: boolean
  /**
   * Everything that makes one value differ from another (issuer, client, scopes, parameters …). It is hashed into the
   * key and never shown. Throws `TypeError` when a parameter is missing.
   */
  identity(params: P): Json
  /**
   * Resolves to a new value. Throws {@link SourceRefusedError} or {@link SourceUnavailableError} from `errors.ts`; any
   * other error counts as unavailable.
   */
  fetch(request: FetchRequest<P, T>): Promise<Issued<T>>
  /**
   * Resolves to a short fingerprint of the secret in use. A recorded refusal holds for the fingerprint it was recorded
   * with, so a new secret is tried at once. Left out: refusals hold for any secret.
   */
  secretFingerprint?(): string | Promise<string>
  /** How the issuer behaves. */
  readonly traits?: Traits
  /** Set when a fetch spends what cannot be spent twice. */
  readonly exclusive?: Exclusive<T>
}

/** The nearest place that had the value. `source` means it was fetched for this exact call. */
export type Tier = 'memory' | 'file' | 'store' | 'source'

/** A value as a tier keeps it. */
export interface Entry<T> {
  /** The value. */
  readonly value: T
  /** Monotone number of the published value: the fencing token. 0 when it could not be published. */
  readonly version: number
  /** When it was obtained, on the server's clock. */
  readonly issuedAt: number
  /** From then on a refresh is asked for. */
  readonly softExpiry: number
  /** From then on it must not be used. */
  readonly hardExpiry: number
  /** Eight hexadecimal characters of a hash of the value: tells values apart without showing them. */
  readonly fingerprint: string
}

/** A reading of the server's clock: the true time was in `[at, at + precision]` when the answer was made. */
export interface ServerTime {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Width of the interval in ms: 1000 for an HTTP `Date` header, 0 for Redis `TIME`. */
  readonly precision: number
}

/**
 * What a store holds for a key, as it was seen. Hand it back as `expected` to change that exact state. A value that no
 * store wrote is an image too: with a tag that no write has, it can be expected and replaced. Never report it as absent.
 */
export interface Image {
  /** The text of the record. Untrusted. */
  readonly body: string
  /** The unique mark of the write that made it. */
  readonly tag: string
  /** The backend's own mark, where it cannot compare tags (an S3 ETag). Opaque to everyone but the store. */
  readonly mark?: string
}

/** The answer to a read: an image, or nothing there. */
export interface Seen {
  /** The image, `undefined` when the key is absent. */
  readonly image: Image | undefined
  /** The server's clock, `undefined` when the backend did not tell. */
  readonly time: ServerTime | undefined
}

/** What a live event says of a value. */
export interface LiveChange {
  /** `reject`: an API refused the value of this version. Anything else: the store has this version, or a later one. */
  readonly kind: string
  readonly version: number
}

/** A conditional write. */
export interface Swap {
  /** The image that must still be there, or `undefined` for "nothing may be there". */
  readonly expected: Image | undefined
  /** The new text. */
  readonly body: string
  /** The unique mark of this write. Repeating a swap with the same tag is harmless. */
  readonly tag: string
  /**
   * Until when the backend must keep it, in ms since 1970; it may have a fraction. Round it up to the unit of the backend.
   * Deleting later is harmless; a backend that deletes nothing on its own, such as an SQL table, needs a job that sweeps.
   */
  readonly keepUntil: number
  /**
   * A text that the backend announces with the write, for live events (`@warmtoken/core/live`): at most 512 bytes. A backend
   * that can does so at least once when the write is applied, and never for a swap without it. Others
   * ignore it.
   */
  readonly announce?: string | undefined
}

/**
 * What became of a swap. When the record that is in the way has the tag of this exact swap, it is `swapped`: a swap is
 * idempotent in its tag. `unknown`: it may or may not have been applied, or may still be. An attempt without an answer makes
 * it `unknown`, whatever a repeat of it is told, a refusal included. The cause of an `unknown` shows no part of the record.
 */
export type Swapped =
  | { readonly outcome: 'swapped'; readonly image: Image; readonly time: ServerTime | undefined }
  | { readonly outcome: 'conflict'; readonly seen: Seen }
  | { readonly outcome: 'unknown'; readonly cause: unknown }

/**
 * What a store rejects with: an error that says whether it may pass, and by which code it is known. Neither it nor its
 * `cause` shows any part of a record, a password or a connection string: clients put the whole command into their messages.
 */
export interface StoreFault extends Error {
  /**
   * `STORE_UNAVAILABLE`: it may pass. `STORE_DENIED`: a permission is missing. `STORE_MISSING`: no such table or bucket.
   * `STORE_REFUSED`: a setting is wrong, or the record is too long. `STORE_UNSAFE`: the backend ignores conditions.
   */
  readonly code: string
  /** Whether the same call may succeed later. False when an operator must act. */
  readonly retryable: boolean
}

/** How a read is made. */
export interface ReadOptions {
  /** Ends the call. The promise must then reject, never resolve to "absent". */
  readonly signal: AbortSignal
  /** True: the answer reflects every write that was acknowledged before the read began. */
  readonly consistent: boolean
}

/**
 * The shared tier: one record a key, changed only by compare-and-swap. This is all that an adapter is.
 *
 * A store may repeat a request once on its own, with the same tag, where no answer came; the engine repeats the rest. Nothing
 * it does may take 100 attempts.
 *
 * A store that keeps connections listens to the `error` event of each, which ends the process otherwise. It gives a
 * connection up when a call on it ends without its answer, for the next call would wait behind that answer; and it uses
 * none that was idle for 4 s or more, for an environment may have been frozen and the other end be gone.
 *
 * `storeConformance` of `@warmtoken/testing/store` checks all of this.
 */
export interface Store {
  /** For events and errors: `dynamodb`, `s3`, … */
  readonly name: string
  /**
   * Optional: which table, bucket or database this is, such as `dynamodb/tokens`; the same text in every environment that
   * shares it. It is sealed with each value, so that a value that was copied from another place does not open here.
   */
  readonly place?: string | undefined
  /**
   * True: the backend may lose a write that it has acknowledged, by a failover or by eviction. What must not be lost, such as
   * a write-behind, is refused on it. Default false.
   */
  readonly forgets?: boolean
  /**
   * Optional: loads what requests need, such as an SDK, or opens a connection. Awaited before every request, so that the time
   * it takes does not count as the store's; it resolves at once while nothing is to be done, and after a bounded time always.
   * What it rejects with is left to the request to say.
   */
  open?(): Promise<void>
  /** Resolves to what is there. Rejects with a {@link StoreFault} when that could not be learned. */
  read(key: string, options: ReadOptions): Promise<Seen>
  /** Resolves to what became of the write. Rejects with a {@link StoreFault} only when nothing was and will be written. */
  swap(key: string, swap: Swap, options: { readonly signal: AbortSignal }): Promise<Swapped>
  /** Optional, for speed: what is there under many keys, by one call. A key that is absent is in the map anyway. */
  readMany?(keys: readonly string[], options: ReadOptions): Promise<ReadonlyMap<string, Seen>>
  /**
   * Optional: the right that `readMany` needs and that the backend has refused, so that it reads one by one: slower, and
   * nothing is lost. `undefined` while nothing was refused.
   */
  lacks?(): string | undefined
}

/**
 * The store may lose a write that it acknowledged, and with it what rests on it. Told once, by what needs a store that never does:
 * caches, sessions and leases. No event of a token.
 */
export interface StoreForgetsEvent {
  readonly type: 'store-forgets'
  /** The name of the store. */
  readonly store: string
}

/** Turns the text of a value into what is kept at rest, and back. `key` is authenticated with it. */
export interface Codec {
  /** For events: `plaintext`, `aes-256-gcm`. */
  readonly name: string
  /** Returns the text to keep. */
  seal(text: string, key: string): string | Promise<string>
  /** Returns the text that was sealed for this key. Throws when it cannot be opened. */
  open(sealed: string, key: string): string | Promise<string>
}

/** The edges: time, randomness, waiting. Production uses `systemRuntime`; the simulator brings its own. */
export interface Runtime {
  /** The wall clock, in ms since 1970. May be wrong by minutes and may step. */
  wall(): number
  /** A clock that only goes forward, in ms from any origin. May stop while the environment is frozen. */
  monotonic(): number
  /** A random number in [0, 1). */
  random(): number
  /** A string that nobody else has ever made. */
  unique(): string
  /** Calls back once after `ms`; the returned function cancels. */
  after(ms: number, callback: () => void): () => void
}

/** Why a fetch failed, as the record keeps it. */
export type FailureKind = 'refused' | 'throttled' | 'unavailable' | 'budget'

/**
 * What every schema library that follows Standard Schema 1 gives (Zod, Valibot, ArkType …). The part of its interface
 * that is used here, copied as the specification asks.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    /** Resolves or returns: the value, or what is wrong with it. */
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    /** For the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema says of a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** One thing that is wrong with a value. */
export interface StandardIssue {
  /** In words; may quote the value. */
  readonly message: string
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** One page of an {@link Inventory}. */
export interface InventoryPage {
  /** The keys on this page, in no order. A key may come twice. */
  readonly keys: readonly string[]
  /** Hand it back as `after` to go on behind this page, also in another process; `undefined` on the last page. */
  readonly cursor: string | undefined
}

/**
 * Lists the keys of a store, for operators. It is apart from {@link Store} so that functions need no right to list: its
 * role needs a right that reads every key, such as `dynamodb:Scan`. A key that is written meanwhile may be missing.
 */
export interface Inventory {
  /** The name of the store. */
  readonly name: string
  /** Yields pages of keys. Throws a {@link StoreFault} when the backend refuses or does not answer. */
  pages(options: { readonly signal: AbortSignal; readonly after?: string | undefined }): AsyncIterable<InventoryPage>
}
