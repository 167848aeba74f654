/** Loads without the cache: for what is switched off or read-only, and for new keys in flood mode. @module */

import { TimeoutError } from '../errors.ts'
import { withDeadline } from '../lib/timing.ts'
import { type DirectLoad, type Home, type Item, knownTags } from './home.ts'
import { loadDirect, underOf } from './load.ts'

/** Calls the loader without the cache. Callers of this environment share one call while nothing has changed since it began. */
export function loadOnce<V>(home: Home, item: Item<V>, timeout: number): Promise<V | undefined> {
  if (item.direct !== undefined && isShared(home, item, item.direct)) return item.direct.done as Promise<V | undefined>
  const done = loadWithin(home, item, timeout).finally(() => {
    if (item.direct === direct) item.direct = undefined
  })
  const direct = { done, at: home.context().clock.fast(), changes: item.changes, under: underOf(home, knownTags(item)) }
  item.direct = direct
  return done
}

async function loadWithin<V>(home: Home, item: Item<V>, timeout: number): Promise<V | undefined> {
  const { runtime, policy } = home.context()
  const ms = Math.min(timeout, policy.sourceTimeout)
  const loaded = await withDeadline(runtime, { ms }, (signal) => loadDirect(home, item, signal))
  if (loaded.outcome === 'done') return loaded.value
  if (loaded.outcome === 'failed') throw loaded.cause
  const message = `the loader of ${item.source.name} did not answer within ${Math.round(ms)} ms; raise "sourceTimeout" or "timeout"`
  throw new TimeoutError(message, { key: item.slot.key })
}

/**
 * What a load brings may be as old as its beginning. So it is shared for `recheck` at most, and not after a change of the key or
 * an invalidation that this environment knows of.
 */
function isShared({ context, knowledge, recheck }: Home, item: Item, { at, changes, under }: DirectLoad): boolean {
  if (context().clock.fast() - at >= recheck || changes !== item.changes) return false
  return (
    knowledge.numberOf('') === under.root && under.tags.every(([tag, number]) => knowledge.numberOf(tag) === number)
  )
}
