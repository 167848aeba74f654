/** Gives the value of the key, made when there is none. */
export type MemoryTier<V> = (key: string, make: () => V) => V

/**
 * Keeps at most `max` values and evicts the least recently used one. It is used when a handle is made, not at a hit, so that
 * the warm path moves nothing.
 */
export function createMemoryTier<V>(max: number): MemoryTier<V> {
  const values = new Map<string, V>()
  return (key, make) => {
    const value = values.get(key) ?? make()
    // A map keeps insertion order: this key becomes the newest.
    values.delete(key)
    values.set(key, value)
    if (values.size > max) {
      // Only at the bound: a map walks over all deleted entries before it comes to the first key.
      const [oldest = key] = values.keys()
      values.delete(oldest)
    }
    return value
  }
}
