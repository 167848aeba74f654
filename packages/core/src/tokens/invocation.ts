import { checkOptions, durationOrZeroRule, isFunction, misuse, type Rule } from '../lib/options.ts'
import type { InvocationContext } from './lambda-context.ts'
import type { Token } from './token.ts'
import type { Handles, Refreshing, TokenFamily, TokenHandle } from './types.ts'

/** How an invocation uses its tokens. Durations are in ms. */
export interface InvocationOptions {
  /**
   * The life that tokens should have left. Default `'invocation'`: the time that the invocation has left, so that no
   * token dies in the middle of it.
   */
  readonly minLifetime?: number | 'invocation'
  /** What is kept of the remaining time for the answer to get out: nothing is waited for beyond it. Default 300. */
  readonly margin?: number
}

const RULES = {
  minLifetime: [
    `${durationOrZeroRule[0]}, or 'invocation'`,
    (value: unknown) => value === 'invocation' || durationOrZeroRule[1](value),
  ] as const,
  margin: durationOrZeroRule,
}

/** Whether it is a handle or a family that `use` returned: both know their toolkit. */
function isBound(value: unknown): boolean {
  return Boolean(Object(value).tokens)
}

/** The time that the invocation has left, in ms. */
function remainingTime(context: InvocationContext | undefined): number {
  // The most that is believed, in ms, is what Lambda allows.
  const most = 900_000
  const unknown = 10_000
  const left = Number(context?.getRemainingTimeInMillis?.())
  return Number.isFinite(left) ? Math.min(Math.max(left, 0), most) : unknown
}

/** Tokens by the names of their handles: the token where memory had it, otherwise a promise until it resolves. */
export interface Taken {
  [name: string]: unknown
}

/** An invocation that has started. */
export interface Invocation {
  readonly context: InvocationContext | undefined
  /** Ends its right to have refreshes run beside it. Harmless to repeat. */
  readonly leave: () => void
  /** Resolves when all tokens are on the target; `undefined` when they are already, or there is no target. */
  ready: Promise<void> | undefined
  /** While some of its tokens are on their way: resolves when none is, whatever became of them. */
  pending: Promise<void> | undefined
}

/** What an invocation does with its tokens, in this order. */
export interface Invocations {
  /** Takes the tokens, into `taken` under their names, and onto the target; no promise is made where memory has them. */
  begin(context: InvocationContext | undefined, taken: Taken, target: Taken | undefined): Invocation
  /**
   * Leaves, and finishes what is in progress, its own tokens included, within the time that is left. Where nothing is, there
   * is no promise either: each costs an invocation some hundred ns.
   */
  end(invocation: Invocation): Promise<void> | undefined
}

/** Puts a token into its places once it is there. */
async function arrive(name: string, taken: Taken, target: Taken = {}): Promise<void> {
  const promise = taken[name]
  const token = await promise
  // Another middleware, or a request beside this one, may have put something else there.
  if (taken[name] === promise) taken[name] = token
  target[name] = token
}

type Named = readonly [string, TokenHandle | TokenFamily<never>]

/**
 * Wires tokens to invocations. `more`: rules of options beside {@link InvocationOptions}. Throws `TypeError` for wrong
 * options, and unless all are handles that `use` made.
 */
export function createInvocations(
  where: string,
  handles: Handles,
  options: InvocationOptions,
  more?: { readonly [name: string]: Rule },
): Invocations {
  const named: readonly Named[] = Object.entries(handles ?? {})
  if (!named.length || !named.every(([, one]) => isBound(one)))
    misuse(where, 'give tokens as in { crm: tokens.use(source) }')
  const { minLifetime = 'invocation', margin = 300 } = checkOptions(where, options, { ...RULES, ...more })
  return bind([...new Set(named.map(([, { tokens }]) => tokens))], named, minLifetime, margin)
}

/** How an invocation waits for refreshes of its caches. Durations are in ms. */
export type CacheInvocationOptions = Pick<InvocationOptions, 'margin'>

/**
 * Lets caches refresh in the background of invocations, which take nothing from them. Throws `TypeError` for wrong options,
 * and unless all are caches.
 */
export function createCacheInvocations(
  where: string,
  caches: Refreshing | readonly Refreshing[],
  options: CacheInvocationOptions,
  more?: { readonly [name: string]: Rule },
): Invocations {
  const owners = [caches].flat() as readonly Refreshing[]
  if (!owners.length || !owners.every((one) => isFunction(one?.enter) && isFunction(one.settle)))
    misuse(where, 'give a cache that createCache made, or a list of them')
  const { margin = 300 } = checkOptions(where, options, { margin: RULES.margin, ...more })
  return bind(owners, [], 0, margin)
}

/** Lets owners refresh in the background of invocations, which take these tokens. */
function bind(
  owners: readonly Refreshing[],
  named: readonly Named[],
  minLifetime: number | 'invocation',
  margin: number,
): Invocations {
  return {
    begin(context, taken, target) {
      const take = (handle: TokenHandle): Token | Promise<Token> => {
        const left = remainingTime(context)
        const wanted = minLifetime === 'invocation' ? left : minLifetime
        return handle.peek(wanted) ?? handle.get({ minLifetime: wanted, timeout: Math.max(1, left - margin) })
      }
      const leaves = owners.map((one) => one.enter())
      const leave = (): void => {
        for (const one of leaves) one()
      }
      const invocation: Invocation = { context, leave, ready: undefined, pending: undefined }
      const coming: Promise<void>[] = []
      for (const [name, handle] of named) {
        const found =
          'for' in handle ? { for: async (params: never): Promise<Token> => take(handle.for(params)) } : take(handle)
        taken[name] = found
        if (found instanceof Promise) coming.push(arrive(name, taken, target))
        else if (target) target[name] = found
      }
      if (coming.length) {
        // Nobody may ever await a token that is not put on a target: its rejection must not end the process.
        invocation.pending = Promise.allSettled(coming).then(() => {
          invocation.pending = undefined
        })
        // What it resolves to Middy would treat as an answer.
        if (target) invocation.ready = Promise.all(coming).then(() => undefined)
      }
      return invocation
    },
    end({ context, leave, pending }) {
      leave()
      if (!pending && !owners.some(({ busy }) => busy)) return undefined
      const timeLeft = (): number => Math.max(0, remainingTime(context) - margin)
      return import('./finish.ts').then(({ finish }) => finish(owners, pending, timeLeft))
    },
  }
}
