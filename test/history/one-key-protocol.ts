/** How close to its end a token must come before it is replaced, in ms. */
export const WINDOW = 200

/** What a process is told at its start. */
export interface Orders {
  /** The port of a Redis server. */
  readonly redis: number
  /** Where DynamoDB answers, when Redis stands before it. */
  readonly dynamodb?: string
  readonly issuerUrl: string
  /** Where it writes its lines. */
  readonly file: string
  /** Of a token, in ms. */
  readonly lifetime: number
}

/** How a process fared. */
export interface Fared {
  readonly type: 'done'
  /** How many calls returned a token. */
  readonly served: number
  /** The codes of the errors of the others. */
  readonly failures: readonly string[]
  /** How many tokens had expired by the issuer's own clock when they were returned. */
  readonly dead: number
  /** How many fetches went without the store. */
  readonly alone: number
}

/** What a process says. */
export type Said = Fared | { readonly type: 'ready' | 'fetching' }
