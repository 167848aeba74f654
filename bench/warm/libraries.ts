import { HOUR, TOKEN, type Variant } from './variant.ts'

async function fresh(_key?: unknown): Promise<string> {
  return TOKEN
}

/** Caches for general use. Where one can wrap a function, that is used: it is what keeps a token warm. */
export const libraries: readonly Variant[] = [
  {
    name: '@isaacs/ttlcache',
    form: 'sync',
    late: true,
    open: async () => {
      const { TTLCache } = await import('@isaacs/ttlcache')
      const cache = new TTLCache<string, string>({ max: 1_000, ttl: HOUR })
      cache.set('key', TOKEN)
      return () => cache.get('key')
    },
  },
  {
    name: 'lru-cache',
    form: 'sync',
    late: true,
    open: async () => {
      const { LRUCache } = await import('lru-cache')
      const cache = new LRUCache<string, string>({ max: 1_000, ttl: HOUR })
      cache.set('key', TOKEN)
      return () => cache.get('key')
    },
  },
  {
    name: 'cache-manager',
    form: 'await',
    open: async () => {
      const cache = (await import('cache-manager')).createCache()
      return () => cache.wrap('key', fresh, HOUR)
    },
  },
  {
    name: 'async-cache-dedupe',
    form: 'await',
    open: async () => {
      const { createCache } = await import('async-cache-dedupe')
      const cache = createCache({ ttl: HOUR / 1_000, storage: { type: 'memory' } }).define('token', fresh)
      return () => cache.token('key')
    },
  },
  {
    name: '@epic-web/cachified',
    form: 'await',
    open: async () => {
      const { cachified } = await import('@epic-web/cachified')
      const cache = new Map()
      return () => cachified({ key: 'key', cache, ttl: HOUR, getFreshValue: fresh })
    },
  },
  {
    name: 'bentocache',
    form: 'await',
    open: async () => {
      const { BentoCache, bentostore } = await import('bentocache')
      const { memoryDriver } = await import('bentocache/drivers/memory')
      // Without serialization, its fastest way.
      const store = bentostore().useL1Layer(memoryDriver({ serialize: false }))
      const bento = new BentoCache({ default: 'memory', stores: { memory: store } })
      return () => bento.getOrSet({ key: 'key', factory: fresh, ttl: HOUR })
    },
  },
  {
    name: 'cacheable',
    form: 'await',
    open: async () => {
      const { Cacheable } = await import('cacheable')
      const cache = new Cacheable({ ttl: HOUR })
      return () => cache.getOrSet('key', fresh, { ttl: HOUR })
    },
  },
  {
    name: 'keyv',
    form: 'await',
    open: async () => {
      const { Keyv } = await import('keyv')
      const cache = new Keyv({ ttl: HOUR })
      await cache.set('key', TOKEN)
      return () => cache.get('key')
    },
  },
]
