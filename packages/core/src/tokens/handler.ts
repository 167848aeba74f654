/**
 * Tokens for a Lambda handler without Middy.
 *
 * @module
 */

import { isFunction, misuse } from '../lib/options.ts'
import { createInvocations, type InvocationContext, type InvocationOptions, type Taken } from './invocation.ts'
import type { Token } from './token.ts'
import type { Handles } from './types.ts'

/** How a wrapped handler uses its tokens. */
export type HandlerOptions = InvocationOptions

/** A Lambda handler whose context has tokens on it. */
export type Handler<H extends Handles, Event, Result> = (
  event: Event,
  context: InvocationContext & { readonly [Name in keyof H]: Token },
) => Promise<Result> | Result

/** What becomes of it: a Lambda handler as the runtime calls it. */
export type WrappedHandler<Event, Result> = (event: Event, context: InvocationContext) => Promise<Result>

/**
 * Wraps a Lambda handler without Middy: the tokens are on the context, and refreshes are settled after. Throws
 * `TypeError` for wrong arguments.
 *
 * @example
 * ```ts
 * export const handler = withTokens({ crm }, async () => {
 *   const response = await crm.fetch('https://api.example.com/contacts')
 *   return { statusCode: response.status, body: await response.text() }
 * })
 * ```
 */
export function withTokens<H extends Handles, Event, Result>(
  handles: H,
  handler: Handler<H, Event, Result>,
  options: HandlerOptions = {},
): WrappedHandler<Event, Result> {
  const { begin, end } = createInvocations('withTokens', handles, options)
  if (!isFunction(handler)) misuse('withTokens', 'give a handler, a function')
  return async (event, given) => {
    const context = (given ?? {}) as Taken
    const invocation = begin(given, {}, context)
    try {
      await invocation.ready
      return await handler(event, context as never)
    } finally {
      await end(invocation)
    }
  }
}
