/**
 * Tokens and caches for a Lambda handler without Middy.
 *
 * @module
 */

import { flagRule, isFunction, misuse } from '../lib/options.ts'
import {
  type CacheInvocationOptions,
  createCacheInvocations,
  createInvocations,
  type InvocationOptions,
  type Invocations,
  type Taken,
} from './invocation.ts'
import type { InvocationContext, LambdaContext } from './lambda-context.ts'
import type { Handles, Refreshing, WithTokens } from './types.ts'

export type { InvocationContext, LambdaClientContext, LambdaContext } from './lambda-context.ts'
export type { Refreshing } from './types.ts'

/** How a wrapped handler uses its tokens. */
export interface HandlerOptions extends InvocationOptions {
  /**
   * True for a handler that streams its answer: it gets event, response stream and context, and what `withTokens` returns
   * is for `awslambda.streamifyResponse`. Default false.
   */
  readonly streaming?: boolean
}

/** A Lambda handler whose context has tokens on it. */
export type Handler<H extends Handles, Event, Result, C extends object = LambdaContext> = (
  event: Event,
  context: C & WithTokens<H>,
) => Promise<Result> | Result

/** A Lambda handler that streams its answer, and whose context has tokens on it. */
export type StreamingHandler<H extends Handles, Event, Stream, C extends object = LambdaContext> = (
  event: Event,
  responseStream: Stream,
  context: C & WithTokens<H>,
) => Promise<void> | void

/** A handler typed by `@types/aws-lambda`, such as `APIGatewayProxyHandlerV2`. It must be async: it gets no callback. */
export type TypedHandler<H extends Handles, Event, Result> = (
  event: Event,
  context: LambdaContext & WithTokens<H>,
  callback: never,
  // biome-ignore lint/suspicious/noConfusingVoidType: so is it in the types of aws-lambda.
) => Promise<Result> | void

/** What becomes of a handler: the function that Lambda calls. A test may hand in a part of the context. */
export type WrappedHandler<Event, Result, C extends object = LambdaContext> = (
  event: Event,
  context: Partial<C>,
) => Promise<Result>

/** What becomes of a handler that streams: the function for `awslambda.streamifyResponse`. */
export type WrappedStreamingHandler<Event, Stream, C extends object = LambdaContext> = (
  event: Event,
  responseStream: Stream,
  context: Partial<C>,
) => Promise<void>

/**
 * Wraps a Lambda handler without Middy: the tokens are on the context, and refreshes are settled after it. Throws
 * `TypeError` for wrong arguments.
 *
 * @example
 * ```ts
 * export const handler = withTokens({ crm }, async (event: { id: string }, { crm }) => {
 *   const response = await fetch(`https://api.example.com/contacts/${event.id}`, { headers: crm.headers() })
 *   return response.json()
 * })
 * ```
 */
export function withTokens<H extends Handles, Event, Stream, C extends object = LambdaContext>(
  handles: H,
  handler: StreamingHandler<H, Event, Stream, C>,
  options: HandlerOptions & { readonly streaming: true },
): WrappedStreamingHandler<Event, Stream, C>
export function withTokens<H extends Handles, Event, Result, C extends object = LambdaContext>(
  handles: H,
  handler: Handler<H, Event, Result, C>,
  options?: HandlerOptions,
): WrappedHandler<Event, Result, C>
export function withTokens<H extends Handles, Event, Result>(
  handles: H,
  handler: TypedHandler<H, Event, Result>,
  options?: HandlerOptions,
): WrappedHandler<Event, Result>
export function withTokens(
  handles: Handles,
  handler: (...args: never[]) => unknown,
  options: HandlerOptions = {},
): (...args: never[]) => Promise<unknown> {
  const invocations = createInvocations('withTokens', handles, options, { streaming: flagRule })
  return wrap('withTokens', invocations, handler, options)
}

/** How a handler with caches is wrapped. Durations are in ms. */
export interface CachesOptions extends CacheInvocationOptions, Pick<HandlerOptions, 'streaming'> {}

/**
 * Wraps a Lambda handler that reads caches of `createCache`: refreshes and rechecks run in the background, and
 * after it, or its error, are settled within the time that the invocation has left. The handler gets what it got before.
 * Throws `TypeError` for wrong arguments.
 *
 * @example
 * ```ts
 * export const handler = withCaches(cache, async (event: { id: string }) => project.get({ id: event.id }))
 * ```
 */
export function withCaches<Given extends unknown[], Result>(
  caches: Refreshing | readonly Refreshing[],
  handler: (...given: Given) => Result,
  options?: CachesOptions,
): (...given: Given) => Promise<Awaited<Result>>
export function withCaches(
  caches: Refreshing | readonly Refreshing[],
  handler: Wrappable,
  options: CachesOptions = {},
): (...given: never[]) => Promise<unknown> {
  const invocations = createCacheInvocations('withCaches', caches, options, { streaming: flagRule })
  return wrap('withCaches', invocations, handler, options)
}

type Wrappable = (...args: never[]) => unknown

function wrap(
  where: string,
  { begin, end }: Invocations,
  handler: Wrappable,
  { streaming }: Pick<HandlerOptions, 'streaming'>,
): (...args: never[]) => Promise<unknown> {
  if (!isFunction(handler)) misuse(where, 'give a handler, a function')
  const before = streaming ? 2 : 1
  // No named parameters: Lambda's Node.js 24 refuses a function with three of them as one that requires a callback.
  return async (...given) => {
    const context = (given[before] ?? {}) as InvocationContext & Taken
    const invocation = begin(context, {}, context)
    try {
      await invocation.ready
      return await handler(...([...given.slice(0, before), context] as never[]))
    } finally {
      await end(invocation)
    }
  }
}
