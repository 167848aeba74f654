import { checkOptions } from '../options.ts'
import * as a from '../rules.ts'
import type { TokenHandle } from './handle.ts'
import { late } from './later.ts'
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

/** Tokens by the names of their handles. */
type All<H> = { readonly [Name in keyof H]: Token }

/** The same; what is not at hand yet is a promise. */
type Taken<H> = { readonly [Name in keyof H]: Token | Promise<Token> }

/** An invocation that has begun. */
export interface Invocation<H extends Handles> {
  /** Its tokens: at hand where memory has them, else promises, each until it resolves. */
  readonly taken: Taken<H>
  /** Its tokens once they are all at hand: at once where memory has them. */
  all(): All<H> | Promise<All<H>>
  /** No refresh is begun beside it any more. Harmless to repeat. */
  leave(): void
  /**
   * Leaves, and finishes what is under way, its own tokens included, within the time that is left. Where nothing is, there
   * is no promise either: each costs an invocation some hundred ns.
   */
  end(): Promise<void> | undefined
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

  const finish = async (context: InvocationContext | undefined, pending: object): Promise<void> => {
    const timeout = Math.max(0, remainingTime(context) - margin)
    const left = await (await late()).settledWithin(timeout, pending)
    await Promise.all(owners.map((tokens) => tokens.settle({ timeout: left })))
  }

  return (context) => {
    const leaves = owners.map((tokens) => tokens.enter())
    const left = remainingTime(context)
    const wanted = { minLife: minLife === 'invocation' ? left : minLife, timeout: Math.max(1, left - margin) }
    const taken: { [name: string]: Token | Promise<Token> } = {}
    let pending = 0
    for (const [name, handle] of named) {
      const token = handle.peek(wanted.minLife) ?? handle.get(wanted)
      taken[name] = token
      if (!(token instanceof Promise)) continue
      pending += 1
      const done = (result: Token | Promise<Token> = token): void => {
        taken[name] = result
        pending -= 1
      }
      // Nobody may ever await it, and a rejection must then not end the process.
      token.then(done, () => done())
    }
    const leave = (): void => {
      for (const one of leaves) one()
    }
    return {
      taken: taken as Taken<H>,
      all: () => (pending > 0 ? Promise.all(Object.values(taken)).then(() => taken as All<H>) : (taken as All<H>)),
      leave,
      end() {
        leave()
        return pending > 0 || owners.some(isBusy) ? finish(context, pending > 0 ? taken : {}) : undefined
      },
    }
  }
}

const isBusy = ({ busy }: Tokens): boolean => busy
