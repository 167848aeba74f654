import type { Seen } from '../contracts.ts'
import { attemptRead } from '../engine/miss/record-io.ts'
import { parseRecord } from '../record/record.ts'
import { type Home, type Item, knownTags, USED_SINCE_RECHECK } from './home.ts'
import { observe } from './read-generations.ts'
import { applyLimits, checkedAtOf, dateEntry, EARLY_SHARE, verdict } from './verdict.ts'

/** How many keys one recheck reads at most: as many as one batch of DynamoDB. */
const MAX_KEYS = 100
/** How many entries are considered for a recheck. */
const MAX_WATCHED = 1_000

/** Checks the entries in memory that are due, by one request for the whole environment. */
export interface Recheck {
  /** The entry of an item was placed: from now on it is rechecked while it is asked for. */
  watch(item: Item): void
  /**
   * Resolves once the item was checked by a request that was sent from now on or is in progress; to `false` when none may be
   * sent yet, or the store could not be read. Never rejects.
   */
  check(item: Item): Promise<boolean>
  /** Memory has forgotten the item. */
  forget(item: Item): void
  /** Whether an item is due for a check in the background. */
  isDue(item: Item): boolean
}

/** Makes the recheck of a cache. */
export function createRecheck(home: Home): Recheck {
  const { recheck, emit } = home
  const watched = new Set<Item>()
  let last = Number.NEGATIVE_INFINITY
  let current: { readonly items: ReadonlySet<Item>; readonly done: Promise<boolean> } | undefined

  /** The item that asks, then those that were asked for since the last recheck and are due, the latest first. */
  const gather = (first: Item): ReadonlySet<Item> => {
    const keys = new Set<string>([home.rootKey])
    const items = new Set<Item>()
    const add = (item: Item): void => {
      const more = keysOf(home, item).filter((key) => !keys.has(key))
      if (keys.size + more.length > MAX_KEYS) return
      for (const key of more) keys.add(key)
      items.add(item)
    }
    add(first)
    for (const item of [...watched].reverse()) {
      if ((item.used & USED_SINCE_RECHECK) === 0) watched.delete(item)
      else if (isDue(item)) add(item)
      if (keys.size >= MAX_KEYS) break
    }
    for (const item of items) item.used &= ~USED_SINCE_RECHECK
    return items
  }

  const isDue = (item: Item): boolean => {
    const now = home.context().clock.fast()
    return item.slot.entry !== undefined && now < item.hardUntil && now >= item.checkedAt + recheck * EARLY_SHARE
  }

  const run = async (items: ReadonlySet<Item>): Promise<boolean> => {
    const context = home.context()
    const tags = [...new Set([...items].flatMap(knownTags))]
    const keys = [...new Set([home.rootKey, ...tags.map(home.tagKey), ...[...items].map(({ slot }) => slot.key)])]
    const signal = new AbortController().signal
    let sentAt = context.clock.fast()
    const startedAt = sentAt
    try {
      const { value: found } = await attemptRead(context, { key: home.rootKey, signal }, (inner) => {
        sentAt = context.clock.fast()
        return home.gather.read(context.store, keys, { signal: inner, consistent: true })
      })
      observe(home, { found, sentAt, tags })
      let dropped = 0
      for (const item of items) if (!settle(home, item, { seen: found.get(item.slot.key), sentAt })) dropped += 1
      const took = Math.round(context.clock.fast() - startedAt)
      emit({ type: 'recheck', entries: items.size, dropped, took })
      return true
    } catch {
      return false
    }
  }

  return {
    isDue,
    forget: (item) => void watched.delete(item),
    watch(item) {
      watched.delete(item)
      // A call in progress may outlast its item in memory.
      if (home.memory.get(item.slot.key) !== item) return
      watched.add(item)
      if (watched.size > MAX_WATCHED) watched.delete(watched.values().next().value ?? item)
    },
    async check(item) {
      if (current?.items.has(item)) return current.done
      const { clock } = home.context()
      if (current !== undefined || clock.fast() < Math.max(last + recheck * EARLY_SHARE, home.context().outage.until))
        return false
      last = clock.fast()
      const items = gather(item)
      const done = run(items).finally(() => {
        current = undefined
        home.pending.delete(done)
      })
      current = { items, done }
      home.pending.add(done)
      return done
    },
  }
}

/** Renews the check of an entry whose record is the same; drops it otherwise. */
function settle(
  home: Home,
  item: Item,
  { seen, sentAt }: { readonly seen: Seen | undefined; readonly sentAt: number },
): boolean {
  const { slot } = item
  const { entry } = slot
  if (entry === undefined || item.checkedAt >= sentAt) return true
  item.lookedAt = Math.max(item.lookedAt, sentAt)
  const parsed = seen?.image && parseRecord(seen.image.body, slot.key)
  const version = parsed?.outcome === 'record' ? parsed.record.value?.version : undefined
  if (version === entry.version && verdict(home, item, entry) !== 'dead') {
    dateEntry(entry, { sentAt })
    item.checkedAt = checkedAtOf(home, entry)
    applyLimits(home, item)
    return true
  }
  // The next caller looks at the record.
  slot.usableUntil = 0
  slot.freshUntil = 0
  return false
}

function keysOf(home: Home, item: Item): readonly string[] {
  return [item.slot.key, ...knownTags(item).map(home.tagKey)]
}
