/**
 * A driver for bentocache's second layer: its values lie in a cache of ours, for the whole fleet.
 *
 * @module
 */

import type { Cache } from '../data/types.ts'
import { type Texts, textsOf } from './texts.ts'

/** What bentocache asks of a driver of its second layer. */
export interface BentocacheDriver {
  readonly type: 'l2'
  namespace(name: string): BentocacheDriver
  get(key: string): Promise<string | undefined>
  pull(key: string): Promise<string | undefined>
  set(key: string, value: string, ttl?: number): Promise<boolean>
  clear(): Promise<void>
  delete(key: string): Promise<boolean>
  deleteMany(keys: string[]): Promise<boolean>
  disconnect(): Promise<void>
}

/** How {@link bentocacheDriver} is set up. */
export interface BentocacheDriverOptions {
  /** What the keys begin with; only they are cleared. Default `bentocache`. */
  readonly prefix?: string | undefined
}

/**
 * Makes a driver for `bentostore().useL2Layer({ options: {}, factory: () => bentocacheDriver(cache) })`. With a `recheck` of the
 * cache above 0, another environment may serve a value for so long after it was changed or deleted.
 */
export function bentocacheDriver(
  cache: Cache,
  { prefix = 'bentocache' }: BentocacheDriverOptions = {},
): BentocacheDriver {
  return makeDriver(textsOf(cache, 'bentocache'), prefix)
}

function makeDriver(texts: Texts, prefix: string): BentocacheDriver {
  const keyOf = (key: string): string => `${prefix}:${key}`
  const get = async (key: string): Promise<string | undefined> => {
    const value = await texts.get(keyOf(key))
    return typeof value === 'string' ? value : undefined
  }
  return {
    type: 'l2',
    namespace: (name) => makeDriver(texts, keyOf(name)),
    get,
    async pull(key) {
      const value = await get(key)
      if (value !== undefined) await texts.delete(keyOf(key))
      return value
    },
    async set(key, value, ttl) {
      await texts.set(keyOf(key), value, ttl)
      return true
    },
    clear: () => texts.clear(prefix),
    delete: (key) => texts.delete(keyOf(key)),
    async deleteMany(keys) {
      await Promise.all(keys.map((key) => texts.delete(keyOf(key))))
      return true
    },
    disconnect: async () => {},
  }
}
