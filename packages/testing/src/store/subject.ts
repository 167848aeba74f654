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
  /** The backend says that another write is under way, and applies nothing (409 of S3). */
  | 'busy'
  /** The backend refuses the caller. */
  | 'denied'
  /** The table or bucket does not exist. */
  | 'missing'

/** How a test makes things go wrong. */
export interface StoreFaults {
  /**
   * Makes the next `times` requests go wrong, the client's own repeats included. Returns false when this cannot be done
   * with this backend; the case is then reported as a gap.
   */
  inject(kind: StoreFaultKind, times: number): boolean | Promise<boolean>
  /** Ends all that was injected. */
  heal(): void | Promise<void>
}

/** What is tested, and what helps to test it. */
export interface StoreSubject {
  /** The store. */
  readonly store: Store
  /** How to make requests go wrong. Without it, the cases that need it are gaps. */
  readonly faults?: StoreFaults
  /** Until when the backend keeps the record under a key, in ms since 1970; `undefined` when it does not say. */
  readonly keepUntilOf?: (key: string) => Promise<number | undefined>
  /** Puts something under a key that no store wrote, in whatever form the backend has. */
  readonly plant?: (key: string) => Promise<void>
  /** The longest body the backend must take, in bytes. Default 262,144. */
  readonly bodyLimit?: number
  /** How far the backend's clock may be from this machine's, in ms. Default 0: it runs on this machine. */
  readonly clockSkew?: number
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
