/**
 * The Middy middleware: tokens on the context, refreshes settled before the environment freezes.
 *
 * @module
 */

import type { MiddlewareObj, Request } from '@middy/core'
import type { Context } from 'aws-lambda'
import { flagRule } from '../lib/options.ts'
import { createInvocations, type Invocation, type InvocationOptions, type Taken } from '../tokens/invocation.ts'
import type { Token } from '../tokens/token.ts'
import type { Handles, InvocationFamily, TokenFamily, WithTokens } from '../tokens/types.ts'

export type { WithTokens } from '../tokens/types.ts'

/** How the middleware works. Lengths are in ms. */
export interface WarmTokensOptions extends InvocationOptions {
  /**
   * Whether the tokens are put on the context under their names, awaited. Default true. If false they are only in
   * `request.internal`, as Middy's `getInternal` expects them.
   */
  readonly setToContext?: boolean
}

/** Tokens by name, as `request.internal` holds them: a promise until it is available. */
export type InternalTokens<H extends Handles> = {
  readonly [Name in keyof H]: H[Name] extends TokenFamily<infer P> ? InvocationFamily<P> : Token | Promise<Token>
}

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
 * the invocation's remaining time. After the handler, or its error, refreshes in progress are settled. Where a
 * middleware that is used after this one answers early, Middy runs neither `after` nor `onError`: a refresh in progress
 * is then left to the next invocation. Throws `TypeError` at wiring for wrong arguments.
 *
 * @example
 * ```ts
 * export const handler = middy()
 *   .use(warmTokens({ crm }))
 *   .handler(async (_event, { crm }) => {
 *     const response = await fetch('https://api.example.com/contacts', { headers: crm.headers() })
 *     return { statusCode: response.status, body: await response.text() }
 *   })
 * ```
 */
export function warmTokens<H extends Handles>(handles: H, options: WarmTokensOptions = {}): WarmTokensMiddleware<H> {
  const { begin, end } = createInvocations('warmTokens', handles, options, { setToContext: flagRule })
  const { setToContext = true } = options

  // Where an invocation is in what Middy hands to its hooks: no name, so that nobody else finds it there.
  const own = Symbol()
  type Hooked = Pick<Request, 'context'> & { readonly internal: Taken & { [own]?: Invocation } }
  let last: Invocation | undefined
  // Whether invocations were seen to run beside each other. Where they do not, the last is over when the next begins.
  let several = false

  const warmTokensBefore = ({ context, internal }: Hooked): Promise<void> | undefined => {
    // It may have been answered early.
    if (!several) last?.leave()
    last = begin(context, internal, setToContext ? (context as unknown as Taken) : undefined)
    internal[own] = last
    return last.ready
  }

  const finish = ({ internal }: Pick<Hooked, 'internal'>): Promise<void> | undefined => {
    const invocation = internal[own]
    if (!invocation) return undefined
    several ||= invocation !== last
    return end(invocation)
  }
  const warmTokensAfter: typeof finish = (request) => finish(request)
  const warmTokensOnError: typeof finish = (request) => finish(request)

  return { before: warmTokensBefore, after: warmTokensAfter, onError: warmTokensOnError } as WarmTokensMiddleware<H>
}
