/** One resource of a cache: the way of a `get`, and what is written by key. @module */

import type { Entry, Json } from '../contracts.ts'
import type { Served } from '../engine/context.ts'
import { newSlot } from '../engine/engine.ts'
import type { Subject } from '../engine/slot.ts'
import { DRIFT_TOLERANCE } from '../engine/time/clock.ts'
import { placeEntry, remainingUntil } from '../engine/time/freshness.ts'
import { makeKey } from '../lib/key.ts'
import {
  checkOptions,
  durationOrZeroRule,
  durationRule,
  flagRule,
  functionRule,
  misuse,
  type Rule,
} from '../lib/options.ts'
import { atMost, withDeadline } from '../lib/timing.ts'
import { type Switches, switchesOf } from './control.ts'
import { MAX_TAGS } from './envelope.ts'
import { absentFrom, isAbsent, isNew } from './flood.ts'
import { getMany } from './get-many.ts'
import { type Cached, type DataSource, entryOf, type Home, type Item } from './home.ts'
import { type KeyTemplate, prefixTags } from './key-template.ts'
import {
  cachedOf,
  checkTags,
  fetchValue,
  fingerprintOf,
  KEEP_RULES,
  livesOf,
  loadDirect,
  printCached,
  underOf,
} from './load.ts'
import { checkBodyRead, isOlder, lookAt, readGenerations, SwitchedOff, verdict } from './look.ts'
import { parseCached } from './read.ts'
import type { Recheck } from './recheck.ts'
import type { DataGetOptions, Inspection, KeepOptions, Lives, Resource } from './types.ts'
import { changeItem, forget } from './write.ts'

const GET_RULES: { readonly [Name in keyof DataGetOptions]-?: Rule } = {
  maxAge: durationOrZeroRule,
  minLifetime: durationOrZeroRule,
  timeout: durationRule,
}
const LIFE_RULES = { fresh: KEEP_RULES.fresh, usable: KEEP_RULES.usable }
/** All bits of `Item.used`. */
const USED = 3
/** How often a `get` starts over because the switches have changed. */
const MAX_STARTS = 3

/** How often a look is repeated because this environment has changed the key meanwhile. */
const MAX_LOOKS = 3

/** What a hit in memory gives, made once for each entry. */
interface View<V> {
  readonly value: V | undefined
  readonly promise: Promise<V | undefined>
  readonly isNone: boolean
}

/** What a resource is made of. */
export interface ResourceParts<V> {
  readonly home: Home
  readonly recheck: Recheck
  readonly source: DataSource<V>
  readonly template: KeyTemplate
  /** Items by plain key: a hit hashes nothing. */
  readonly items: Map<string, Item<V>>
  readonly namespace: string
  /** What belongs to the key beside the plain key: the cache and the versions. */
  readonly identity: Json
  readonly subject: Subject<Cached<V>>
}

/** How the engine sees the values of a source. */
export function subjectOf<V>(
  home: Home,
  source: DataSource<V>,
  guard: Subject<Cached<V>>['guard'],
): Subject<Cached<V>> {
  return {
    source: {},
    fetch: (request) => fetchValue(home, request.params as Item<V>, request),
    parse: (json, length) => parseCached(source, json, length),
    print: (cached) => printCached(source, cached),
    fingerprint: (cached) => fingerprintOf(source, cached),
    ...(guard && { guard }),
  }
}

/** Makes a resource. */
export function createResource<P, V>(parts: ResourceParts<V>): Resource<P, V> {
  const { home, source, template, items } = parts
  const { engine } = home
  const { stats } = source

  const itemOf = (params: unknown): Item<V> => {
    const quick = template.quick(params)
    const known = quick === undefined ? undefined : items.get(quick)
    if (known !== undefined) return known
    const plain = template.print(params)
    return items.get(plain) ?? makeItem(parts, plain, params)
  }

  const hit = (item: Item<V>): View<V> | undefined => {
    const view = engine.hit(item.slot, 0, viewOf<V>)
    if (view === undefined) return undefined
    item.used = USED
    stats.memory += 1
    if (view.isNone) stats.none += 1
    return view
  }

  const lives = (own: KeepOptions): Required<Lives> => livesOf(source, own)

  return {
    name: source.name,
    keyOf: (params) => template.print(params),
    get(params, options) {
      try {
        const item = itemOf(params)
        if (options === undefined) return hit(item)?.promise ?? getSlowly(parts, item, {})
        return getSlowly(parts, item, checkOptions('get', options, GET_RULES))
      } catch (error) {
        return Promise.reject(error)
      }
    },
    getMany: (list, options = {}) => getManyOf(parts, { itemOf, hit, list, options }),
    peek: (params) => hit(itemOf(params))?.value,
    async inspect(params, options = {}) {
      const item = itemOf(params)
      const { live } = checkOptions('inspect', options, { live: flagRule })
      const isInMemory = live !== true && engine.hit(item.slot, 0, viewOf<V>) !== undefined
      // What memory still holds may have expired, or have been deleted by another environment.
      if (!isInMemory && (await lookAndPlace(home, item)) === undefined) return undefined
      return inspectionOf(home, item)
    },
    async set(params, value, options = {}) {
      const item = itemOf(params)
      const keep = checkOptions('set', options, KEEP_RULES)
      const tags = checkTags('set', keep.tags ?? [])
      const { server } = await home.reach()
      const known = new Set(item.tags)
      const more = tags.filter((tag) => !known.has(tag))
      if (known.size + more.length > MAX_TAGS) misuse('set', `an entry may have at most ${MAX_TAGS} tags`)
      // The value is checked before anything is read or written.
      const loaded = { kind: 'value', value, keep, isPassing: false } as const
      cachedOf(source, loaded, { previous: undefined, under: { tags: [], root: 0 } })
      await changeItem(home, item, async () => {
        if (more.length > 0) await readTags(home, more)
        item.lateTags = more
        const under = underOf(home, item)
        const { cached, ...life } = cachedOf(source, loaded, { previous: undefined, under })
        return draftOf(source, cached, { issuedAt: Math.ceil(server.interval().earliest), ...life })
      })
    },
    async update(params, change, options = {}) {
      const item = itemOf(params)
      functionRule[1](change) || misuse('update', 'give a function that returns the new value')
      const keep = checkOptions('update', options, KEEP_RULES)
      const { server } = await home.reach()
      let after: V | undefined
      await changeItem(home, item, async (entry, found) => {
        checkBodyRead(item as Item, found)
        const before = entry?.value.value
        after = change(before)
        if (after === undefined) {
          after = before
          return undefined
        }
        const tags = checkTags('update', keep.tags ?? [])
        if (tags.length > 0) await readTags(home, tags)
        const now = underOf(home, item, tags)
        // What derives from a value rests on what that value rests on.
        const under = entry === undefined ? now : mergeUnder(entry.value.under, tags.length === 0 ? undefined : now)
        const mark = keep.mark ?? entry?.value.mark
        const loaded = { kind: 'value', value: after, keep: { ...keep, ...(mark !== undefined && { mark }) } } as const
        const made = cachedOf(source, { ...loaded, isPassing: false }, { previous: undefined, under })
        after = made.cached.value
        const keepsLives = entry !== undefined && keep.fresh === undefined && keep.usable === undefined
        return keepsLives
          ? { ...instantsOf(entry), value: made.cached, fingerprint: fingerprintOf(source, made.cached) }
          : draftOf(source, made.cached, { issuedAt: Math.ceil(server.interval().earliest), ...made })
      })
      return after
    },
    async touch(params, own = {}) {
      const item = itemOf(params)
      const { fresh, usable } = lives(checkOptions('touch', own, LIFE_RULES))
      const { server } = await home.reach()
      let isThere = false
      await changeItem(home, item, async (entry) => {
        isThere = entry !== undefined
        if (entry === undefined) return undefined
        const now = Math.ceil(server.interval().earliest)
        const { value, fingerprint, issuedAt } = entry
        const { made: _made, ...cached } = value
        return { value: cached, fingerprint, issuedAt, softExpiry: now + fresh, hardExpiry: now + usable }
      })
      return isThere
    },
    async delete(...list) {
      const all = list.map(itemOf)
      await Promise.all(all.map((item) => changeItem(home, item, async () => 'remove')))
    },
  }
}

/** Gets many, by what one `get` does. */
async function getManyOf<P, V>(
  parts: ResourceParts<V>,
  {
    itemOf,
    hit,
    list,
    options,
  }: {
    readonly itemOf: (params: P) => Item<V>
    readonly hit: (item: Item<V>) => View<V> | undefined
    readonly list: readonly P[]
    readonly options: DataGetOptions
  },
): Promise<readonly (V | undefined | Error)[]> {
  const { timeout, ...wish } = checkOptions('getMany', options, GET_RULES)
  const isAny = wish.maxAge === undefined && wish.minLifetime === undefined
  return getMany(parts.home, list, {
    check: parts.template.print,
    hit: (params) => (isAny ? hit(itemOf(params)) : undefined),
    get: (params, left) => getSlowly(parts, itemOf(params), { ...wish, timeout: left, isBatch: true }),
    timeout,
  })
}

/** The way of a `get` beyond a hit. */
async function getSlowly<V>(
  { home, recheck, source }: ResourceParts<V>,
  item: Item<V>,
  wish: DataGetOptions & { readonly isBatch?: boolean },
): Promise<V | undefined> {
  const context = await home.reach()
  item.used = USED
  const minLifetime = wish.minLifetime ?? 0
  const timeout = wish.timeout ?? context.policy.timeout
  const endsAt = context.clock.fast() + timeout
  for (let start = 0; start < MAX_STARTS; start += 1) {
    const switches = await currentSwitches(home, source.name)
    const { control } = home.knowledge
    if (!switches.enabled) return loadOnce(home, item, timeout)
    if (switches.readOnly) return getWithoutKeeping(home, item, timeout)
    const maxAge = switches.bypass ? 0 : wish.maxAge
    const left = Math.max(1, endsAt - context.clock.fast())
    const inMemory = await fromMemory(home, recheck, item, { minLifetime, maxAge, timeout: left })
    // The check may have shown other switches.
    if (home.knowledge.control !== control) continue
    if (inMemory !== undefined) return give(item, inMemory)
    if (!wish.isBatch && isAbsent(home, item) && maxAge === undefined) {
      source.stats.none += 1
      return undefined
    }
    if (!wish.isBatch && isNew(item) && home.flood.isFlooding()) return getInFlood(home, item, timeout)
    const ask = {
      params: item,
      minLifetime,
      rejected: undefined,
      maxAge,
      timeout: Math.max(1, endsAt - context.clock.fast()),
      isBatch: wish.isBatch === true,
    }
    try {
      const entry = await home.engine.get(item.slot, ask, entryIn)
      recheck.watch(item)
      return give(item, entry)
    } catch (error) {
      // Its look has seen that the resource is switched off.
      if (!(error instanceof SwitchedOff)) throw error
    }
  }
  return loadOnce(home, item, timeout)
}

/** The entry in memory, once it is checked; `undefined` when the engine must look, or load. */
async function fromMemory<V>(
  home: Home,
  recheck: Recheck,
  item: Item<V>,
  {
    minLifetime,
    maxAge,
    timeout,
  }: Required<Pick<DataGetOptions, 'minLifetime' | 'timeout'>> & {
    readonly maxAge: number | undefined
  },
): Promise<Entry<Cached<V>> | undefined> {
  const { clock, runtime, background, outage } = home.context()
  const { slot } = item
  const entry = entryOf(item)
  const now = clock.fast()
  // With no bound at all, the engine looks for each call.
  if (home.recheck === 0) return undefined
  if (entry === undefined || now + minLifetime >= item.hardUntil || verdict(home, item, entry) === 'dead')
    return undefined
  if (maxAge !== undefined && isOlder(home, entry, now - maxAge)) return undefined
  const isDue = now >= item.softUntil || verdict(home, item, entry) === 'stale'
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
    await readTags(home, []).catch(() => {})
  }
  return switchesOf(knowledge.control, name)
}

async function readTags(home: Home, tags: readonly string[]): Promise<void> {
  const { store, runtime, policy } = home.context()
  const read = await withDeadline(runtime, { ms: policy.storeTimeout, patient: true }, (signal) =>
    readGenerations(home, store, { tags, options: { signal, consistent: true } }),
  )
  if (read.outcome === 'failed') throw read.cause
  if (read.outcome !== 'done') throw new Error('the store did not answer in time')
}

/** Calls the loader without the cache, once for all callers of this environment. */
function loadOnce<V>(home: Home, item: Item<V>, timeout: number): Promise<V | undefined> {
  const { runtime, policy } = home.context()
  const load = async (): Promise<V | undefined> => {
    const ms = Math.min(timeout, policy.sourceTimeout)
    const loaded = await withDeadline(runtime, { ms }, (signal) => loadDirect(home, item, signal))
    if (loaded.outcome === 'done') return loaded.value
    throw loaded.outcome === 'failed' ? loaded.cause : new Error(`the loader did not answer within ${ms} ms`)
  }
  item.direct ??= load().finally(() => {
    item.direct = undefined
  })
  return item.direct as Promise<V | undefined>
}

/** For a new key in flood mode: what is stored, else the loader's value. The next call that finds one keeps it. */
async function getInFlood<V>(home: Home, item: Item<V>, timeout: number): Promise<V | undefined> {
  const entry = await lookAndPlace(home, item).catch(() => undefined)
  if (entry !== undefined) return give(item, entry)
  const absent = absentFrom(home, item)
  const value = await loadOnce(home, item, timeout)
  if (value === undefined) item.absent = absent
  return value
}

/** For a resource that is switched to read-only: what is stored, else the loader's value, which is not kept. */
async function getWithoutKeeping<V>(home: Home, item: Item<V>, timeout: number): Promise<V | undefined> {
  const view = home.engine.hit(item.slot, 0, viewOf<V>)
  if (view !== undefined) return view.value
  const entry = await lookAndPlace(home, item).catch(() => undefined)
  return entry === undefined ? loadOnce(home, item, timeout) : give(item, entry)
}

/** Looks at the store, and places in memory what may be served. What this environment has changed meanwhile stays. */
async function lookAndPlace<V>(home: Home, item: Item<V>): Promise<Entry<Cached<V>> | undefined> {
  for (let look = 1; ; look += 1) {
    const { changes } = item
    const found = await lookAt(home, item, new AbortController().signal)
    checkBodyRead(item as Item, found)
    const { entry } = found
    const isLatest = item.changes === changes
    if (!isLatest && entryOf(item) === undefined && look < MAX_LOOKS) continue
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
    fresh: verdict(home, item, entry) === 'good' ? remainingUntil(clock, softUntil) : 0,
    usable: remainingUntil(clock, hardUntil),
    version: entry.version,
    fingerprint: entry.fingerprint,
    tags: under.tags.map(([tag]) => tag),
    mark,
    tier: slot.tier,
  }
}

function makeItem<V>(parts: ResourceParts<V>, plain: string, params: unknown): Item<V> {
  const { source, items, home, subject, namespace, identity } = parts
  const tags = [...new Set([...prefixTags(plain), ...checkTags('use', source.tagsOf(params))])]
  if (tags.length > MAX_TAGS)
    misuse('use', `an entry may have at most ${MAX_TAGS} tags, those of its prefixes included`)
  const item: Item<V> = {
    slot: newSlot(makeKey(plain, namespace, identity), subject),
    plain,
    params,
    source,
    tags,
    lateTags: [],
    used: USED,
    bytes: 0,
    softUntil: 0,
    hardUntil: 0,
    lookedAt: Number.NEGATIVE_INFINITY,
    checkedAt: Number.NEGATIVE_INFINITY,
    relaxedUntil: 0,
    changes: 0,
    changing: 0,
    least: 0,
  }
  items.set(plain, item)
  home.slots.set(item.slot, item as Item)
  home.memory.add(item as Item)
  return item
}

function viewOf<V>({ entry }: Served<Cached<V>>): View<V> {
  const { value } = entry.value
  return { value, promise: Promise.resolve(value), isNone: value === undefined }
}

function entryIn<V>({ entry }: Served<Cached<V>>): Entry<Cached<V>> {
  return entry
}

/** What a caller gets of an entry. Throws the problem of a value that cannot be kept. */
function give<V>({ source }: Item<V>, { value: { value, problem } }: Entry<Cached<V>>): V | undefined {
  if (problem !== undefined) throw problem
  if (value === undefined) source.stats.none += 1
  return value
}

interface LifeFrom extends Required<Lives> {
  readonly issuedAt: number
}

function draftOf<V>(source: DataSource<V>, value: Cached<V>, { issuedAt, fresh, usable }: LifeFrom) {
  const fingerprint = fingerprintOf(source, value)
  return { value, fingerprint, issuedAt, softExpiry: issuedAt + fresh, hardExpiry: issuedAt + usable }
}

function instantsOf({ issuedAt, softExpiry, hardExpiry }: Entry<unknown>) {
  return { issuedAt, softExpiry, hardExpiry }
}

/** The numbers of an entry, and those of tags that were added. */
function mergeUnder(under: Cached<unknown>['under'], added: Cached<unknown>['under'] | undefined) {
  const known = new Set(under.tags.map(([tag]) => tag))
  return { ...under, tags: [...under.tags, ...(added?.tags ?? []).filter(([tag]) => !known.has(tag))] }
}
