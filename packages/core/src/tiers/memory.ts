/** A bounded map that forgets first what has not been used. */
export interface MemoryTier<V extends { touched: boolean }> {
  /** The value of the key, marked as used. */
  get(key: string): V | undefined
  /** Adds a value; at the bound another one is forgotten. */
  set(key: string, value: V): void
}

/**
 * Keeps at most `max` values. A hit only sets a flag, so the warm path never moves an entry about; a full tier gives
 * every flagged value a second chance before it forgets one.
 */
export const createMemoryTier = <V extends { touched: boolean }>(max: number): MemoryTier<V> => {
  const map = new Map<string, V>()

  const evict = (): void => {
    for (const [key, value] of map) {
      map.delete(key)
      if (!value.touched) return
      value.touched = false
      map.set(key, value)
    }
  }

  return {
    get(key) {
      const value = map.get(key)
      if (value !== undefined) value.touched = true
      return value
    },
    set(key, value) {
      if (!map.has(key) && map.size >= max) evict()
      map.set(key, value)
    },
  }
}
