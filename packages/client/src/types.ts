/** Something that changed. */
export interface LiveEvent {
  readonly topic: string
  /** Which of the things in the topic; left out, all of them. */
  readonly key?: string
  /** Rises with every event of one key that a listener gets. */
  readonly version: number
  /** `gap`: it may have changed while nothing was heard. Read it again. */
  readonly kind: 'publish' | 'invalidate' | 'reject' | 'session-ended' | 'gap'
  /** When it was announced, in ms since 1970; 0 for a gap. */
  readonly at: number
}

/** `waiting`: for the next attempt. `closed`: for good; the code says why. */
export type LiveState = 'connecting' | 'open' | 'waiting' | 'closed'

/** Receives what changed. What it throws is reported as an uncaught error, and stops nobody else. */
export type LiveListener = (event: LiveEvent) => void

/** How `live` is set up: with `ws`, `sse` or both. Durations are in ms. */
export interface LiveOptions {
  /** The WebSocket, such as `wss://live.example.com`. */
  readonly ws?: string
  /** The stream of Server-Sent Events: used after three failed sockets, or where `ws` is left out. */
  readonly sse?: string
  /** Resolves to a new ticket, for each connection. */
  readonly ticket: () => Promise<string>
  /** Ends all of it. */
  readonly signal?: AbortSignal
  /** Receives each new state. */
  readonly onState?: (state: LiveState, code?: string) => void
  /** The longest silence before a ping. Default 300,000: the gateway closes after twice that. */
  readonly pingEvery?: number
  /** When a socket is replaced by the next. Default 6,600,000 ± 480,000: the gateway closes after two hours. */
  readonly exchangeAfter?: number
  /** The bound of the first pause between attempts. Default 500; it doubles up to 30,000. */
  readonly pause?: number
}

/** Live events of one user. */
export interface Live {
  /** Follows a topic; the returned function ends that. The listener is called for rising versions only, for each key. */
  subscribe(topic: string, listener: LiveListener): () => void
  /** Ends it for good. */
  close(): void
}

/** A frame of the server. */
export interface LiveFrame {
  readonly ack?: number
  readonly versions?: readonly Pick<LiveEvent, 'topic' | 'key' | 'version'>[]
  readonly events?: readonly LiveEvent[]
  readonly closing?: { readonly code: string; readonly retry: boolean }
  /** Of a stream: what the next one names, so that it does not tell again what has not changed. */
  readonly id?: string
}
