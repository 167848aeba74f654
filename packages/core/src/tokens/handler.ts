import { createInvocations, type InvocationContext, type InvocationOptions, mapAll } from './invocation.ts'
import type { Token } from './token.ts'
import type { Handles } from './tokens.ts'

/** How a wrapped handler uses its tokens. */
export type HandlerOptions = InvocationOptions

/** A Lambda handler whose context has tokens on it. */
export type Handler<H extends Handles, Event, Result> = (
  event: Event,
  context: InvocationContext & { readonly [Name in keyof H]: Token },
) => Promise<Result> | Result

/** What becomes of it: a Lambda handler as the runtime calls it. */
export type WrappedHandler<Event, Result> = (event: Event, context: InvocationContext) => Promise<Result>

/** Wraps a handler; see `Tokens.handler`. Throws `TypeError` for wrong arguments. */
export const createHandler = <H extends Handles, Event, Result>(
  handles: H,
  handler: Handler<H, Event, Result>,
  options: HandlerOptions = {},
): WrappedHandler<Event, Result> => {
  const { begin, settle } = createInvocations('handler', handles, options)
  return async (event, context) => {
    const { taken, leave } = begin(context)
    try {
      const tokens = await mapAll(taken, (token) => token)
      return await handler(event, Object.assign(context ?? {}, tokens) as never)
    } finally {
      leave()
      await settle(context)
    }
  }
}
