import { abortable } from '../lib/timing.ts'
import { stopwatch } from './time.ts'

/** How long {@link memoize} keeps a value. */
export interface MemoizeOptions {
  /** In ms. Default: until the environment ends. */
  readonly maxAge?: number
  /** Whether the last value still serves after a load failed with this error. Default: never. */
  readonly survives?: (error: unknown) => boolean
}

/**
 * Loads at the first call and keeps the value: one load at a time, however many call. A failure is never kept. Age is
 * counted by {@link stopwatch}, so that a freeze counts too.
 */
export function memoize<T>(
  load: () => Promise<T>,
  { maxAge = Number.POSITIVE_INFINITY, survives = () => false }: MemoizeOptions = {},
): () => Promise<T> {
  let known: { readonly value: T; readonly age: () => number } | undefined
  let loading: Promise<T> | undefined

  const begin = async (): Promise<T> => {
    // Counted from the request: the value may have changed while the answer was on its way.
    const age = stopwatch()
    try {
      const value = await load()
      known = { value, age }
      return value
    } catch (error) {
      if (known !== undefined && survives(error)) return known.value
      throw error
    } finally {
      loading = undefined
    }
  }

  return async () => {
    if (known !== undefined && known.age() < maxAge) return known.value
    loading ??= begin()
    return loading
  }
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
