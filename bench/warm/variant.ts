/** One way to have a token that is in memory. */
export interface Variant {
  readonly name: string
  /** Whether it answers at once or by a promise. */
  readonly form: 'sync' | 'await'
  /** The bare limit of its form, one of ours, or one of ours for data. The others are peers. */
  readonly part?: 'limit' | 'ours' | 'ours-data'
  /** That it reads the clock only now and then, so that it may return what has just expired: no peer for a goal. */
  readonly late?: boolean
  /** Fills it and gives the call that hits. */
  open(): Promise<() => unknown>
}

/** A token of 1 KB. */
export const TOKEN: string = 'x'.repeat(1024)
/** An hour, in ms. */
export const HOUR = 3_600_000
