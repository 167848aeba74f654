/**
 * The store on Upstash Redis, over its REST API: one hash a key, one script an operation.
 *
 * @module
 */

import type { Store } from '@warmtoken/core'
import { memoize } from '@warmtoken/core/adapter'
import { checkUpstashOptions, type UpstashStoreOptions } from './options.ts'

export type { RedisClient, UpstashStoreOptions } from './options.ts'

/**
 * Makes the store. Redis replicates asynchronously: a failover may lose the last writes, so it saves calls to the
 * issuer but does not exclude a second one. Throws `TypeError` when both `client` and `url` with `token` are
 * missing, or both are there, and for a `url` that is not safe.
 *
 * @example
 * ```ts
 * const { UPSTASH_REDIS_REST_URL: url = '', UPSTASH_REDIS_REST_TOKEN: token = '' } = process.env
 * const tokens = createTokens({ store: upstashStore({ url, token }) })
 * ```
 */
export function upstashStore(options: UpstashStoreOptions): Store {
  checkUpstashOptions(options)
  // An environment whose memory or file has the token loads none of it.
  const calls = memoize(() => import('./store.ts').then(({ makeCalls }) => makeCalls(options)))
  return {
    name: 'upstash',
    open: async () => void (await calls()),
    read: async (key, how) => (await calls()).read(key, how),
    swap: async (key, swap, how) => (await calls()).swap(key, swap, how),
    readMany: async (keys, how) => (await calls()).readMany(keys, how),
  }
}
