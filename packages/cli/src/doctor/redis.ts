/** What `doctor` learns about a Redis: whether its server keeps the records. @module */

import { walkKeys } from '@warmtoken/core/operate'
import type { Context } from '../context.ts'
import type { Place } from '../place.ts'

/** How many keys are looked at for an invalidation. */
const MAX_KEYS = 10_000
/** MemoryDB and ElastiCache may keep writes in a log of their own, of which INFO says nothing. */
const MANAGED = /\.amazonaws\.com(\.cn)?$/

/** Facts of a Redis. */
export interface RedisFacts {
  /** The policy by which it deletes records when its memory is full. `undefined`: it deletes none. */
  readonly evictionPolicy: string | undefined
  /** Whether its writes outlive the process. */
  readonly log: 'on' | 'off' | 'unknown'
  /** Whether it holds records that invalidate. */
  readonly hasGenerations: boolean
}

/** Asks the server. `undefined` when it is no Redis, or does not say. */
export async function describeRedis(
  place: Place,
  { url, context }: { readonly url: string; readonly context: Context },
): Promise<RedisFacts | undefined> {
  const settings = await place.settings?.()
  if (settings === undefined) return undefined
  const { evictionPolicy, hasLog } = settings
  const withoutLog = MANAGED.test(new URL(url).hostname) ? 'unknown' : 'off'
  return { evictionPolicy, log: hasLog ? 'on' : withoutLog, hasGenerations: await hasGenerations(place, context) }
}

async function hasGenerations({ inventory }: Place, context: Context): Promise<boolean> {
  let looked = 0
  for await (const { keys } of walkKeys(inventory, context)) {
    if (keys.some((key) => key.startsWith('gen~'))) return true
    looked += keys.length
    if (looked >= MAX_KEYS) return false
  }
  return false
}
