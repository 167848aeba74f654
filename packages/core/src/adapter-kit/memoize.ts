import { stopwatch } from './stopwatch.ts'

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
