import { systemRuntime } from '../lib/runtime.ts'
import { abortable, withDeadline as runWithDeadline } from '../lib/timing.ts'

/**
 * Runs a call under a deadline, for clients that know no signal or no timeout of their own. Rejects with an error named
 * `TimeoutError` after `ms`, or `AbortError` as soon as the outer signal aborts; the signal that the call was given aborts
 * too. When a starved process fires the timer late, an answer that came in time is still read.
 */
export async function withDeadline<T>(
  ms: number,
  outer: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const result = await runWithDeadline(systemRuntime, { ms, signal: outer, patient: true }, call)
  if (result.outcome === 'done') return result.value
  if (result.outcome === 'failed') throw result.cause
  if (result.outcome === 'aborted') throw named('AbortError', 'the call was aborted')
  throw named('TimeoutError', `no answer within ${ms} ms`)
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

/** What {@link withClient} works with. */
export interface WithClient<C> {
  /** The user's client, or a function that returns it. It is never destroyed here. */
  readonly given: C | (() => C | Promise<C>) | undefined
  /** Makes a client when none is given. */
  readonly make: () => C
  /** Destroys a client that `make` made. Default: its `destroy`. */
  readonly destroy?: (client: C) => void
  /** Ends the call. */
  readonly signal: AbortSignal
}

/**
 * Makes one call with the user's client, or with one that is made for the call and destroyed after it: the next call comes
 * minutes later, when a connection that was frozen in between is of no use. Rejects at the latest when the signal aborts.
 */
export async function withClient<C extends { destroy(): void }, T>(
  { given, make, destroy = (client) => client.destroy(), signal }: WithClient<C>,
  call: (client: C) => Promise<T>,
): Promise<T> {
  if (given !== undefined) {
    const client = isMaker(given) ? given() : given
    return abortable(Promise.resolve(client).then(call), signal)
  }
  const own = make()
  try {
    return await abortable(call(own), signal)
  } finally {
    destroy(own)
  }
}

function isMaker<C>(given: C | (() => C | Promise<C>)): given is () => C | Promise<C> {
  return typeof given === 'function'
}
