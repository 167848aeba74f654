import type { HistoryEvent } from '@warmtoken/testing/history'

/** A backend as a worker finds it: all of it can be sent to a thread. */
export interface Address {
  readonly kind: 'dynamodb' | 's3' | 'upstash'
  readonly url: string
  /** For `upstash`. */
  readonly token: string
}

/** What a worker is told at its start. */
export interface Orders {
  readonly address: Address
  readonly issuerUrl: string
  /** Where it writes its lines, before it does what they tell. */
  readonly file: string
  readonly seed: number
  /** How many crashes and pauses the fleet may still have, counted down by all its threads. */
  readonly permits: Int32Array<SharedArrayBuffer>
}

/** The places of the permits. A slow machine would otherwise be kept busy with nothing but replacing the dead. */
export const CRASHES = 0
export const PAUSES = 1

/** A token that all workers keep warm. `lifetime` in ms. */
export interface Params {
  readonly name: string
  readonly lifetime: number
}

/** Lives so short that a run of half a minute sees many generations. */
export const PARAMS: readonly Params[] = [3_000, 4_000, 6_000].map((lifetime) => ({
  name: `lifetime-${lifetime}`,
  lifetime,
}))

/** The lengths of the engines, in ms: a lease is 3,400, which one pause does not outlast and two do. */
export const POLICY = { sourceTimeout: 400, storeTimeout: 800, timeout: 8_000 } as const
/** How long a holder pauses, in ms. */
export const PAUSE = 2_500

/** What an engine told, for the counts. */
export type Told = 'acquired' | 'adopted' | 'taken over' | 'published' | 'fenced' | 'alone' | 'failed fetch' | 'paused'

/** A line of a worker's file. */
export type Line = HistoryEvent | { readonly type: 'told'; readonly what: Told; readonly key: string }

/** What a worker says to the test. */
export type Message = { readonly type: 'told'; readonly what: Told } | { readonly type: 'ready' | 'crash' | 'done' }
