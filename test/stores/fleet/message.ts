/** What a process is told: which backend, where, and how many environments it is. */
export interface Orders {
  readonly store: 'dynamodb' | 's3' | 'upstash'
  readonly url: string
  readonly issuer: string
  /** Sets the token of one test apart from those of others. */
  readonly app: string
  readonly environments: number
  /** How long each get may take, in ms. */
  readonly timeout: number
  /** How long one request to the store may take, in ms. Default: as in production. */
  readonly storeTimeout?: number
}

/** One swap, as the environment that made it knows it. */
export interface SwapLine {
  readonly expected: string | undefined
  readonly tag: string
  readonly outcome: 'swapped' | 'conflict' | 'unknown' | 'rejected'
}

/** What became of one environment. */
export interface Report {
  /** The token's fingerprint, or the code of the error. */
  readonly got: string
  readonly tier: string
  /** Wall clock, in ms. All processes run on one machine. */
  readonly startedAt: number
  readonly endedAt: number
  /** Requests to the store, as the engine makes them. */
  readonly reads: number
  readonly swaps: readonly SwapLine[]
  /** How often each type of event came; a fetch without the store is `fetch alone`. */
  readonly events: Readonly<Record<string, number>>
}
