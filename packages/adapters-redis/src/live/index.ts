/**
 * Live events on Redis or Valkey: who follows what as sorted sets, a publisher on the channel of announced writes, and that
 * channel for those who listen.
 *
 * @module
 */

import { memoize } from '@warmtoken/core/adapter/setup'
import type { Publisher, Subscribers } from '@warmtoken/core/live'
import { makePublisher, makeSubscribers } from '../calls/live.ts'
import { checkRedisOptions, type RedisStoreOptions } from '../options.ts'

export { redisChannel } from './channel.ts'

/** Subscribers on Redis. Takes the options of `redisStore`. Throws `TypeError` that names a wrong option. */
export function redisSubscribers(options: RedisStoreOptions): Subscribers {
  return makeSubscribers('redis', openOnce(options))
}

/**
 * Publishes on the channel `<prefix>live`, on which the store publishes announced writes too: for processes that subscribe to
 * it. Takes the options of `redisStore`. Throws `TypeError` that names a wrong option.
 */
export function redisPublisher(options: RedisStoreOptions): Publisher {
  return makePublisher('redis', openOnce(options))
}

function openOnce(options: RedisStoreOptions) {
  checkRedisOptions(options)
  return memoize(() => import('../store.ts').then(({ openServer }) => openServer(options)))
}
