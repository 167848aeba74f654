/** How long what was loaded is kept. */
export interface KeptOptions {
  /** In ms. Default: until the environment ends. */
  readonly maxAge?: number
  /** Whether, after this failure, what was loaded before still serves. Default never. */
  readonly survives?: (error: unknown) => boolean
}

/**
 * Loads at the first call and keeps what came: one load at a time, however many call. A failure is never kept. Age is
 * the larger of what two clocks tell, for one may stop while the environment is frozen and the other may step.
 */
export function kept<T>(
  load: () => Promise<T>,
  { maxAge = Number.POSITIVE_INFINITY, survives = () => false }: KeptOptions = {},
): () => Promise<T> {
  let known: { readonly value: T; readonly age: () => number } | undefined
  let loading: Promise<T> | undefined

  const begin = async (): Promise<T> => {
    // From before it is asked for: what an answer tells may have changed while it was on its way.
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

function stopwatch(): () => number {
  const wall = Date.now()
  const steady = performance.now()
  return () => Math.max(Date.now() - wall, performance.now() - steady)
}
