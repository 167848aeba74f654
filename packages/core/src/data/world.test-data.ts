import type { Seen, Store } from '../contracts.ts'
import { type CacheOptions, createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { type CountingStore, countingStore, type FakeTime, fakeTime } from './fake.test-data.ts'
import type { Cache, Resource } from './types.ts'

/** What the tests of a cache live in. */
export interface CacheWorld extends CountingStore {
  readonly time: FakeTime
  readonly events: CacheEvent[]
  /** What is loaded, and how often it was. */
  readonly truth: { value: number; loads: number }
  environment(more?: Partial<CacheOptions>): Cache
  bind(cache: Cache): Resource<{ readonly id: Id }, { readonly id: Id; readonly value: number }>
}

type Id = string | number

/** Makes a world: a clock that stands still, a store that counts, and a truth that environments load from. */
export function world(options: Partial<CacheOptions> = {}): CacheWorld {
  const time = fakeTime()
  const { store, counts, state } = countingStore(time.now)
  const events: CacheEvent[] = []
  const environment = (more: Partial<CacheOptions> = {}) =>
    createCache({
      name: 'shop',
      store,
      runtime: time.runtime,
      onEvent: (event) => void events.push(event),
      ...options,
      ...more,
    })
  const truth = { value: 1, loads: 0 }
  const bind = (cache: ReturnType<typeof createCache>) =>
    cache.use({
      key: 'project:{id}:info',
      fresh: 600_000,
      usable: 7_200_000,
      tags: ({ id }) => [`owner:${id}`],
      load: async ({ id }) => {
        truth.loads += 1
        return { id, value: truth.value }
      },
    })
  return { time, store, counts, state, events, environment, truth, bind }
}

/** The store with a clock that tells whole seconds, as an HTTP header does. */
export function wholeSeconds(store: Store): Store {
  const told = (seen: Seen): Seen => ({ ...seen, time: seen.time && { ...seen.time, precision: 1_000 } })
  return {
    name: store.name,
    read: async (key, options) => told(await store.read(key, options)),
    swap: (key, swap, options) => store.swap(key, swap, options),
  }
}
