/** When a fault strikes: before the request reached the server behind the proxy, or after it was applied there. */
export type FaultMoment = 'before' | 'after'

/** One thing that goes wrong with one request. */
export type Fault =
  /** The connection is cut without an answer. */
  | { readonly kind: 'reset'; readonly when: FaultMoment }
  /** No answer ever comes; the connection stays open until the client gives up or the proxy closes. */
  | { readonly kind: 'hang'; readonly when: FaultMoment }
  /** Another answer is sent: `status` with `body` (default empty) and `headers`. */
  | {
      readonly kind: 'status'
      readonly when: FaultMoment
      readonly status: number
      readonly body?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  /** `ms` milliseconds pass before the request goes on (before) or before the answer does (after). */
  | { readonly kind: 'latency'; readonly when: FaultMoment; readonly ms: number }
  /** Half the request's body reaches the server (before) or half the answer's body the client (after), then a reset. */
  | { readonly kind: 'truncate'; readonly when: FaultMoment }
  /** The request is applied twice: a copy goes ahead (before) or follows (after); the copy's answer is dropped. */
  | { readonly kind: 'duplicate'; readonly when: FaultMoment }

/** What a rule is shown of a request. */
export interface ProxiedRequest {
  /** Counts the requests since the proxy started, from 1. */
  readonly number: number
  readonly method: string
  /** Path and query as they were sent. */
  readonly target: string
  /** Header names in the case they were sent in. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
}

/** Decides about one request: the fault to inject, or undefined for none. */
export type FaultRule = (request: ProxiedRequest) => Fault | undefined

/** A fault and how often it strikes. */
export interface Chance {
  readonly fault: Fault
  /** Share of the requests that get it, 0 to 1. */
  readonly probability: number
}

/** How many faults were injected, by kind and moment, e.g. `{ 'reset after': 3 }`, beside all requests seen. */
export interface FaultCounts {
  readonly requests: number
  readonly injected: Readonly<Record<string, number>>
}
