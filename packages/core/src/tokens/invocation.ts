import { misuse } from '../misuse.ts'
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

const [, isHandle] = a.shaped('get', 'peek')

/** The time that the invocation has left, in ms. */
const remainingTime = (context: InvocationContext | undefined): number => {
  const left = Number(context?.getRemainingTimeInMillis?.())
  return Number.isFinite(left) ? Math.min(Math.max(left, 0), MAX_REMAINING) : UNKNOWN_REMAINING
}

/** Tokens by the names of their handles: at hand where memory had them, else promises, each until it resolves. */
export interface Taken {
  [name: string]: unknown
}

/** An invocation that has begun. */
export interface Invocation {
  readonly context: InvocationContext | undefined
  readonly taken: Taken
  /** How many of them are not at hand yet. */
  pending: number
  /** Ends its right to have refreshes run beside it; `undefined` once it has. */
  leave: (() => void) | undefined
}

/** What an invocation does with its tokens, in this order. */
export interface Invocations {
  /** Takes the tokens, into `taken` under their names; those that memory has go on the target, too. */
  begin(context: InvocationContext | undefined, taken: Taken, target: Taken | undefined): Invocation
  /** Puts them on the target once they are all at hand; no promise where memory had them. */
  put(invocation: Invocation, target: Taken): Promise<void> | undefined
  /** No refresh is begun beside it any more. Harmless to repeat. */
  leave(invocation: Invocation): void
  /**
   * Leaves, and finishes what is under way, its own tokens included, within the time that is left. Where nothing is, there
   * is no promise either: each costs an invocation some hundred ns.
   */
  end(invocation: Invocation): Promise<void> | undefined
}

/**
 * Wires tokens to invocations. `more`: rules of options beside {@link InvocationOptions}. Throws `TypeError` for wrong
 * options, and unless all are handles that `use` made.
 */
export const createInvocations = (
  where: string,
  handles: Handles,
  options: InvocationOptions,
  more?: { readonly [name: string]: a.Rule },
): Invocations => {
  const named: readonly (readonly [string, TokenHandle])[] = Object.entries(handles ?? {})
  if (named.length === 0 || !named.every(([, handle]) => isHandle(handle)))
    misuse(where, 'the tokens must be as in { crm: tokens.use(source) }')
  const { minLife = 'invocation', margin = 300 } = checkOptions(where, options, { ...RULES, ...more })
  const owners = [...new Set(named.map(([, { tokens }]) => tokens))]

  const valuesOf = (taken: Taken): readonly unknown[] => named.map(([name]) => taken[name])

  /** Nobody may ever await the promise, and a rejection must then not end the process. */
  const watch = (invocation: Invocation, name: string, promise: Promise<Token>): Promise<Token> => {
    const done = (result: unknown): void => {
      // Another middleware, or a request beside this one, may have put something else there.
      if (invocation.taken[name] === promise) invocation.taken[name] = result
      invocation.pending -= 1
    }
    invocation.pending += 1
    promise.then(done, () => done(promise))
    return promise
  }

  const enterAll = (): (() => void) => {
    const leaves = owners.map(({ enter }) => enter())
    return () => {
      for (const one of leaves) one()
    }
  }
  // Nearly always there is one.
  const enter = owners.length > 1 ? enterAll : (owners[0]?.enter ?? enterAll)

  const leave: Invocations['leave'] = (invocation) => {
    invocation.leave?.()
    invocation.leave = undefined
  }

  const finish = async (timeout: number, works: readonly unknown[]): Promise<void> =>
    (await late()).settleWithin(timeout, works, owners)

  // What is made for each invocation is one object and what `enter` gives: the functions are the same for all.
  return {
    begin(context, taken, target) {
      const left = remainingTime(context)
      const wanted = minLife === 'invocation' ? left : minLife
      const invocation: Invocation = { context, taken, pending: 0, leave: enter() }
      for (const [name, handle] of named) {
        const token = handle.peek(wanted)
        if (token && target) target[name] = token
        taken[name] =
          token ?? watch(invocation, name, handle.get({ minLife: wanted, timeout: Math.max(1, left - margin) }))
      }
      return invocation
    },
    put({ taken, pending }, target) {
      if (pending === 0) return undefined
      return Promise.all(valuesOf(taken)).then((tokens) => {
        for (const [at, [name]] of named.entries()) target[name] = tokens[at]
      })
    },
    leave,
    end(invocation) {
      leave(invocation)
      const { context, taken, pending } = invocation
      if (pending === 0 && !owners.some(isBusy)) return undefined
      return finish(Math.max(0, remainingTime(context) - margin), pending > 0 ? valuesOf(taken) : [])
    },
  }
}

const isBusy = ({ busy }: Tokens): boolean => busy
