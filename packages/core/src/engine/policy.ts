/** The lengths by which an engine works, in ms. */
export interface Policy {
  /** How long before hard expiry a refresh is asked for, at most. Default 600,000 (10 min). */
  readonly refreshWindow: number
  /** How long the source may take to answer. Default 3,000. */
  readonly sourceTimeout: number
  /** How long one request to the store may take. Default 800. */
  readonly storeTimeout: number
  /** How long a `get` may take in all, unless it says otherwise. Default 10,000. */
  readonly timeout: number
}

/** The defaults. */
export const DEFAULT_POLICY: Policy = {
  refreshWindow: 600_000,
  sourceTimeout: 3_000,
  storeTimeout: 800,
  timeout: 10_000,
}
