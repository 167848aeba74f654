/** What users hold: the toolkit, its handles, and what they are asked for. Durations are in ms. @module */

import type { LiveChange, Source, TokenValue } from '../contracts.ts'
import type { Report } from '../observe/report/types.ts'
import type { Token } from './token.ts'

/** What one `get` asks for. */
export interface GetOptions {
  /** The lifetime that the token should have left, in ms, so that it outlives the work. Default 0. */
  readonly minLifetime?: number
  /** Within how long to answer, in ms. Default: the `timeout` of `createTokens`. */
  readonly timeout?: number
}

/** How a source is bound. */
export interface UseOptions {
  /**
   * What you call the token, for people: it is in errors, events, reports and metrics. Not a part of
   * the token's identity, and no secret may be in it. Default: none, then the readable start of the key is shown.
   */
  readonly name?: string
}

/** One token, kept warm. */
export interface TokenHandle {
  /** The key under which it is kept; for logs. Holds no secret. */
  readonly key: string
  /** The toolkit that it belongs to. */
  readonly tokens: Tokens
  /**
   * Resolves to a usable token from the nearest tier, or from the source. Rejects with a `WarmTokenError`, or with
   * `TypeError` for wrong options.
   */
  get(options?: GetOptions): Promise<Token>
  /** The token in memory while it is fresh and has `minLifetime` ms left, else `undefined`. No I/O, no allocation. */
  peek(minLifetime?: number): Token | undefined
  /**
   * Says that the API refused this token, and resolves to a newer one. However many callers refuse the same token, it is
   * replaced once. When the issuer has just given this token because of a refusal, it resolves to that: the issuer has
   * the last word, for 30 s at first. Rejects like `get`.
   */
  reject(token: Token, options?: GetOptions): Promise<Token>
  /**
   * Like the global `fetch`, with the token in the `authorization` header. After a 401 the token is rejected and the
   * request sent once more. A body that can be read only once is not sent again: `NotReplayableError`. A redirect to
   * another origin is followed without the token. The signal of the request ends the wait for the token too. Rejects with
   * `TypeError` when the URL holds credentials.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /**
   * For processes that live long: takes in a live event about this token, as `bridge` of `@warmtoken/client/bridge` hands it over.
   * When the store has a newer token, it replaces the one in memory, which is usable until then; one that an API refused
   * elsewhere is forgotten. Never rejects: when the store fails, the next `get` looks again.
   */
  catchUp(event: LiveChange): Promise<void>
}

/** Tokens of one source that differ by parameters, such as one for each tenant or user. */
export interface TokenFamily<P> {
  /** The toolkit that it belongs to. */
  readonly tokens: Tokens
  /** Returns the handle of one token. Throws `TypeError` when a parameter is missing. */
  for(params: P): TokenHandle
}

/** Handles of single tokens by name. */
export type TokenHandles = { readonly [name: string]: TokenHandle }

/** What `warmTokens` and `withTokens` take: handles by name, and families of tokens that differ by parameters. */
export type Handles = { readonly [name: string]: TokenHandle | TokenFamily<never> }

/** A family as a handler finds it on its context. */
export interface InvocationFamily<P> {
  /**
   * Resolves to one token of the family, with the lifetime and within the time of the invocation. Rejects like `get` of a
   * handle, and with `TypeError` when a parameter is missing.
   */
  for(params: P): Promise<Token>
}

/** What a handler finds on its context under the name of each handle or family. */
export type WithTokens<H extends Handles> = {
  readonly [Name in keyof H]: H[Name] extends TokenFamily<infer P> ? InvocationFamily<P> : Token
}

/** The toolkit of one environment. Make it once, outside the handler. */
export interface Tokens {
  /**
   * Binds a source. Throws `TypeError` when it is not one. Bound again with the same identity, a token takes the newest
   * source, and all its handles share it.
   */
  use(source: Source<TokenValue>, options?: UseOptions): TokenHandle
  /** Binds a source that has parameters: `.for({ tenant })` returns the handle of one token. */
  use<P>(source: Source<TokenValue, P>, options?: UseOptions): TokenFamily<P>
  /**
   * Fetches tokens before anyone asks: on a schedule, or awaited at the top level of a module (there it is part of the
   * init phase and billed). Resolves to a token or an error for each; rejects with `TypeError` for what is not a handle.
   */
  prewarm<H extends TokenHandles>(
    handles: H,
    options?: GetOptions,
  ): Promise<{ readonly [Name in keyof H]: Token | Error }>
  /** Returns what was counted so far, as data and as a readable table. Throws `TypeError` without the option `report`. */
  report(): Report
  /** Lets refreshes run in the background of the caller until the returned function is called. Then call `settle` before returning. */
  enter(): () => void
  /** Whether refreshes are in progress, so that there is something to settle. */
  readonly busy: boolean
  /** Waits for refreshes in progress, at most `timeout` ms (default 1,000), then aborts them. Never rejects. */
  settle(options?: { readonly timeout?: number }): Promise<void>
}

/** What refreshes values in the background of a handler: a toolkit of tokens, or a cache of `createCache`. */
export type Refreshing = Pick<Tokens, 'busy' | 'enter' | 'settle'>
