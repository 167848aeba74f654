import { setTimeout as sleep } from 'node:timers/promises'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'

/** One way to have many callers of one process share a fetch. */
export interface OneVariant {
  readonly name: string
  readonly part?: 'limit' | 'ours'
  /** Gives the call. `fetch` asks the issuer. */
  open(fetch: (key: string) => Promise<string>): Promise<(key: string) => Promise<unknown>>
}

/** How long the issuer takes, in ms. */
export const ISSUER_DELAY = 50
const HOUR = 3_600_000

/** An issuer in this process: nothing but its delay. */
export async function slowIssuer(key: string): Promise<string> {
  await sleep(ISSUER_DELAY)
  return `token-of-${key}`
}

/** All ways that are compared. */
export const oneVariants: readonly OneVariant[] = [
  {
    name: 'bare single flight',
    part: 'limit',
    open: async (fetch) => {
      const flights = new Map<string, Promise<string>>()
      return (key) => {
        const flight = flights.get(key) ?? fetch(key)
        flights.set(key, flight)
        return flight
      }
    },
  },
  {
    name: 'warmtoken',
    part: 'ours',
    open: async (fetch) => {
      const source = custom<{ readonly key: string }>({
        identity: ({ key }) => key,
        fetch: async ({ params }) => ({ value: await fetch(params.key), lifetime: HOUR }),
      })
      const family = createTokens({ directory: false }).use(source)
      const handles = new Map<string, ReturnType<typeof family.for>>()
      return (key) => {
        const handle = handles.get(key) ?? family.for({ key })
        handles.set(key, handle)
        return handle.get()
      }
    },
  },
  {
    name: 'lru-cache fetch',
    open: async (fetch) => {
      const { LRUCache } = await import('lru-cache')
      const cache = new LRUCache<string, string>({ max: 100, ttl: HOUR, fetchMethod: fetch })
      return (key) => cache.fetch(key)
    },
  },
  {
    name: '@epic-web/cachified',
    open: async (fetch) => {
      const { cachified } = await import('@epic-web/cachified')
      const cache = new Map()
      return (key) => cachified({ key, cache, ttl: HOUR, getFreshValue: () => fetch(key) })
    },
  },
  {
    name: 'bentocache',
    open: async (fetch) => {
      const { BentoCache, bentostore } = await import('bentocache')
      const { memoryDriver } = await import('bentocache/drivers/memory')
      const bento = new BentoCache({ default: 'one', stores: { one: bentostore().useL1Layer(memoryDriver({})) } })
      return (key) => bento.getOrSet({ key, factory: () => fetch(key), ttl: HOUR })
    },
  },
  {
    name: 'cacheable',
    open: async (fetch) => {
      const { Cacheable } = await import('cacheable')
      const cache = new Cacheable({ ttl: HOUR })
      return (key) => cache.getOrSet(key, () => fetch(key), { ttl: HOUR })
    },
  },
  {
    name: 'cache-manager',
    open: async (fetch) => {
      const cache = (await import('cache-manager')).createCache()
      return (key) => cache.wrap(key, () => fetch(key), HOUR)
    },
  },
  {
    name: 'async-cache-dedupe',
    open: async (fetch) => {
      const { createCache } = await import('async-cache-dedupe')
      const cache = createCache({ ttl: HOUR / 1_000, storage: { type: 'memory' } }).define('token', fetch)
      return (key) => cache.token(key)
    },
  },
  {
    name: 'Powertools parameters',
    open: async (fetch) => {
      const { BaseProvider } = await import('@aws-lambda-powertools/parameters/base')
      class Provider extends BaseProvider {
        protected override _get(name: string): Promise<string> {
          return fetch(name)
        }
        protected override async _getMultiple(): Promise<undefined> {
          return undefined
        }
      }
      const provider = new Provider({})
      return (key) => provider.get(key, { maxAge: 3_600 })
    },
  },
  {
    name: 'keyv, get then set',
    open: async (fetch) => {
      const { Keyv } = await import('keyv')
      const cache = new Keyv({ ttl: HOUR })
      return async (key) => {
        const known = await cache.get(key)
        if (known !== undefined) return known
        const value = await fetch(key)
        await cache.set(key, value)
        return value
      }
    },
  },
]
