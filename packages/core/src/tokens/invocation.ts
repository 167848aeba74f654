import { checkOptions } from '../options.ts'
import * as a from '../rules.ts'
import type { TokenHandle } from './handle.ts'
import type { Token } from './token.ts'
import type { Handles } from './tokens.ts'

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

/** The most time that is believed to be left, in ms: what Lambda allows. */
const MAX_REMAINING = 900_000
/** Assumed where the context does not tell. */
const UNKNOWN_REMAINING = 10_000

const RULES = {
  minLife: [
    `${a.lengthOrNone[0]}, or 'invocation'`,
    (value: unknown) => value === 'invocation' || a.lengthOrNone[1](value),
  ] as const,
  margin: a.lengthOrNone,
}

const [, isHandle] = a.shaped('', 'get', 'peek')

/** The time that the invocation has left, in ms. */
const remainingTime = (context: InvocationContext | undefined): number => {
  const left = Number(context?.getRemainingTimeInMillis?.())
  return Number.isFinite(left) ? Math.min(Math.max(left, 0), MAX_REMAINING) : UNKNOWN_REMAINING
}

/** Runs `work` for every value at once; resolves to what it gave, by the same names. */
export const mapAll = async <T extends object, To>(
  values: T,
  work: (value: T[keyof T]) => To | Promise<To>,
): Promise<{ readonly [Name in keyof T]: To }> => {
  const done = Object.entries(values).map(async ([name, value]: [string, T[keyof T]]) => [name, await work(value)])
  return Object.fromEntries(await Promise.all(done))
}

/** An invocation that has begun. */
export interface Invocation<H extends Handles> {
  /** Its tokens: at hand where memory has them, else promises. */
  readonly taken: { readonly [Name in keyof H]: Token | Promise<Token> }
  /** Ends it: no refresh runs beside it any more, and those under way are finished, within the time that is left. */
  end(): Promise<void>
}

/**
 * Wires tokens to invocations; each begins with a call of the function returned. `more`: rules of options beside
 * {@link InvocationOptions}. Throws `TypeError` for wrong options, and unless all are handles that `use` made.
 */
export const createInvocations = <H extends Handles>(
  where: string,
  handles: H,
  options: InvocationOptions,
  more?: { readonly [name: string]: a.Rule },
): ((context: InvocationContext | undefined) => Invocation<H>) => {
  const named: readonly (readonly [string, TokenHandle])[] = Object.entries(handles ?? {})
  if (named.length === 0 || !named.every(([, handle]) => isHandle(handle)))
    throw new TypeError(`${where}: the tokens must be as in { crm: tokens.use(source) }`)
  const { minLife = 'invocation', margin = 300 } = checkOptions(where, options, { ...RULES, ...more })
  const owners = [...new Set(named.map(([, { tokens }]) => tokens))]

  return (context) => {
    const leaves = owners.map((tokens) => tokens.enter())
    const left = remainingTime(context)
    const wanted = { minLife: minLife === 'invocation' ? left : minLife, timeout: Math.max(1, left - margin) }
    const taken = named.map(([name, handle]) => [name, handle.peek(wanted.minLife) ?? handle.get(wanted)])
    return {
      taken: Object.fromEntries(taken),
      async end() {
        for (const leave of leaves) leave()
        const timeout = Math.max(0, remainingTime(context) - margin)
        await Promise.all(owners.map((tokens) => tokens.settle({ timeout })))
      },
    }
  }
}
