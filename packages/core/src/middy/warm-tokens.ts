/**
 * The Middy middlewares: tokens on the context, and refreshes of tokens and caches settled before the environment freezes.
 *
 * @module
 */

import type { MiddlewareObj, Request } from '@middy/core'
import type { Context } from 'aws-lambda'
import { flagRule } from '../lib/options.ts'
import {
  type CacheInvocationOptions,
  createCacheInvocations,
  createInvocations,
  type Invocation,
  type InvocationOptions,
  type Invocations,
  type Taken,
} from '../tokens/invocation.ts'
import type { Token } from '../tokens/token.ts'
import type { Handles, InvocationFamily, Refreshing, TokenFamily, WithTokens } from '../tokens/types.ts'

export type { Refreshing, WithTokens } from '../tokens/types.ts'

/** How the middleware works. Durations are in ms. */
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
  const invocations = createInvocations('warmTokens', handles, options, { setToContext: flagRule })
  const [begin, finish] = createHooks(invocations, options.setToContext ?? true)
  const warmTokensBefore: typeof begin = (request) => begin(request)
  const warmTokensAfter: typeof finish = (request) => finish(request)
  const warmTokensOnError: typeof finish = (request) => finish(request)
  return { before: warmTokensBefore, after: warmTokensAfter, onError: warmTokensOnError } as WarmTokensMiddleware<H>
}

/** How {@link warmCaches} works. Durations are in ms. */
export type WarmCachesOptions = CacheInvocationOptions

/** The middleware that {@link warmCaches} makes. It changes neither event nor context. */
export type WarmCachesMiddleware = MiddlewareObj<unknown, unknown>

/**
 * Lets caches of `createCache` refresh and recheck in the background of a Middy handler: callers get the value that is still
 * usable, and the refresh is settled after the handler, or its error, within the time that the invocation has left. Early
 * answers are treated as by {@link warmTokens}. Throws `TypeError` at wiring for wrong arguments.
 *
 * @example
 * ```ts
 * export const handler = middy()
 *   .use(warmCaches(cache))
 *   .handler(async ({ pathParameters: { id } }) => project.get({ id }))
 * ```
 */
export function warmCaches(
  caches: Refreshing | readonly Refreshing[],
  options: WarmCachesOptions = {},
): WarmCachesMiddleware {
  const [begin, finish] = createHooks(createCacheInvocations('warmCaches', caches, options), false)
  const warmCachesBefore: typeof begin = (request) => begin(request)
  const warmCachesAfter: typeof finish = (request) => finish(request)
  const warmCachesOnError: typeof finish = (request) => finish(request)
  return { before: warmCachesBefore, after: warmCachesAfter, onError: warmCachesOnError } as WarmCachesMiddleware
}

/** What runs before, and what runs after a handler and its error. */
function createHooks({ begin, end }: Invocations, setToContext: boolean) {
  // Where an invocation is in what Middy hands to its hooks: no name, so that nobody else finds it there.
  const own = Symbol()
  type Hooked = Pick<Request, 'context'> & { readonly internal: Taken & { [own]?: Invocation } }
  let last: Invocation | undefined
  // Whether invocations were seen to run beside each other. Where they do not, the last is over when the next begins.
  let several = false

  return [
    ({ context, internal }: Hooked): Promise<void> | undefined => {
      // It may have been answered early.
      if (!several) last?.leave()
      last = begin(context, internal, setToContext ? (context as unknown as Taken) : undefined)
      internal[own] = last
      return last.ready
    },
    ({ internal }: Pick<Hooked, 'internal'>): Promise<void> | undefined => {
      const invocation = internal[own]
      if (!invocation) return undefined
      several ||= invocation !== last
      return end(invocation)
    },
  ] as const
}
