import type { Image, Seen, Store } from '../contracts.ts'

/** How {@link memoryStore} is set up. */
export interface MemoryStoreOptions {
  /** Its clock, in ms since 1970. Default `Date.now`. */
  readonly wall?: () => number
}

/**
 * A store in this process: for development, for tests, and for the case of one environment only. Keeps records until
 * the process ends.
 */
export function memoryStore({ wall = Date.now }: MemoryStoreOptions = {}): Store {
  const images = new Map<string, Image>()
  const look = (key: string): Seen => ({ image: images.get(key), time: { at: wall(), precision: 0 } })

  return {
    name: 'memory',
    async read(key) {
      return look(key)
    },
    async readMany(keys) {
      return new Map(keys.map((key) => [key, look(key)]))
    },
    async swap(key, { expected, body, tag }) {
      const seen = look(key)
      if (seen.image?.tag === tag) return { outcome: 'swapped', image: seen.image, time: seen.time }
      if (seen.image?.tag !== expected?.tag) return { outcome: 'conflict', seen }
      const image = { body, tag }
      images.set(key, image)
      return { outcome: 'swapped', image, time: seen.time }
    },
  }
}
