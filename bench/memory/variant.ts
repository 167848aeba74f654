import { randomBytes } from 'node:crypto'

/** One way to keep many tokens in memory. */
export interface Variant {
  readonly name: string
  readonly part?: 'limit' | 'ours' | 'beside'
  /** Fills it with this many tokens and gives the hit of one of them. */
  fill(size: number): Promise<Filled>
}

/** What is full. */
export interface Filled {
  /** Gives the n-th token, `undefined` when it is not there any more. */
  get(n: number): unknown
  /** Held until the end, so that nothing is collected. */
  readonly held: unknown
}

/** An hour, in ms. */
export const HOUR = 3_600_000

/** A token of 1 KB, unlike any other, in one piece of memory. */
export function newToken(): string {
  return randomBytes(768).toString('base64url')
}

/** The key of the n-th token. */
export function keyOf(n: number): string {
  return `tenant-${n}`
}
