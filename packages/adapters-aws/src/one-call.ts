import { abortable } from './client.ts'

/** Something with a client of its own making, or one that was handed in. */
interface Calling<C> {
  readonly given: C | (() => C | Promise<C>) | undefined
  readonly make: () => C
  readonly signal: AbortSignal
}

/**
 * Uses a client for one call. One of our own is destroyed after it: the next call comes minutes later, when a connection
 * that was frozen in between is of no use. Rejects at the latest when the signal aborts.
 */
export async function oneCall<C extends { destroy(): void }, T>(
  { given, make, signal }: Calling<C>,
  call: (client: C) => Promise<T>,
): Promise<T> {
  if (given !== undefined) return abortable(Promise.resolve(isFunction(given) ? given() : given).then(call), signal)
  const own = make()
  try {
    return await abortable(call(own), signal)
  } finally {
    own.destroy()
  }
}

function isFunction<C>(given: C | (() => C | Promise<C>)): given is () => C | Promise<C> {
  return typeof given === 'function'
}
