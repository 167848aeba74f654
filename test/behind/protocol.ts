import type { Address } from '../history/protocol.ts'

/** How many keys are written. */
export const KEYS = 12
/** How long one call of the truth may take, and a request to the store, in ms. */
export const TIMES = { applyTimeout: 1_000, storeTimeout: 800, timeout: 8_000 } as const
/** The name of the write-behind. */
export const NAME = 'history'

/** What a process is told at its start. */
export interface BehindOrders {
  readonly address: Address
  /** Where the truth answers. */
  readonly truth: string
  /** Where it writes its lines. */
  readonly file: string
  readonly seed: number
  /** Stands in the id of each of its writes. */
  readonly number: number
}

/** What a process tells the truth. */
export interface Put {
  readonly key: string
  readonly n: number
  readonly value: string
}

/** A line of a process: that it is about to write, and what came of it. */
export type BehindLine =
  | { readonly type: 'asks'; readonly key: string; readonly value: string }
  | { readonly type: 'accepted'; readonly key: string; readonly value: string; readonly n: number }
  | { readonly type: 'failed'; readonly value: string; readonly code: string }
