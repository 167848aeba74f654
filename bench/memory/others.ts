import { HOUR, keyOf, newToken, type Variant } from './variant.ts'

/** Fills something with `set`, and reads it with `get`. */
async function filled(
  size: number,
  cache: object,
  set: (key: string, token: string) => unknown,
  get: (key: string) => unknown,
) {
  for (let n = 0; n < size; n += 1) {
    const done = set(keyOf(n), newToken())
    if (done instanceof Promise) await done
  }
  return { held: cache, get: (n: number) => get(keyOf(n)) }
}

/** The limit and the peers. */
export const others: readonly Variant[] = [
  {
    name: 'the strings alone',
    part: 'beside',
    fill: async (size) => {
      const keys: string[] = []
      const tokens: string[] = []
      for (let n = 0; n < size; n += 1) {
        keys.push(keyOf(n))
        tokens.push(newToken())
      }
      return { held: [keys, tokens], get: (n) => tokens[n] }
    },
  },
  {
    name: 'Map of value and expiry',
    part: 'limit',
    fill: (size) => {
      const map = new Map<string, { readonly value: string; readonly until: number }>()
      return filled(
        size,
        map,
        (key, value) => void map.set(key, { value, until: Date.now() + HOUR }),
        (key) => {
          const entry = map.get(key)
          return entry !== undefined && Date.now() < entry.until ? entry.value : undefined
        },
      )
    },
  },
  {
    name: 'lru-cache',
    fill: async (size) => {
      const { LRUCache } = await import('lru-cache')
      const cache = new LRUCache<string, string>({ max: size, ttl: HOUR })
      return filled(
        size,
        cache,
        (key, value) => void cache.set(key, value),
        (key) => cache.get(key),
      )
    },
  },
  {
    name: '@isaacs/ttlcache',
    fill: async (size) => {
      const { TTLCache } = await import('@isaacs/ttlcache')
      const cache = new TTLCache<string, string>({ max: size, ttl: HOUR })
      return filled(
        size,
        cache,
        (key, value) => void cache.set(key, value),
        (key) => cache.get(key),
      )
    },
  },
  {
    name: 'cacheable',
    fill: async (size) => {
      const { CacheableMemory } = await import('cacheable')
      const cache = new CacheableMemory({ ttl: HOUR, checkInterval: 0 })
      return filled(
        size,
        cache,
        (key, value) => cache.set(key, value),
        (key) => cache.get(key),
      )
    },
  },
  {
    name: 'keyv',
    fill: async (size) => {
      const { Keyv } = await import('keyv')
      const cache = new Keyv({ ttl: HOUR })
      return filled(
        size,
        cache,
        (key, value) => cache.set(key, value),
        (key) => cache.get(key),
      )
    },
  },
]
