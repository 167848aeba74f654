import { askIssuer, toRedis } from './connections.ts'
import { type FleetVariant, HOUR } from './wiring.ts'

/** What Keyv asks of a store, on Redis. */
async function keyvStore(wiring: Parameters<typeof toRedis>[0]) {
  const redis = await toRedis(wiring)
  return {
    get: async (key: string): Promise<string | undefined> => (await redis.get(key)) ?? undefined,
    set: (key: string, value: string) => redis.set(key, value, 'PX', HOUR),
    delete: async (key: string): Promise<boolean> => (await redis.del(key)) > 0,
    clear: async (): Promise<void> => undefined,
  }
}

/** Caches with a shared second tier. */
export const caches: readonly FleetVariant[] = [
  {
    name: 'bentocache',
    open: async (wiring) => {
      const connection = await toRedis(wiring)
      const { BentoCache, bentostore } = await import('bentocache')
      const { memoryDriver } = await import('bentocache/drivers/memory')
      const { redisDriver } = await import('bentocache/drivers/redis')
      const store = bentostore().useL1Layer(memoryDriver({})).useL2Layer(redisDriver({ connection }))
      const bento = new BentoCache({ default: 'one', stores: { one: store } })
      return { get: (key) => bento.getOrSet({ key, factory: () => askIssuer(wiring, key), ttl: HOUR }) }
    },
  },
  {
    name: 'cacheable',
    open: async (wiring) => {
      const [{ Cacheable }, { Keyv }] = await Promise.all([import('cacheable'), import('keyv')])
      const secondary = new Keyv({ store: await keyvStore(wiring), ttl: HOUR } as never)
      const cache = new Cacheable({ secondary: secondary as never, ttl: HOUR })
      return { get: async (key) => String(await cache.getOrSet(key, () => askIssuer(wiring, key), { ttl: HOUR })) }
    },
  },
  {
    name: 'cache-manager',
    open: async (wiring) => {
      const [{ createCache }, { Keyv }] = await Promise.all([import('cache-manager'), import('keyv')])
      const cache = createCache({
        stores: [new Keyv(), new Keyv({ store: await keyvStore(wiring) } as never)] as never,
      })
      return { get: (key) => cache.wrap(key, () => askIssuer(wiring, key), HOUR) }
    },
  },
  {
    name: '@epic-web/cachified',
    open: async (wiring) => {
      const redis = await toRedis(wiring)
      const { cachified } = await import('@epic-web/cachified')
      const cache = {
        get: async (key: string) => JSON.parse((await redis.get(key)) ?? 'null'),
        set: (key: string, entry: unknown) => redis.set(key, JSON.stringify(entry), 'PX', HOUR),
        delete: (key: string) => redis.del(key),
      }
      return { get: (key) => cachified({ key, cache, ttl: HOUR, getFreshValue: () => askIssuer(wiring, key) }) }
    },
  },
  {
    name: 'async-cache-dedupe',
    open: async (wiring) => {
      const client = await toRedis(wiring)
      const { createCache } = await import('./clients/dedupe.ts')
      const storage = { type: 'redis', options: { client } } as never
      const cache = createCache({ ttl: HOUR / 1_000, storage }).define('token', (key: string) => askIssuer(wiring, key))
      return { get: (key) => cache.token(key) }
    },
  },
]
