import type { Store } from '@warmtoken/core'

/** Something that can go wrong between a store and its backend, or in the backend. */
export type StoreFaultKind =
  /** The connection is cut before the request reaches the backend. */
  | 'lost-request'
  /** The request is applied, then the connection is cut. */
  | 'lost-reply'
  /** The request is applied; no answer ever comes, and the connection stays open. */
  | 'hang'
  /** The request is applied; half the answer comes, then the connection is cut. */
  | 'truncated-reply'
  /** The request reaches the backend twice; the second answer is the one that comes. */
  | 'duplicate'
  /** The backend answers with a fault of its own and applies nothing. */
  | 'server-error'
  /** The backend asks for patience, in its own words, and applies nothing. */
  | 'throttled'
  /** The backend says that another write is in progress, and applies nothing (409 of S3). */
  | 'busy'
  /** The backend refuses the caller. */
  | 'denied'
  /** The table or bucket does not exist. */
  | 'missing'

/** How a test makes things go wrong. */
export interface StoreFaults {
  /**
   * Makes the next `times` requests go wrong, the client's own repeats included. A second injection begins where the first
   * has ended. Returns false when this cannot be done with this backend; the case is then reported as a gap.
   */
  inject(kind: StoreFaultKind, times: number): boolean | Promise<boolean>
  /**
   * Breaks every open connection while no call is in progress: `reset` cuts it, `silence` keeps it open and passes nothing any
   * more. New connections work. Left out, or false: a gap, as for a store that keeps no connection.
   */
  breakConnections?(how: 'reset' | 'silence'): boolean | Promise<boolean>
  /** Ends all that was injected. */
  heal(): void | Promise<void>
}

/** What is tested, and what helps to test it. */
export interface StoreSubject {
  /** The store. */
  readonly store: Store
  /** How to make requests go wrong. Without it, the cases that need it are gaps. */
  readonly faults?: StoreFaults
  /**
   * Until when the backend keeps the record under a key, in ms since 1970: `Infinity` when it was not told to delete it,
   * `undefined` when records expire by other means, such as a rule of the bucket or a job that sweeps the table.
   */
  readonly keepUntilOf?: (key: string) => Promise<number | undefined>
  /** Puts something under a key that no store wrote, in whatever form the backend has. */
  readonly plant?: (key: string) => Promise<void>
  /**
   * What the backend has announced with the writes under a key since it was asked last. Asked once after each write, so that a
   * backend that marks the record may look at the record. Left out where the backend announces nothing.
   */
  readonly takeAnnounced?: (key: string) => Promise<readonly string[]>
  /** The longest body the backend must take, in bytes. Default 262,144. */
  readonly bodyLimit?: number
  /** How far the backend's clock may be from this machine's, in ms. Default 0: it runs on this machine. */
  readonly clockSkew?: number
  /** True when the backend runs in this process, or reads its clock. Then nobody can tell the two clocks apart. Default false. */
  readonly sharesClock?: boolean
  /** Passwords and tokens that the store was given: no fault may show them. Without it, the case is a gap. */
  readonly secrets?: readonly string[]
}

/** How a case ended when it did not fail: passed, or could not be tried, and why. */
export type CaseResult = 'pass' | { readonly gap: string }

/** One behavior that every store must have. */
export interface ConformanceCase {
  /** What the store does. */
  readonly name: string
  /** Resolves when it does, or when it could not be tried. Rejects with an `AssertionError` when it does not. */
  run(): Promise<CaseResult>
}
