/** The steps of a write at which its process is killed, in their order. */
export const STEPS = [
  'before it is announced',
  'once it is announced',
  'before the truth is written',
  'once the truth is written',
  'before the value is kept',
  'once the value is kept',
] as const

/** From this step on the truth is written. */
export const FIRST_WRITTEN = 3

/** What the process that is killed is told. */
export interface CrashOrders {
  readonly kind: 'dynamodb' | 'upstash'
  readonly url: string
  /** Where the truth is: `PUT /<step>` writes it, `GET /<step>` reads it. */
  readonly truth: string
  readonly name: string
}

/** How patient all environments of the test are, in ms. The lease of a write follows: 500 + 2 × 1,500 + 1,400. */
export const POLICY = { sourceTimeout: 500, storeTimeout: 1_500, recheck: 200, timeout: 30_000 }
export const LEASE = 4_900
