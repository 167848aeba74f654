import * as a from '../rules.ts'
import type { Token } from './token.ts'
import type { Handles, Tokens } from './tokens.ts'

/** What is read of a Lambda context: how long the invocation may still take, in ms. */
export interface InvocationContext {
  getRemainingTimeInMillis?(): number
}

/** How an invocation uses its tokens. Lengths are in ms. */
export interface InvocationOptions {
  /**
   * The life that tokens should have left. Default `'invocation'`: the time that the invocation has left, so that no
   * token dies in the middle of it.
   */
  readonly minLife?: number | 'invocation'
  /** What is kept of the remaining time for the answer to get out: nothing is waited for beyond it. Default 300. */
  readonly margin?: number
}

/** The default of {@link InvocationOptions.margin}. */
export const DEFAULT_MARGIN = 300
/** The most time that is believed to be left, in ms: what Lambda allows. */
const MAX_REMAINING = 900_000
/** Assumed where the context does not tell. */
const UNKNOWN_REMAINING = 10_000

/** The rules of {@link InvocationOptions}. */
export const INVOCATION_RULES: { readonly [name: string]: a.Rule } = {
  minLife: [`${a.lengthOrNone[0]}, or 'invocation'`, (value) => value === 'invocation' || a.lengthOrNone[1](value)],
  margin: a.lengthOrNone,
}

const [, isHandle] = a.shaped('', 'get', 'peek')

/** Throws `TypeError` unless every value is a handle that `tokens.use` made. */
export const checkHandles = (where: string, handles: unknown): void => {
  const list = Object.entries(handles ?? {})
  if (list.length === 0)
    throw new TypeError(`${where}: the first argument must name at least one token, as in { crm: tokens.use(…) }`)
  for (const [name, handle] of list) {
    if (!isHandle(handle)) throw new TypeError(`${where}: "${name}" must be what tokens.use(…) returned`)
  }
}

/** The time that the invocation has left, in ms. */
export const remainingTime = (context: InvocationContext | undefined): number => {
  const left =
    typeof context?.getRemainingTimeInMillis === 'function' ? context.getRemainingTimeInMillis() : UNKNOWN_REMAINING
  return Number.isFinite(left) ? Math.min(Math.max(left, 0), MAX_REMAINING) : UNKNOWN_REMAINING
}

/** The tokens of an invocation: at hand when memory has them all, a promise otherwise. */
export const takeTokens = <H extends Handles>(
  handles: H,
  context: InvocationContext | undefined,
  options: InvocationOptions,
): { [Name in keyof H]: Token | Promise<Token> } => {
  const left = remainingTime(context)
  const minLife = options.minLife === undefined || options.minLife === 'invocation' ? left : options.minLife
  const timeout = Math.max(1, left - (options.margin ?? DEFAULT_MARGIN))
  const taken: { [Name in keyof H]?: Token | Promise<Token> } = {}
  for (const name in handles) {
    const handle = handles[name]
    if (handle !== undefined) taken[name] = handle.peek(minLife) ?? handle.get({ minLife, timeout })
  }
  return taken as { [Name in keyof H]: Token | Promise<Token> }
}

/** The toolkits behind the handles, each once. */
export const ownersOf = (handles: Handles): readonly Tokens[] => [
  ...new Set(Object.values(handles).map(({ tokens }) => tokens)),
]

/** Ends an invocation: what was begun beside it is finished, within the time that is left. */
export const settleAll = async (
  owners: readonly Tokens[],
  context: InvocationContext | undefined,
  margin: number,
): Promise<void> => {
  const timeout = Math.max(0, remainingTime(context) - margin)
  await Promise.all(owners.map((tokens) => tokens.settle({ timeout })))
}
