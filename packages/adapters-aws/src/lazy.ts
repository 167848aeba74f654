/**
 * Loads once, at the first call, and again after a failure. The SDK costs some 35 ms of a cold start; an environment
 * whose memory or file has the token never loads it.
 */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined
      throw error
    })
    return loaded
  }
}
