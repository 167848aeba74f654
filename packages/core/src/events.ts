/**
 * Everything that can be told about a token while it is kept warm. No event holds a token, a secret or an issuer's text.
 *
 * @module
 */

import type { FailureKind } from './contracts.ts'

/** What every event about one token or value carries. */
export interface TokenEvent {
  /** The key. Holds no secret. */
  readonly key: string
  /** The name that `tokens.use(source, { name })` gave it, if any; the name of the resource of a cache. */
  readonly name?: string
}

/** A token was returned without asking the source. */
export interface HitEvent extends TokenEvent {
  readonly type: 'hit'
  readonly tier: 'memory' | 'file' | 'store'
  /** Whether it is past its soft expiry. */
  readonly stale: boolean
  /** Lifetime left, at least, in ms. */
  readonly remaining: number
  /** How long this environment waited while another one fetched the token, in ms. Only when it waited. */
  readonly waited?: number
}

/** A caller was served by the call of another caller in this environment (single flight). */
export interface SharedEvent extends TokenEvent {
  readonly type: 'shared'
}

/** A tier was asked and had no usable token. */
export interface MissEvent extends TokenEvent {
  readonly type: 'miss'
  readonly tier: 'file' | 'store'
}

/** This environment holds the lease and may ask the source. */
export interface AcquireEvent extends TokenEvent {
  readonly type: 'acquire'
  /** The fencing number of the lease. */
  readonly epoch: number
  /** Whether the lease of another environment ended without a publish. */
  readonly takeOver: boolean
  /** Whether the answer to the acquire was lost and the lease was found later. */
  readonly adopted: boolean
}

/** Another environment holds the lease; this one waits for the token. */
export interface WaitEvent extends TokenEvent {
  readonly type: 'wait'
  readonly epoch: number
  /** How often the record was read while waiting. */
  readonly polls: number
}

/** The source was asked. */
export interface FetchEvent extends TokenEvent {
  readonly type: 'fetch'
  /** How long it took, in ms. */
  readonly took: number
  readonly outcome: 'ok' | FailureKind
  /** Whether it was asked without a lease, because the store could not be used. */
  readonly alone: boolean
}

/** The issuer did not state how long its token lives, so the source used its default. */
export interface LifetimeAssumedEvent extends TokenEvent {
  readonly type: 'lifetime-assumed'
  /** The option of the source to set to what the issuer documents. */
  readonly option: string
  /** The lifetime that was used, in ms. */
  readonly lifetime: number
}

/** The new token is in the store. */
export interface PublishEvent extends TokenEvent {
  readonly type: 'publish'
  readonly version: number
}

/** The lease was lost before the publish. Nothing was overwritten. */
export interface FencedEvent extends TokenEvent {
  readonly type: 'fenced'
  readonly epoch: number
}

/** A failure is on record. Nobody asks the source before `until`. */
export interface CoolDownEvent extends TokenEvent {
  readonly type: 'cool-down'
  readonly kind: FailureKind
  /** In ms since 1970, on the store's clock. */
  readonly until: number
  /** Failures in a row. */
  readonly count: number
}

/** The API refused the token with this fingerprint. */
export interface RejectEvent extends TokenEvent {
  readonly type: 'reject'
  readonly fingerprint: string
  /** True when the rejecting pauses because the issuer has just given this token: it is served on. */
  readonly paused?: boolean
}

/** The file tier could not be used, or held something that was not accepted. */
export interface FileErrorEvent extends TokenEvent {
  readonly type: 'file-error'
  /** One of a fixed list. */
  readonly reason: string
}

/** The store failed. */
export interface StoreErrorEvent extends TokenEvent {
  readonly type: 'store-error'
  readonly operation: 'read' | 'swap'
  /** The code of the error. */
  readonly code: string
}

/**
 * The store held something that is not a record for this key, or a record with a damaged part. The next write repairs it;
 * for an exclusive source that would lose its chain, it is left alone and the call fails with `STORE_UNREADABLE`.
 */
export interface BadRecordEvent extends TokenEvent {
  readonly type: 'bad-record'
  /** One of a fixed list, such as `not JSON`, `another schema` or `damaged lease`. */
  readonly reason: string
}

/** The codec could not seal or open a token: this counts as a miss, the token is never written as plain text instead. */
export interface CodecErrorEvent extends TokenEvent {
  readonly type: 'codec-error'
  readonly operation: 'seal' | 'open'
  /**
   * The error's code or its name (`KEY_DENIED`, `AccessDeniedException`); `CODEC_FAILED` where neither is known to hold no
   * secret.
   */
  readonly code: string
}

/** A duration that looks like seconds where ms are meant. Emitted once for each option. */
export interface SuspiciousDurationEvent extends TokenEvent {
  readonly type: 'suspicious-duration'
  /** `lifetime` of what the source gave, or an option of `createTokens`. */
  readonly option: string
  /** Its value. */
  readonly ms: number
}

/** Tokens are stored unsealed in the file tier or the store. Emitted once, at the first write. */
export interface PlaintextEvent {
  readonly type: 'plaintext'
}

/** Something that happened. */
export type WarmEvent =
  | HitEvent
  | SharedEvent
  | MissEvent
  | AcquireEvent
  | WaitEvent
  | FetchEvent
  | LifetimeAssumedEvent
  | PublishEvent
  | FencedEvent
  | CoolDownEvent
  | RejectEvent
  | FileErrorEvent
  | StoreErrorEvent
  | BadRecordEvent
  | CodecErrorEvent
  | SuspiciousDurationEvent
  | PlaintextEvent

/** Receives events. What it throws is ignored. */
export type Listener = (event: WarmEvent) => void
