/**
 * The store on Redis or Valkey over TCP, by a client that you choose: one hash a key, one script an operation.
 *
 * @module
 */

import type { Store } from '@warmtoken/core'
import { lazyStore } from '@warmtoken/core/adapter/setup'
import { checkRedisOptions, type RedisStoreOptions } from './options.ts'

export type { RedisProblem, RedisStoreOptions } from './options.ts'
export type { IoredisClient, NodeRedisClient, RedisClient } from './shapes.ts'

/**
 * Makes the store. In Lambda pass `connect`, so that the store replaces a connection that a freeze may have killed. Throws
 * `TypeError` when both or none of `connect` and `client` are there, or an option is wrong or unknown.
 *
 * @example
 * ```ts
 * const store = redisStore({ connect: () => new Redis('rediss://cache.example.com:6379') })
 * const tokens = createTokens({ store })
 * ```
 */
export function redisStore(options: RedisStoreOptions): Store {
  checkRedisOptions(options)
  const load = () => import('./store.ts').then(({ openCalls }) => openCalls(options))
  return lazyStore({ name: 'redis', forgets: options.durable !== true, load, many: true })
}
