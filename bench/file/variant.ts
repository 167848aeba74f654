/** One thing done with the file of a token. */
export interface Variant {
  readonly name: string
  readonly part?: 'limit' | 'ours' | 'beside'
  /** What is done; things are compared within one kind. */
  readonly kind: 'hit' | 'sealed hit' | 'miss' | 'write'
  /** Prepares a folder of its own and gives the operation. */
  open(folder: string): Promise<() => unknown>
}

/** A token for a record of 2 KB. */
export const TOKEN: string = 'abcdefghijklmnop'.repeat(110)
/** An hour, in ms. */
export const HOUR = 3_600_000
