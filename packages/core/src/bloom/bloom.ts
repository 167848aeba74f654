/**
 * `bloomGuard`: keys that certainly do not exist are answered without a load. For ids that can be listed and that attackers
 * guess at random.
 *
 * @module
 */

import type { Cache, Inspection, Resource } from '../data/types.ts'
import { SourceUnavailableError } from '../errors.ts'
import { checkOptions, countRule, durationRule, functionRule, misuse, type Rule, shaped } from '../lib/options.ts'
import { matches } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { buildFilter, type Filter, filterForm, MAX_KEYS } from './filter.ts'
import { addRecent, lacksSome, MAX_RECENT, NO_RECENT, type Recent, recentForm } from './recent.ts'

const DAY = 86_400_000
/** How long new keys are kept at most: as long as a cache keeps anything. */
const RECENT_USABLE = 400 * DAY
/** How long a filter is in force at least before it is built again on its own: environments must have seen the one before. */
const MIN_FRESH = 60_000
/** How long every key passes after the filter was not available, in ms. */
const HOLD = 10_000

/** How {@link bloomGuard} is set up. Durations are in ms. */
export interface BloomOptions<P> {
  /** What the guard is called in keys, reports and by `control`: 1 to 40 of a-z, 0-9 and `-`. */
  readonly name: string
  /**
   * The parameters of all values that exist: a list, or what can be iterated over, a page of an API at a time. One environment
   * calls it for the whole fleet, within `sourceTimeout` of the cache.
   */
  readonly list: (context: { readonly signal: AbortSignal }) => Listed<P> | Promise<Listed<P>>
  /** How long until the filter is built again, at least a minute. Default an hour. */
  readonly fresh?: number
  /** How long a filter is used at most, while building another one fails. Default a day, or `fresh` where that is longer. */
  readonly usable?: number
  /** How long a `get` waits for the filter before every key passes for ten seconds. Default 2,000. */
  readonly timeout?: number
  /** The most keys, at most 1,000,000. Beyond it the build fails. Default 100,000; for more, the cache needs `bodies`. */
  readonly max?: number
}

/** What `list` gives. */
export type Listed<P> = Iterable<P> | AsyncIterable<P>

/** What a guard has done in this environment, and the filter that it last used. */
export interface GuardReport {
  /** How many keys were answered as absent. */
  readonly refused: number
  /** How many keys passed. */
  readonly passed: number
  /** How many keys passed because there was no filter to ask, or because it lacks new ones. */
  readonly unguarded: number
  /** How many keys were listed; `undefined` before the first look. */
  readonly keys: number | undefined
  /** The share of absent keys that pass: at most 0.01. */
  readonly falsePositives: number | undefined
}

/** A resource behind a guard. `get` and `getMany` ask the filter, unless `maxAge` is given. */
export interface GuardedResource<P, V, W = V> extends Resource<P, V, W> {
  /**
   * Lets new keys pass: seen by this environment at once and by others within `recheck`. Call it when the value exists; `set`,
   * `update` and `write` do. Rejects with `StoreError`, and then the key may be taken for absent until the next build.
   */
  add(...params: readonly P[]): Promise<void>
  /** Builds the filter again now, such as after a bulk import. Rejects with what the loader failed with. */
  rebuild(): Promise<void>
  guardReport(): GuardReport
}

const lengthRule: Rule = ['ms, 60,000 or more', (value) => durationRule[1](value) && (value as number) >= MIN_FRESH]
const RULES: { readonly [Name in keyof BloomOptions<unknown>]-?: Rule } = {
  name: ['1 to 40 of a-z 0-9 -', (value) => matches(value, /^[a-z0-9-]{1,40}$/)],
  list: functionRule,
  fresh: lengthRule,
  usable: lengthRule,
  timeout: durationRule,
  max: [`a whole number, 1 to ${MAX_KEYS}`, (value) => countRule[1](value) && (value as number) <= MAX_KEYS],
}

/**
 * Puts a Bloom filter before a resource. A key that is in neither the list nor among the new ones gets `undefined`, without a
 * load, a lease or a request of its own. At most 1 % of absent keys pass, and are then served as without a guard. No key
 * that exists is refused, once `add` was told of it. Where the filter is not available, every key passes.
 *
 * Throws `TypeError` that names a wrong option.
 *
 * @example
 * ```ts
 * const guarded = bloomGuard(cache, project, { name: 'projects', list: () => database.projectIds() })
 * await guarded.get({ id: 'guessed' }) // undefined
 * ```
 */
export function bloomGuard<P, V, W = V>(
  cache: Cache,
  resource: Resource<P, V, W>,
  options: BloomOptions<P>,
): GuardedResource<P, V, W> {
  if (!shaped('use')[1](cache)) misuse('bloomGuard', 'the first argument must be a cache of createCache')
  if (!shaped('get', 'keyOf')[1](resource)) misuse('bloomGuard', 'the second argument must be a resource of cache.use')
  const {
    name,
    list,
    fresh = 3_600_000,
    max = 100_000,
    timeout = 2_000,
    ...rest
  } = checkOptions('bloomGuard', options, RULES, ['name', 'list'])
  const usable = rest.usable ?? Math.max(DAY, fresh)
  const build = createBuild(list, { keyOf: resource.keyOf, max })
  const filters = cache.use({
    key: `bloom:${name}`,
    fresh,
    usable,
    form: filterForm,
    load: (_params: undefined, { previous, signal }) => build.run(previous?.value as Filter | undefined, signal),
  })
  const recents = cache.use({
    key: `bloom:${name}:new`,
    usable: RECENT_USABLE,
    form: recentForm,
    load: (): Recent => NO_RECENT,
  })
  const counts = { refused: 0, passed: 0, unguarded: 0 }
  let last: Filter | undefined
  let heldUntil = Number.NEGATIVE_INFINITY

  /** The filter and the new keys; `undefined` where they are not available. Memory answers without a promise. */
  const look = (): readonly [Filter, Recent] | undefined | Promise<readonly [Filter, Recent] | undefined> => {
    const filter = filters.peek(undefined)
    const recent = recents.peek(undefined)
    if (filter !== undefined && recent !== undefined) return [filter, recent]
    if (systemRuntime.monotonic() < heldUntil) return undefined
    return Promise.all([filters.get(undefined, { timeout }), recents.get(undefined, { timeout })]).then(
      ([one, other]) => (one === undefined || other === undefined ? undefined : [one, other]),
      () => {
        heldUntil = systemRuntime.monotonic() + HOLD
        return undefined
      },
    )
  }

  const isRefused = (key: string, seen: readonly [Filter, Recent] | undefined): boolean => {
    if (seen === undefined || lacksSome(seen[1], seen[0])) {
      counts.unguarded += 1
      return false
    }
    const [filter, recent] = seen
    last = filter
    const refused = !filter.has(key) && !recent.keys.has(key)
    counts[refused ? 'refused' : 'passed'] += 1
    return refused
  }

  const add = async (keys: readonly string[]): Promise<void> => {
    if (keys.length === 0) return
    if (keys.length > MAX_RECENT) misuse('add', `give at most ${MAX_RECENT} keys; call rebuild() for more`)
    // The build in force now: the one after the next has surely listed these keys.
    const found: Inspection<Filter> | undefined = await filters.inspect(undefined, { live: true })
    const filter = found?.value ?? { build: systemRuntime.wall(), before: 0 }
    await recents.update(undefined, (recent) => addRecent(recent, keys, filter), { usable: RECENT_USABLE })
  }

  /** Adds what the filter would refuse. */
  const admit = async (params: P): Promise<void> => {
    const key = resource.keyOf(params)
    const seen = await look()
    if (seen === undefined || (!seen[0].has(key) && !seen[1].keys.has(key))) await add([key])
  }

  return {
    ...resource,
    async get(params, wish) {
      if (wish?.maxAge !== undefined) return resource.get(params, wish)
      const key = resource.keyOf(params)
      const seen = look()
      return isRefused(key, seen instanceof Promise ? await seen : seen) ? undefined : resource.get(params, wish)
    },
    async getMany(params, wish) {
      if (wish?.maxAge !== undefined || !Array.isArray(params)) return resource.getMany(params, wish)
      const keys = params.map(resource.keyOf)
      const seen = await look()
      const passes = keys.map((key) => !isRefused(key, seen))
      const found = (
        await resource.getMany(
          params.filter((_one, index) => passes[index]),
          wish,
        )
      ).values()
      return passes.map((isPassing) => (isPassing ? found.next().value : undefined))
    },
    async write(params, input, how) {
      await admit(params)
      return resource.write(params, input, how)
    },
    async set(params, value, keep) {
      await admit(params)
      await resource.set(params, value, keep)
    },
    async update(params, change, keep) {
      await admit(params)
      return resource.update(params, change, keep)
    },
    add: async (...list) => add(list.map(resource.keyOf)),
    async rebuild() {
      build.renew()
      await filters.get(undefined, { maxAge: 0 })
    },
    guardReport: () => ({ ...counts, keys: last?.keys, falsePositives: last?.error }),
  }
}

/** Builds filters, and returns the last one again where it is asked for too soon, such as by a cache that keeps nothing. */
function createBuild<P>(
  list: BloomOptions<P>['list'],
  { keyOf, max }: { readonly keyOf: (params: P) => string; readonly max: number },
) {
  let made: { readonly filter: Filter; readonly at: number } | undefined
  return {
    renew(): void {
      made = undefined
    },
    async run(previous: Filter | undefined, signal: AbortSignal): Promise<Filter> {
      const at = systemRuntime.monotonic()
      if (made !== undefined && at < made.at + MIN_FRESH) return made.filter
      const filter = await buildFilter(keysOf(await list({ signal }), keyOf), { max, previous })
      signal.throwIfAborted()
      made = { filter, at }
      return filter
    },
  }
}

async function* keysOf<P>(listed: Listed<P>, keyOf: (params: P) => string): AsyncGenerator<string> {
  for await (const params of listed) yield keyOfListed(keyOf, params)
}

/** What `keyOf` throws names the parameter and never its value, so it may be shown, which no other error of a loader is. */
function keyOfListed<P>(keyOf: (params: P) => string, params: P): string {
  try {
    return keyOf(params)
  } catch (error) {
    const message = `bloomGuard: "list" gave wrong parameters: ${(error as Error).message}`
    throw new SourceUnavailableError(message, { code: 'LIST_INVALID' })
  }
}
