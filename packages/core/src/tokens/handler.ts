import { checkOptions } from '../options.ts'
import {
  checkHandles,
  DEFAULT_MARGIN,
  INVOCATION_RULES,
  type InvocationContext,
  type InvocationOptions,
  ownersOf,
  settleAll,
  takeTokens,
} from './invocation.ts'
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
  checkHandles('handler', handles)
  checkOptions('handler', options, INVOCATION_RULES)
  const owners = ownersOf(handles)
  const margin = options.margin ?? DEFAULT_MARGIN

  return async (event, context) => {
    const leave = owners.map((tokens) => tokens.enter())
    try {
      const taken = takeTokens(handles, context, options)
      const names = Object.keys(handles)
      const found = await Promise.all(names.map((name) => taken[name]))
      const tokens = Object.fromEntries(names.map((name, index) => [name, found[index]]))
      return await handler(event, Object.assign(context ?? {}, tokens) as never)
    } finally {
      for (const stop of leave) stop()
      await settleAll(owners, context, margin)
    }
  }
}
