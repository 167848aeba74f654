/**
 * The Middy middleware: tokens on the context, refreshes settled before the environment freezes.
 *
 * @module
 */

import type { MiddlewareObj, Request } from '@middy/core'
import type { Context } from 'aws-lambda'
import { flag } from '../rules.ts'
import { createInvocations, type InvocationOptions, mapAll } from '../tokens/invocation.ts'
import type { Token } from '../tokens/token.ts'
import type { Handles } from '../tokens/tokens.ts'

/** How the middleware works. Lengths are in ms. */
export interface WarmTokensOptions extends InvocationOptions {
  /**
   * Whether the tokens are put on the context under their names, awaited. Default true. If false they are only in
   * `request.internal`, as Middy's `getInternal` expects them.
   */
  readonly setToContext?: boolean
}

/** Tokens by name, as the handler finds them on its context. */
export type WithTokens<H extends Handles> = { readonly [Name in keyof H]: Token }

/** Tokens by name, as `request.internal` holds them: a promise unless memory had it. */
export type InternalTokens<H extends Handles> = { readonly [Name in keyof H]: Token | Promise<Token> }

/** The middleware that {@link warmTokens} makes. */
export type WarmTokensMiddleware<H extends Handles> = MiddlewareObj<
  unknown,
  unknown,
  Error,
  Context & WithTokens<H>,
  Record<string, unknown> & InternalTokens<H>
>

/** Where a request keeps the way to its end, apart from the names of tokens. */
const ending: unique symbol = Symbol('warmtoken')

/**
 * Puts tokens on the context of a Middy handler: at once where memory has them, else from file, store or source within
 * the invocation's remaining time. After the handler, or its error, refreshes under way are settled. Throws
 * `TypeError` at wiring for wrong arguments.
 *
 * @example
 * ```ts
 * export const handler = middy()
 *   .use(warmTokens({ crm }))
 *   .handler(async (event, { crm }) => fetch('https://api.example.com/contacts', { headers: crm.headers() }))
 * ```
 */
export const warmTokens = <H extends Handles>(handles: H, options: WarmTokensOptions = {}): WarmTokensMiddleware<H> => {
  const begin = createInvocations('warmTokens', handles, options, { setToContext: flag })
  const { setToContext = true } = options

  type Internal = { [name: string]: unknown; [ending]?: () => Promise<void> }

  const warmTokensBefore = (request: Request): Promise<void> | undefined => {
    const { context } = request
    const { taken, end } = begin(context)
    const internal: Internal = Object.assign(request.internal, taken)
    internal[ending] = end
    const tokens = Object.values<Token | Promise<Token>>(taken)
    // Without setToContext nobody may ever await them; a rejection must then not end the process.
    if (!setToContext) void Promise.allSettled(tokens)
    else if (tokens.some((token) => token instanceof Promise)) return putOnContext(context, taken)
    else Object.assign(context, taken)
    return undefined
  }

  const putOnContext = async (context: Context, taken: InternalTokens<Handles>): Promise<void> => {
    Object.assign(context, await mapAll(taken, (token) => token))
  }

  type End = (request: { readonly internal: Internal }) => Promise<void> | undefined
  const warmTokensAfter: End = ({ internal }) => internal[ending]?.()
  const warmTokensOnError: End = ({ internal }) => internal[ending]?.()

  return { before: warmTokensBefore, after: warmTokensAfter, onError: warmTokensOnError } as WarmTokensMiddleware<H>
}
