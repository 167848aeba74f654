/**
 * The Middy middleware: tokens on the context, refreshes settled before the environment freezes.
 *
 * @module
 */

import type { MiddlewareObj, Request } from '@middy/core'
import type { Context } from 'aws-lambda'
import { flag } from '../rules.ts'
import { createInvocations, INVOCATION_RULES, type InvocationOptions, mapAll } from '../tokens/invocation.ts'
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

const RULES = {
  ...INVOCATION_RULES,
  setToContext: flag,
}

/** Where a request keeps the way out of the background, apart from the names of tokens. */
const leaving: unique symbol = Symbol('warmtoken.leave')

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
  const { begin, settle } = createInvocations('warmTokens', handles, options, RULES)
  const { setToContext = true } = options

  type Internal = { [name: string]: unknown; [leaving]?: (() => void) | undefined }

  const warmTokensBefore = (request: Request): Promise<void> | undefined => {
    const internal: Internal = request.internal
    const { taken, leave } = begin(request.context)
    internal[leaving] = leave
    Object.assign(internal, taken)
    const tokens = Object.values<Token | Promise<Token>>(taken)
    const waiting = tokens.filter((token) => token instanceof Promise)
    if (setToContext && waiting.length > 0) return putOnContext(request, taken)
    if (setToContext) Object.assign(request.context, taken)
    // Without setToContext nobody may ever await them; a rejection must then not end the process.
    else for (const token of waiting) token.catch(() => {})
    return undefined
  }

  const putOnContext = async (request: Request, taken: InternalTokens<Handles>): Promise<void> => {
    Object.assign(request.context, await mapAll(taken, (token) => token))
  }

  const leaveAndSettle = (request: Request): Promise<void> => {
    const internal: Internal = request.internal
    internal[leaving]?.()
    return settle(request.context)
  }

  const warmTokensAfter = (request: Request): Promise<void> => leaveAndSettle(request)
  const warmTokensOnError = (request: Request): Promise<void> => leaveAndSettle(request)

  return { before: warmTokensBefore, after: warmTokensAfter, onError: warmTokensOnError } as WarmTokensMiddleware<H>
}
