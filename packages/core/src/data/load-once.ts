/** Loads without the cache: for what is switched off or read-only, and for new keys in flood mode. @module */

import { TimeoutError } from '../errors.ts'
import { atMost, withDeadline } from '../lib/timing.ts'
import { type DirectLoad, type Home, type Item, knownTags } from './home.ts'
import { loadDirect, underOf } from './load.ts'

/** What a caller wants of a load without the cache. */
export interface AloneWish {
  /** How long the caller waits, in ms. */
  readonly timeout: number
  /** `home.instant()` when the call began, and how long before the load may have started, in ms. */
  readonly instant: number
  readonly maxAge: number | undefined
}

/**
 * Calls the loader without the cache. Callers of this environment share one call while nothing has changed since it began; each
 * waits no longer than it wants to.
 */
export async function loadOnce<V>(home: Home, item: Item<V>, wish: AloneWish): Promise<V | undefined> {
  const { runtime } = home.context()
  const { direct } = item
  const isFit = direct !== undefined && isShared(home, item, { direct, wish })
  const load = isFit ? direct : startLoad(home, item)
  const loaded = await atMost(runtime, wish.timeout, load.done as Promise<V | undefined>)
  if (loaded.outcome === 'done') return loaded.value
  throw loaded.outcome === 'failed' ? loaded.cause : lateError(item, wish.timeout)
}

function startLoad<V>(home: Home, item: Item<V>): DirectLoad {
  const done = loadWithin(home, item).finally(() => {
    if (item.direct === direct) item.direct = undefined
  })
  const direct: DirectLoad = { done, at: home.instant(), changes: item.changes, under: underOf(home, knownTags(item)) }
  item.direct = direct
  return direct
}

async function loadWithin<V>(home: Home, item: Item<V>): Promise<V | undefined> {
  const { runtime, policy } = home.context()
  const ms = policy.sourceTimeout
  const loaded = await withDeadline(runtime, { ms }, (signal) => loadDirect(home, item, signal))
  if (loaded.outcome === 'done') return loaded.value
  throw loaded.outcome === 'failed' ? loaded.cause : lateError(item, ms)
}

function lateError({ source, slot }: Item, ms: number): TimeoutError {
  const message = `the loader of ${source.name} did not answer within ${Math.round(ms)} ms; raise "sourceTimeout" or "timeout"`
  return new TimeoutError(message, { key: slot.key })
}

/**
 * What a load brings may be as old as its beginning. So it is shared for `recheck` at most, and not after a change of the key or
 * an invalidation that this environment knows of, nor with a caller who wants a younger value.
 */
function isShared(
  { context, knowledge, recheck }: Home,
  item: Item,
  { direct, wish: { instant, maxAge } }: { readonly direct: DirectLoad; readonly wish: AloneWish },
): boolean {
  const { at, changes, under } = direct
  if (context().clock.fast() - at >= recheck || changes !== item.changes) return false
  if (maxAge !== undefined && at < instant - maxAge) return false
  return (
    knowledge.numberOf('') === under.root && under.tags.every(([tag, number]) => knowledge.numberOf(tag) === number)
  )
}
