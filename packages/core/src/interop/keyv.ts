/**
 * A store for Keyv, and with it for cacheable and cache-manager: its values lie in a cache of ours, for the whole fleet.
 *
 * @module
 */

import type { Cache } from '../data/types.ts'
import { textsOf } from './texts.ts'

/** What Keyv asks of a store. */
export interface KeyvStore {
  /** Keyv sets it. Only its keys are cleared. */
  namespace?: string | undefined
  /** Keyv reads options of stores here. There are none. */
  opts: Record<string, unknown>
  get(key: string): Promise<unknown>
  getMany(keys: string[]): Promise<unknown[]>
  set(key: string, value: unknown, ttl?: number): Promise<boolean>
  delete(key: string): Promise<boolean>
  deleteMany(keys: string[]): Promise<boolean>
  clear(): Promise<void>
  has(key: string): Promise<boolean>
  disconnect(): Promise<void>
  /** Our caches report by their own events; Keyv's are never sent. */
  on(event: string, listener: (...args: unknown[]) => void): KeyvStore
}

/**
 * Makes a store for `new Keyv({ store })`. Stores of one cache share their values. With a `recheck` of the cache above 0, another
 * environment may serve a value for so long after it was changed or deleted. Keyv's `iterator` is not supported.
 *
 * @example
 * ```ts
 * const keyv = new Keyv({ store: keyvStore(createCache({ name: 'shop', store })) })
 * ```
 */
export function keyvStore(cache: Cache): KeyvStore {
  const texts = textsOf(cache, 'keyv')
  const store: KeyvStore = {
    opts: {},
    get: texts.get,
    getMany: (keys) => Promise.all(keys.map(texts.get)),
    async set(key, value, ttl) {
      if (value === undefined) return false
      await texts.set(key, value, ttl)
      return true
    },
    delete: texts.delete,
    deleteMany: async (keys) => (await Promise.all(keys.map(texts.delete))).some(Boolean),
    clear: () => texts.clear(store.namespace),
    has: async (key) => (await texts.get(key)) !== undefined,
    disconnect: async () => {},
    on: () => store,
  }
  return store
}
