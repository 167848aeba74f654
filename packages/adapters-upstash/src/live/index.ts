/**
 * Live events on Upstash Redis: who follows what as sorted sets, a publisher on the channel of announced writes, and that
 * channel for those who listen.
 *
 * @module
 */

import { makePublisher, makeSubscribers } from '@warmtoken/adapters-redis/calls'
import { memoize } from '@warmtoken/core/adapter/setup'
import type { Publisher, Subscribers } from '@warmtoken/core/live'
import { checkUpstashOptions, type UpstashStoreOptions } from '../redis/options.ts'

export { upstashChannel } from './channel.ts'

/** Subscribers on Upstash. Takes the options of `upstashStore`. Throws `TypeError` that names a wrong option. */
export function upstashSubscribers(options: UpstashStoreOptions): Subscribers {
  return makeSubscribers('upstash', openOnce(options))
}

/**
 * Publishes on the channel `<prefix>live`, on which the store publishes announced writes too: for processes that subscribe to
 * it. Takes the options of `upstashStore`. Throws `TypeError` that names a wrong option.
 */
export function upstashPublisher(options: UpstashStoreOptions): Publisher {
  return makePublisher('upstash', openOnce(options))
}

function openOnce(options: UpstashStoreOptions) {
  checkUpstashOptions(options)
  return memoize(() => import('../redis/store.ts').then(({ openDatabase }) => openDatabase(options)))
}
