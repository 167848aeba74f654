import { a, checkOptions, type Rule } from '../options.ts'
import {
  DEFAULT_MARGIN,
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

/** The rules of {@link InvocationOptions}. */
export const INVOCATION_RULES: { readonly [name: string]: Rule } = {
  minLife: {
    must: "a number of ms, 0 or more, or 'invocation'",
    test: (value) => value === 'invocation' || (typeof value === 'number' && value >= 0),
  },
  margin: { must: 'a number of ms, 0 or more', test: (value) => typeof value === 'number' && value >= 0 },
}

/** Throws `TypeError` unless every value is a handle that `tokens.use` made. */
export const checkHandles = (where: string, handles: unknown): void => {
  const isHandle = a.shaped('', 'get', 'peek').test
  if (typeof handles !== 'object' || handles === null || Object.keys(handles).length === 0) {
    throw new TypeError(`${where}: the first argument must name at least one token, as in { crm: tokens.use(…) }`)
  }
  for (const [name, handle] of Object.entries(handles)) {
    if (!isHandle(handle)) throw new TypeError(`${where}: "${name}" must be what tokens.use(…) returned`)
  }
}

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
