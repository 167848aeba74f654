/**
 * The store on Upstash Redis, over its REST API: one hash a key, one script an operation.
 *
 * @module
 */

import type { Store } from '@warmtoken/core'
import { lazyStore } from '@warmtoken/core/adapter/setup'
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
  const load = () => import('./store.ts').then(({ openCalls }) => openCalls(options))
  const { url, prefix = 'warmtoken:' } = options
  // A client does not say which database it is.
  const place = url && `upstash/${new URL(url).host}/${prefix}`
  // Its replicas follow asynchronously.
  return lazyStore({ name: 'upstash', place, forgets: true, load, many: true })
}
