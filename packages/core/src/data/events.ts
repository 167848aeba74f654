import type { StoreForgetsEvent } from '../contracts.ts'
import type { TokenEvent, WarmEvent } from '../events.ts'
import type { Control } from './control.ts'

/** Something was invalidated, by this environment, and the store has acknowledged it. */
export interface InvalidateEvent {
  readonly type: 'invalidate'
  /** The tag, the pattern, or `*` for everything. */
  readonly what: string
  readonly by: 'tag' | 'match' | 'everything'
  /** Whether what it forbids may be served while it is refreshed. */
  readonly stale: boolean
  /** How long it took, in ms. */
  readonly took: number
}

/** The entries in memory that were due were checked by one request. */
export interface RecheckEvent {
  readonly type: 'recheck'
  /** How many entries were checked. */
  readonly entries: number
  /** How many of them must be read again, or are dead. */
  readonly dropped: number
  /** How long it took, in ms. */
  readonly took: number
}

/**
 * A generation record has a lower number than was seen before: the store lost it (an eviction, a lifecycle rule). What rests
 * on it is dead, and the record is written again.
 */
export interface GenerationLostEvent {
  readonly type: 'generation-lost'
  /** The tag; empty for the root record. */
  readonly tag: string
}

/** A generation record is garbage. What rests on it is dead, and the record is written again. */
export interface BadGenerationEvent {
  readonly type: 'bad-generation'
  /** The tag; empty for the root record. */
  readonly tag: string
}

/** The switches of the cache are others than this environment knew. */
export interface ControlEvent {
  readonly type: 'control'
  readonly control: Control
}

/**
 * The role lacks a right that only speed needs, so that many keys are read one by one. Emitted once by each environment.
 */
export interface MissingRightEvent {
  readonly type: 'missing-right'
  /** Such as `dynamodb:BatchGetItem`. */
  readonly right: string
}

/** The body of a large value is lost, damaged, or was not read in time: the value counts as a miss and is loaded again. */
export interface BodyUnreadEvent extends TokenEvent {
  readonly type: 'body-unread'
}

/**
 * More new keys a second than one environment asks for leases for: until the second is over, further ones are loaded without a
 * lease, and that there is no value is remembered in memory only. One event for each such second.
 */
export interface FloodEvent {
  readonly type: 'flood'
  /** New keys a second. */
  readonly limit: number
}

/** A key was changed by this environment: set, written with the truth, updated, touched or deleted. */
export interface ChangeEvent extends TokenEvent {
  readonly type: 'change'
  /** `conflict`: other writes came first, each time. `unknown`: the answers of the store were lost. */
  readonly outcome: 'written' | 'conflict' | 'unknown'
  /** How often it was tried: above 1, others write the same key. */
  readonly attempts: number
  /** How long it took, in ms, with all attempts. */
  readonly took: number
}

/** Every event of a cache: those of tokens, and the ones above. */
export type CacheEvent =
  | WarmEvent
  | StoreForgetsEvent
  | InvalidateEvent
  | RecheckEvent
  | GenerationLostEvent
  | BadGenerationEvent
  | ControlEvent
  | MissingRightEvent
  | FloodEvent
  | BodyUnreadEvent
  | ChangeEvent

/** Receives events. What it throws is ignored. */
export type CacheListener = (event: CacheEvent) => void
