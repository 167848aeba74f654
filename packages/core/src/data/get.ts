/** The way of a `get`: what memory holds and what a check of it says, then the engine, or the loader alone. @module */

import type { Entry, Tier } from '../contracts.ts'
import type { Served } from '../engine/context.ts'
import { DRIFT_TOLERANCE } from '../engine/time/clock.ts'
import { placeEntry, remainingUntil } from '../engine/time/freshness.ts'
import { atMost } from '../lib/timing.ts'
import { type Switches, switchesOf } from './control.ts'
import { absentFrom, isAbsent } from './flood.ts'
import { type Cached, entryOf, type Home, type Item, USED_NOW } from './home.ts'
import { type AloneWish, loadOnce } from './load-once.ts'
import { checkRead, lookAt, SwitchedOff } from './look.ts'
import { readTags } from './read-generations.ts'
import type { Recheck } from './recheck.ts'
import type { DataGetOptions, Inspection } from './types.ts'
import { isOlder, isOvertaken, verdict } from './verdict.ts'
import { forget } from './write.ts'

/** How often a `get` starts over because the switches have changed. */
const MAX_STARTS = 3
/** How often a look is repeated because a later one was answered, or this environment has changed the key meanwhile. */
const MAX_LOOKS = 3

/** What a hit in memory gives, made once for each entry. */
export interface View<V> {
  readonly value: V | undefined
  readonly promise: Promise<V | undefined>
  readonly isNone: boolean
}

/** The entry in memory as callers see it, if it may be served with no check. No I/O. */
export function hitOf<V>({ engine }: Home, item: Item<V>): View<V> | undefined {
  const view = engine.hit(item.slot, 0, viewOf<V>)
  if (view === undefined) return undefined
  const { stats } = item.source
  item.used = USED_NOW
  stats.memory += 1
  if (view.isNone) stats.none += 1
  return view
}

/** What a `get` needs beside its item. */
interface GetParts {
  readonly home: Home
  readonly recheck: Recheck
}

/** The way of a `get` beyond a hit. */
export async function getSlowly<V>(
  { home, recheck }: GetParts,
  item: Item<V>,
  wish: DataGetOptions & { readonly isBatch?: boolean },
): Promise<V | undefined> {
  const context = await home.reach()
  const { source } = item
  item.used = USED_NOW
  const minLifetime = wish.minLifetime ?? 0
  const timeout = wish.timeout ?? context.policy.timeout
  const instant = home.instant()
  const endsAt = context.clock.fast() + timeout
  for (let start = 0; start < MAX_STARTS; start += 1) {
    const switches = await currentSwitches(home, source.name)
    const { control } = home.knowledge
    const maxAge = switches.bypass ? 0 : wish.maxAge
    const alone = { timeout, instant, maxAge }
    if (!switches.enabled) return loadOnce(home, item, alone)
    if (switches.readOnly) return getWithoutKeeping(home, item, alone)
    const left = Math.max(1, endsAt - context.clock.fast())
    const inMemory = await fromMemory(home, recheck, item, { minLifetime, instant, maxAge, timeout: left })
    // The check may have shown other switches.
    if (home.knowledge.control !== control) continue
    if (inMemory !== undefined) return give(item, inMemory, 'memory')
    if (!wish.isBatch && isAbsent(home, item) && maxAge === undefined) {
      source.stats.none += 1
      return undefined
    }
    if (!wish.isBatch && home.flood.refuses(item)) {
      // What is stored may be older than the caller wants, or end sooner.
      const isAny = maxAge === undefined && minLifetime === 0
      return isAny ? getInFlood(home, item, alone) : loadOnce(home, item, alone)
    }
    const ask = {
      params: item,
      minLifetime,
      rejected: undefined,
      instant: maxAge === undefined ? undefined : instant,
      maxAge,
      timeout: Math.max(1, endsAt - context.clock.fast()),
      isBatch: wish.isBatch === true,
    }
    try {
      const { entry, tier } = await home.engine.get(item.slot, ask, served<V>)
      recheck.watch(item)
      return give(item, entry, tier)
    } catch (error) {
      // Its look has seen that the resource is switched off.
      if (!(error instanceof SwitchedOff)) throw error
    }
  }
  return loadOnce(home, item, { timeout, instant, maxAge: wish.maxAge })
}

/** What `inspect` shows: of memory, or of the store with `live` or where memory holds nothing that may be served. */
export async function inspectItem<V>(home: Home, item: Item<V>, isLive: boolean): Promise<Inspection<V> | undefined> {
  const isInMemory = !isLive && home.engine.hit(item.slot, 0, viewOf<V>) !== undefined
  // What memory still holds may have expired, or have been deleted by another environment.
  if (!isInMemory && (await lookAndPlace(home, item)) === undefined) return undefined
  return inspectionOf(home, item)
}

/** The entry in memory, once it is checked; `undefined` when the engine must look, or load. */
async function fromMemory<V>(
  home: Home,
  recheck: Recheck,
  item: Item<V>,
  { minLifetime, instant, maxAge, timeout }: Required<Pick<DataGetOptions, 'minLifetime'>> & AloneWish,
): Promise<Entry<Cached<V>> | undefined> {
  const { clock, runtime, background, outage } = home.context()
  const { slot } = item
  const entry = entryOf(item)
  const now = clock.fast()
  // With no bound at all, the engine looks for each call.
  if (home.recheck === 0) return undefined
  if (entry === undefined || now + minLifetime >= item.hardUntil || verdict(home, item, entry) === 'dead')
    return undefined
  if (maxAge !== undefined && isOlder(home, entry, { since: now, instant, maxAge })) return undefined
  const isDue = now >= item.softUntil || verdict(home, item, entry) === 'stale'
  // Its own expiry was compared above: that of the slot ends with the next check.
  if (now < slot.freshUntil) return entry
  if (now < slot.usableUntil) {
    if (isDue || now >= item.checkedAt - DRIFT_TOLERANCE + home.recheck || !background()) return undefined
    if (recheck.isDue(item)) void recheck.check(item)
    return entry
  }
  if (now < outage.until) return undefined
  // Beyond the bound the caller waits for a check. A value that must be refreshed at once is read by the refresh anyway.
  const isWorthIt = !isDue || background() || slot.rare?.hold !== undefined
  const checked = isWorthIt ? await atMost(runtime, timeout, recheck.check(item)) : undefined
  const isGood = checked?.outcome === 'done' && checked.value && slot.entry === entry && clock.fast() < slot.usableUntil
  if (isGood && !isDue) return entry
  // A failure that is remembered must not hide a value that only has to be checked.
  if (slot.rare !== undefined && !isGood) slot.rare.hold = undefined
  return undefined
}

/** The switches of a resource as of `recheck` ago at most. Without any switch this reads nothing: each look brings them. */
async function currentSwitches(home: Home, name: string): Promise<Required<Switches>> {
  const { knowledge, context } = home
  const isDefault = Object.keys(knowledge.control).length === 0
  if (!isDefault && context().clock.fast() > knowledge.checkedAt('') + home.recheck) {
    // Without an answer the switches stay as they are.
    await readTags(home, [], { attempts: 1 }).catch(() => {})
  }
  return switchesOf(knowledge.control, name)
}

/** For a new key in flood mode: what is stored, else the loader's value. The next call that finds one keeps it. */
async function getInFlood<V>(home: Home, item: Item<V>, wish: AloneWish): Promise<V | undefined> {
  const entry = await lookAndPlace(home, item).catch(() => undefined)
  if (entry !== undefined) return give(item, entry, 'store')
  const absent = absentFrom(home, item)
  const value = await loadOnce(home, item, wish)
  if (value === undefined) item.absent = absent
  return value
}

/** For a resource that is switched to read-only: what is stored, else the loader's value, which is not kept. */
async function getWithoutKeeping<V>(home: Home, item: Item<V>, wish: AloneWish): Promise<V | undefined> {
  const view = hitOf(home, item)
  if (view !== undefined) return view.value
  const entry = await lookAndPlace(home, item).catch(() => undefined)
  return entry === undefined ? loadOnce(home, item, wish) : give(item, entry, 'store')
}

/** Looks at the store, and places in memory what may be served. What this environment has changed meanwhile stays. */
async function lookAndPlace<V>(home: Home, item: Item<V>): Promise<Entry<Cached<V>> | undefined> {
  for (let look = 1; ; look += 1) {
    const { changes } = item
    const found = await lookAt(home, item, new AbortController().signal)
    checkRead(item as Item, found)
    const { entry } = found
    const isLatest = item.changes === changes
    if (look < MAX_LOOKS && (isOvertaken(item, found.snapshot.look?.sentAt) || (!isLatest && !entryOf(item)))) continue
    if (isLatest && entry === undefined) forget(home, item)
    if (entry === undefined || verdict(home, item, entry) === 'dead') return entryOf(item)
    const context = home.context()
    placeEntry(context, item.slot, { entry, tier: 'store', ...context.server.interval() })
    return entry
  }
}

function inspectionOf<V>(home: Home, item: Item<V>): Inspection<V> | undefined {
  const { slot, softUntil, hardUntil } = item
  const entry = entryOf(item)
  if (entry === undefined || slot.usableUntil === 0) return undefined
  const { clock } = home.context()
  const { value, under, mark } = entry.value
  return {
    value,
    none: value === undefined,
    fresh: verdict(home, item, entry) === 'good' ? remainingUntil(clock, Math.min(softUntil, hardUntil)) : 0,
    usable: remainingUntil(clock, hardUntil),
    version: entry.version,
    fingerprint: entry.fingerprint,
    tags: under.tags.map(([tag]) => tag),
    mark,
    tier: slot.tier,
  }
}

function viewOf<V>({ entry }: Served<Cached<V>>): View<V> {
  const { value } = entry.value
  return { value, promise: Promise.resolve(value), isNone: value === undefined }
}

function served<V>(one: Served<Cached<V>>): Served<Cached<V>> {
  return one
}

/** What a caller gets of an entry. Throws the problem of a value that cannot be kept. */
function give<V>({ source }: Item<V>, { value: { value, problem } }: Entry<Cached<V>>, tier: Tier): V | undefined {
  if (problem !== undefined) throw problem
  if (tier === 'memory' || tier === 'store') source.stats[tier] += 1
  if (value === undefined) source.stats.none += 1
  return value
}
