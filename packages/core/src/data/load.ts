/** One call of a loader, and what the engine is given for it. @module */

import type { Entry, FetchRequest, Issued, Json } from '../contracts.ts'
import { attemptRead } from '../engine/miss/record-io.ts'
import { SourceUnavailableError } from '../errors.ts'
import { builtin } from '../lib/builtin.ts'
import { checkOptions, durationOrZeroRule, durationRule, misuse, type Rule } from '../lib/options.ts'
import { asText } from '../lib/parse.ts'
import { shownCause } from '../lib/shown-cause.ts'
import { type Timed, withDeadline } from '../lib/timing.ts'
import { contentOf, packCached } from './bodies.ts'
import { MAX_MARK, MAX_TAG, MAX_TAGS, printEnvelope } from './envelope.ts'
import { type Cached, type DataSource, entryOf, type Home, type Item, knownTags } from './home.ts'
import type { Under } from './judge.ts'
import { asMistake, hand, isMistake, takeHanded } from './kept.ts'
import { readGenerations } from './read-generations.ts'
import type { KeepOptions, Kept, Lives, LoadContext } from './types.ts'
import { forget } from './write.ts'

/** The longest time that a value may be served, in ms: generation records are kept for a day more. */
export const MAX_USABLE: number = 400 * 86_400_000
/** How long a value lives that is given to those who wait and stored nowhere, in ms. */
const PASSING_LIFETIME = 60_000
/** What is kept back of a load's time, in ms, to return what it gave. */
const RETURN_TIME = 100
/** How much earlier than the look a late tag must have been invalidated, by the server's clock, in ms. */
const LATE_MARGIN = 500
/** Errors that name themselves: callers see them as they are. */
const TYPED = /^(SourceRefused|SourceUnavailable)Error$/

const LIFE_RULES: { readonly [Name in keyof Lives]-?: Rule } = { fresh: durationOrZeroRule, usable: durationRule }
const markRule: Rule = ['a string of at most 1,000 characters', (value) => asText(value, MAX_MARK) !== undefined]
/** Rules of what `keep` and `set` are given. */
export const KEEP_RULES: { readonly [Name in keyof KeepOptions]-?: Rule } = {
  ...LIFE_RULES,
  // What is in it is checked by `checkTags`, whose error a loader's caller sees.
  tags: ['a list of strings', Array.isArray],
  mark: markRule,
}

/** What a loader gave, sorted. */
export type Loaded<V> =
  | { readonly kind: 'value'; readonly value: V; readonly keep: KeepOptions; readonly isPassing: boolean }
  | { readonly kind: 'none' }
  | { readonly kind: 'unchanged'; readonly lives: Lives }

/** Calls the loader of an item. Rejects with what callers may see of its error. */
export async function callLoader<V>(
  { source, params, plain }: Item<V>,
  { previous, signal }: { readonly previous: Cached<V> | undefined; readonly signal: AbortSignal },
): Promise<Loaded<V>> {
  // Only this load knows what is unchanged.
  const unchanged = new Set<unknown>()
  const give = <T>(make: () => Loaded<V>): Kept<T> => asMistake(() => hand(make())) as Kept<T>
  const last = previous?.value === undefined ? undefined : { value: previous.value, mark: previous.mark }
  const context: LoadContext<V> = {
    previous: last,
    signal,
    keep: (value, options = {}) =>
      give(() => ({ kind: 'value', value, keep: checkOptions('keep', options, KEEP_RULES), isPassing: false })),
    unchanged(options = {}) {
      const kept = give<never>(() =>
        last === undefined
          ? misuse('unchanged', `there is no previous value of ${plain}; return the value`)
          : { kind: 'unchanged', lives: checkOptions('unchanged', options, LIFE_RULES) },
      )
      unchanged.add(kept)
      return kept
    },
    skip: (value) => give(() => ({ kind: 'value', value, keep: {}, isPassing: true })),
  }
  let result: unknown
  try {
    result = await source.load(params, context)
  } catch (error) {
    if (isMistake(error) || (error instanceof Error && TYPED.test(error.name))) throw error
    const cause = shownCause(error)
    const message = `the loader of ${source.name} threw ${cause.name}: ${cause.message}`
    throw new SourceUnavailableError(message, { code: 'LOAD_FAILED', cause })
  }
  if (result === undefined) return { kind: 'none' }
  const handed = takeHanded(result) as Loaded<V> | undefined
  if (handed?.kind === 'value' && handed.value === undefined) return { kind: 'none' }
  if (handed?.kind === 'unchanged' && !unchanged.has(result))
    misuse('unchanged', `return it from the load of ${plain} that called it`)
  return handed ?? { kind: 'value', value: result as V, keep: {}, isPassing: false }
}

/** Runs a call in what is left of a load's time. */
type InTime = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<Timed<T>>

/** What the engine fetches: the loader's value, with the numbers that were read before the load began. */
export async function fetchValue<V>(
  home: Home,
  item: Item<V>,
  { previous, signal, time, serverTime, alone = false }: FetchRequest<unknown, Cached<V>>,
): Promise<Issued<Cached<V>>> {
  const { clock, runtime, policy } = home.context()
  const endsAt = clock.fast() + (time ?? policy.sourceTimeout) - RETURN_TIME
  /** The store may take what time the loader has left: a value that comes too late is not given to anyone. */
  const inTime: InTime = (call) => withDeadline(runtime, { ms: Math.max(0, endsAt - clock.fast()), signal }, call)
  const under = underOf(home, knownTags(item))
  const made = { at: home.instant(), changes: item.changes }
  const before = entryOf(item)
  try {
    const loaded = await callLoader(item, { previous, signal })
    item.source.stats.load(item.plain, clock.fast() - made.at)
    const kept = cachedOf(item.source, loaded, { previous, under })
    if (loaded.kind === 'none') supersede(home, item, before)
    if (kept.isPassing) return passing(home, { ...kept.cached, made })
    const all = tagsAfter(item, loaded, previous)
    // Tags that only the loader has named: their numbers were not read before the load, whatever this environment knows by now.
    const late = all.filter((tag) => under.tags.every(([known]) => known !== tag))
    const lateRead = await lateNumbers(home, item, { late, inTime, serverTime, loadedAt: made.at, alone })
    const tags = [...kept.cached.under.tags.filter(([tag]) => all.includes(tag)), ...lateRead.tags]
    const value = { ...kept.cached, under: { ...kept.cached.under, tags }, made }
    const { earliest, latest } = home.context().server.interval()
    // It may have expired already, as far as the server's time is known.
    if (!lateRead.isRead || kept.usable <= latest - earliest) return passing(home, value)
    const lives = { lifetime: kept.usable, fresh: Math.min(kept.fresh, kept.usable) }
    // It is placed in memory alone, and no head will point to a body.
    if (alone) return { value, ...lives }
    const packed = await inTime(() => packCached(home, item, value, kept.usable))
    if (packed.outcome === 'failed' && packed.cause instanceof TypeError) throw packed.cause
    // The body could not be written, so there is nothing that a head could point to.
    if (packed.outcome !== 'done') return passing(home, value)
    return { value: packed.value, ...lives }
  } catch (problem) {
    // The loader has made a mistake: callers are told, and nothing is written.
    if (!(problem instanceof TypeError)) throw problem
    return passing<V>(home, { value: undefined, under, mark: undefined, length: 0, made, problem })
  }
}

/** There is no value now, so what memory held when the load began must not be served after it. */
function supersede<V>(home: Home, item: Item<V>, before: Entry<Cached<V>> | undefined): void {
  if (before === undefined) return
  item.least = Math.max(item.least, before.version + 1)
  if (entryOf(item) === before) forget(home, item)
}

/** The value of an item loaded without the cache; for one that is switched off. */
export async function loadDirect<V>(home: Home, item: Item<V>, signal: AbortSignal): Promise<V | undefined> {
  const { clock } = home.context()
  const startedAt = clock.fast()
  const loaded = await callLoader(item, { previous: undefined, signal })
  item.source.stats.load(item.plain, clock.fast() - startedAt)
  return cachedOf(item.source, loaded, { previous: undefined, under: { tags: [], root: 0 } }).cached.value
}

/** The numbers that a value which is loaded from now on rests on. */
export function underOf({ knowledge }: Home, tags: readonly string[]): Under {
  return { tags: tags.map((tag) => [tag, knowledge.numberOf(tag)] as const), root: knowledge.numberOf('') }
}

/** Checks tags. Throws `TypeError` that names the field. */
export function checkTags(where: string, tags: readonly string[]): readonly string[] {
  for (const tag of tags)
    if (typeof tag !== 'string' || tag === '' || tag.length > MAX_TAG || !tag.isWellFormed())
      misuse(where, `"tags" must be well-formed strings of 1 to ${MAX_TAG} characters`)
  return [...new Set(tags)]
}

/** A value as it is kept, with its lives. */
interface Keeping<V> {
  readonly cached: Cached<V>
  readonly fresh: number
  readonly usable: number
  readonly isPassing: boolean
}

/** Makes what is kept of what was given. Throws `ValueError` or `TypeError` for what cannot be kept. */
export function cachedOf<V>(
  source: DataSource<V>,
  loaded: Loaded<V>,
  {
    previous,
    under,
    where = 'keep',
  }: {
    readonly previous: Cached<V> | undefined
    readonly under: Under
    /** The function that was given the value, for errors. */
    readonly where?: string
  },
): Keeping<V> {
  if (loaded.kind === 'none') {
    const cached = { value: undefined, under, mark: undefined, length: 4 }
    return { cached, fresh: source.none, usable: source.none, isPassing: source.none === 0 }
  }
  if (loaded.kind === 'unchanged') {
    const { mark, value, length } = previous ?? misuse('unchanged', 'there is no previous value')
    return { cached: { value, under, mark, length }, ...livesOf('unchanged', source, loaded.lives), isPassing: false }
  }
  const { keep, isPassing } = loaded
  const { json, value } = source.print(loaded.value)
  const cached: Cached<V> = { value, under, mark: keep.mark, length: JSON.stringify(json).length }
  return { cached, ...livesOf(where, source, keep), isPassing }
}

/** The lives of a value: its own, else those of its resource. Throws `TypeError` that names the function and the fields. */
export function livesOf(
  where: string,
  source: Pick<DataSource<never>, 'fresh' | 'usable'>,
  own: Lives,
): Required<Lives> {
  const usable = own.usable ?? Math.max(source.usable, own.fresh ?? 0)
  const fresh = own.fresh ?? Math.min(source.fresh, usable)
  if (fresh > usable || usable > MAX_USABLE)
    misuse(where, '"fresh" must not be longer than "usable", and "usable" not longer than 400 days')
  return { fresh, usable }
}

/** What the engine prints of a cached value. */
export function printCached<V>(source: DataSource<V>, cached: Cached<V>): Json {
  const { under, mark } = cached
  return printEnvelope({ content: contentOf(source, cached), under, mark })
}

/** Eight hexadecimal characters that tell values apart. */
export function fingerprintOf<V>(source: DataSource<V>, { value }: Cached<V>): string {
  const text = value === undefined ? '' : JSON.stringify(source.print(value).json)
  return builtin('crypto').createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** What is given to those who wait for it, and stored nowhere. */
function passing<V>(home: Home, value: Cached<V>): Issued<Cached<V>> {
  const { earliest, latest } = home.context().server.interval()
  return { value, lifetime: PASSING_LIFETIME + latest - earliest, passing: true }
}

/**
 * The tags of what was loaded: those of the key, and those that this result names. Those that only an older value had are not
 * among them, unless it is unchanged.
 */
function tagsAfter<V>(item: Item<V>, loaded: Loaded<V>, previous: Cached<V> | undefined): readonly string[] {
  const named =
    loaded.kind === 'value'
      ? checkTags('keep', loaded.keep.tags ?? [])
      : loaded.kind === 'unchanged'
        ? (previous?.under.tags ?? []).map(([tag]) => tag)
        : []
  const all = [...new Set([...item.tags, ...named])]
  if (all.length > MAX_TAGS) misuse('keep', `an entry may have at most ${MAX_TAGS} tags`)
  return all
}

/**
 * The numbers of tags that were not read before the load. One is accepted only if its last invalidation was surely before
 * the load; otherwise the entry rests on 0 there, which forbids it as soon as it is judged. A store that gives no answer says
 * nothing about the loader: without one the entry rests on what was known when the load began, and so does one that is loaded
 * while the store counts as down, which is not asked then. `isRead` is false where the entry must not be stored.
 */
async function lateNumbers(
  home: Home,
  { slot: { key } }: Item,
  {
    late,
    inTime,
    serverTime,
    loadedAt,
    alone,
  }: {
    readonly late: readonly string[]
    readonly inTime: InTime
    readonly serverTime: number | undefined
    readonly loadedAt: number
    readonly alone: boolean
  },
): Promise<{ readonly tags: Under['tags']; readonly isRead: boolean }> {
  const context = home.context()
  if (late.length === 0) return { tags: [], isRead: true }
  const known = () => late.map((tag) => [tag, home.knowledge.numberAsOf(tag, loadedAt)] as const)
  // Loaded without the store: it is placed in memory alone.
  if (alone || context.clock.fast() < context.outage.until) return { tags: known(), isRead: true }
  const read = await inTime((signal) =>
    attemptRead(context, { key, signal }, (inner) =>
      readGenerations(home, context.store, { tags: late, options: { signal: inner, consistent: true } }),
    ),
  )
  if (read.outcome !== 'done') return { tags: known(), isRead: false }
  const tags = late.map((tag) => {
    const number = home.knowledge.numberOf(tag)
    return [tag, number + LATE_MARGIN < (serverTime ?? 0) ? number : 0] as const
  })
  return { tags, isRead: true }
}
