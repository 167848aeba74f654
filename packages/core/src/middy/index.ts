/**
 * The Middy middleware: tokens on the context, refreshes settled before the environment freezes.
 *
 * @module
 */

import type { MiddlewareObj, Request } from '@middy/core'
import type { Context } from 'aws-lambda'
import { flag } from '../rules.ts'
import { createInvocations, type Invocation, type InvocationOptions } from '../tokens/invocation.ts'
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

/**
 * Puts tokens on the context of a Middy handler: at once where memory has them, else from file, store or source within
 * the invocation's remaining time. After the handler, or its error, refreshes under way are settled. Where a
 * middleware that is used after this one answers early, Middy runs neither `after` nor `onError`: a refresh under way
 * is then left to the next invocation. Throws `TypeError` at wiring for wrong arguments.
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

  /** Where a request keeps its invocation, apart from the names of tokens and from other `warmTokens` of its stack. */
  const own: unique symbol = Symbol('warmtoken')
  type Internal = { [name: string]: unknown; [own]?: Invocation<H> }
  let last: Invocation<H> | undefined
  // Whether invocations were seen to run beside each other. Where they do not, the last one is over when the next begins.
  let several = false

  const warmTokensBefore = (request: Request): Promise<void> | undefined => {
    const { context } = request
    if (!several) last?.leave()
    last = begin(context)
    const { taken, all } = last
    const internal: Internal = Object.assign(request.internal, taken)
    internal[own] = last
    if (!setToContext) return undefined
    const tokens = all()
    if (tokens instanceof Promise) return putOnContext(context, tokens)
    Object.assign(context, tokens)
    return undefined
  }

  const putOnContext = async (context: Context, tokens: Promise<object>): Promise<void> => {
    Object.assign(context, await tokens)
  }

  type End = (request: { readonly internal: Internal }) => Promise<void> | undefined
  const end = (invocation: Invocation<H> | undefined): Promise<void> | undefined => {
    if (invocation !== undefined && invocation !== last) several = true
    return invocation?.end()
  }
  const warmTokensAfter: End = ({ internal }) => end(internal[own])
  const warmTokensOnError: End = ({ internal }) => end(internal[own])

  return { before: warmTokensBefore, after: warmTokensAfter, onError: warmTokensOnError } as WarmTokensMiddleware<H>
}
