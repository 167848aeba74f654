/**
 * `createCache`: slow answers and lists kept warm for the whole fleet, with invalidation that an older load never undoes.
 *
 * @module
 */

import type { Codec, Runtime, Store } from '../contracts.ts'
import type { MissContext } from '../engine/context.ts'
import { createEngine } from '../engine/engine.ts'
import type { Policy } from '../engine/policy.ts'
import type { Guard, Slot } from '../engine/slot.ts'
import type { WarmEvent } from '../events.ts'
import {
  checkOptions,
  countRule,
  durationOrZeroRule,
  durationRule,
  flagRule,
  functionRule,
  isFunction,
  misuse,
  type Rule,
  shaped,
  textRule,
} from '../lib/options.ts'
import { matches } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { atMost } from '../lib/timing.ts'
import { createBus } from '../observe/bus.ts'
import { warnUnheard } from '../observe/warnings.ts'
import { memoryStore } from '../stores/memory.ts'
import { type Control, checkControl } from './control.ts'
import type { CacheEvent, CacheListener } from './events.ts'
import { createFlood } from './flood.ts'
import { createGather, createTurns } from './gather.ts'
import { type Cached, createGenerationKeys, type DataSource, type Home, type Item, rootTopicOf } from './home.ts'
import { createInvalidator, type Target } from './invalidate.ts'
import { isOverlapping, type KeyTemplate, type ParamsOf, parseKeyTemplate } from './key-template.ts'
import { createKnowledge } from './knowledge.ts'
import { checkTags, MAX_USABLE } from './load.ts'
import { gatherLoads, type LoadGathering } from './load-many.ts'
import { createGuard } from './look.ts'
import { createMemory } from './memory.ts'
import { parsePattern } from './patterns.ts'
import { createRecheck, type Recheck } from './recheck.ts'
import { type CacheReport, createCacheStats, createStats, type ResourceStats } from './report.ts'
import { createResource, subjectOf } from './resource.ts'
import { createValueForm } from './schema.ts'
import type { Cache, Invalidation, LoadContext, LoadManyContext, Resource, ResourceOptions } from './types.ts'

/** How {@link createCache} is set up. Everything but the name has a default. Durations are in ms. */
export interface CacheOptions extends Partial<Policy> {
  /** What the cache is called: 1 to 40 of a-z, 0-9 and `-`. A part of every key, so two caches share nothing. */
  readonly name: string
  /** The tier that the whole fleet shares. Default: a store in this process, which serves development only. */
  readonly store?: Store
  /**
   * A second store, such as `s3Store`, for values that take more than 32 KB, up to 5 MB. Default: none; values that take more
   * than 8 KB lie in a record of their own in `store`, up to 350 KB.
   */
  readonly bodies?: Store
  /** How values are stored. Default: as they are, like `plaintext()`, with one event `plaintext`. */
  readonly codec?: Codec
  /** Separates keys that would otherwise be the same, such as a stage. Default: none. */
  readonly namespace?: string
  /** A part of every value's key. Change it to load every value again; invalidations hold for all versions. Default: none. */
  readonly version?: string
  /** Within how long every environment sees an invalidation, a change of a key, or a switch. Default 5,000. */
  readonly recheck?: number
  /** How long after its last check a value is served while the store cannot be read. Default 60,000; 0: not at all. */
  readonly unchecked?: number
  /** What memory may take, in bytes: the length of each value's text, twice. Default 64 MB. */
  readonly maxBytes?: number
  /** True where the process is never frozen: values are refreshed and checked in the background, always. Default false. */
  readonly background?: boolean
  /** Receives every event: one listener or several. What they throw is ignored. */
  readonly onEvent?: CacheListener | readonly CacheListener[]
  /** Clocks, random numbers and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

/** What a cache may be called. */
export const nameRule: Rule = ['1 to 40 of a-z 0-9 -', (value) => matches(value, /^[a-z0-9-]{1,40}$/)]

const RULES: { readonly [Name in keyof CacheOptions]-?: Rule } = {
  name: nameRule,
  store: shaped('read', 'swap'),
  bodies: shaped('read', 'swap'),
  codec: shaped('seal', 'open'),
  namespace: textRule,
  version: textRule,
  recheck: durationOrZeroRule,
  unchecked: durationOrZeroRule,
  maxBytes: countRule,
  background: flagRule,
  onEvent: ['a function, or several', (value) => [value].flat().every(isFunction)],
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
  refreshWindow: durationRule,
  sourceTimeout: durationRule,
  storeTimeout: durationRule,
  timeout: durationRule,
}

const lifetimeRule: Rule = [
  'ms > 0, at most 400 days',
  (value) => durationRule[1](value) && (value as number) <= MAX_USABLE,
]

const schemaRule: Rule = [
  'a schema of Standard Schema 1',
  (value) => isFunction(Object(Object(value)['~standard']).validate),
]

const RESOURCE_RULES: { readonly [Name in keyof ResourceOptions<string, unknown>]-?: Rule } = {
  key: textRule,
  name: textRule,
  load: functionRule,
  loadMany: functionRule,
  write: functionRule,
  params: schemaRule,
  schema: schemaRule,
  form: shaped('print', 'parse'),
  fresh: lifetimeRule,
  usable: lifetimeRule,
  none: ['ms >= 0, at most 400 days', (value) => durationOrZeroRule[1](value) && (value as number) <= MAX_USABLE],
  tags: functionRule,
  version: textRule,
}

const INVALIDATION_RULES: { readonly [Name in keyof Invalidation]-?: Rule } = {
  tags: ['a list of 1 to 100 strings', (value) => Array.isArray(value) && value.length > 0 && value.length <= 100],
  match: textRule,
  everything: flagRule,
  stale: flagRule,
}

const MEGABYTE = 1_048_576
/** How far two instants of one tick of the clock are apart, in ms: a power of two, so that sums are exact. */
const INSTANT = 2 ** -10
/** How many invalidations of one call go side by side. */
const PARALLEL = 8

/** Makes the cache of an environment. Throws `TypeError` that names the option when one is wrong or unknown. */
export function createCache(options: CacheOptions): Cache {
  const given = checkOptions('createCache', options, RULES, ['name'])
  const { name, store, namespace = '', version = '', recheck = 5_000, unchecked = 60_000, onEvent = [] } = given
  const bus = createBus<CacheEvent>([onEvent].flat() as readonly CacheListener[])
  const stats = createCacheStats()
  const resources = new Map<string, ResourceStats>()
  const taken: KeyTemplate[] = []
  const pending = new Set<Promise<unknown>>()
  const memory = createMemory(given.maxBytes ?? 64 * MEGABYTE, (item) => {
    item.source.drop(item.plain)
    rechecks.forget(item)
    home.alone.delete(item)
  })

  bus.watch = (event) => {
    stats.count(event)
    if (!bus.listening()) warnUnheard(event as WarmEvent)
  }

  // A lost write may be an invalidation.
  if (store?.forgets === true) bus.emit({ type: 'store-forgets', store: store.name })

  /** The key of a value tells its resource only together with parameters, so events of values carry the name. */
  const emit = (event: CacheEvent): void => {
    if ('key' in event) bus.emit({ ...event, ...nameOf(memory.get(event.key)) })
    else bus.emit(event)
  }

  const turns = createTurns()
  const engine = createEngine({
    directory: false,
    maxEntries: 1,
    policy: given,
    codec: given.codec,
    runtime: given.runtime,
    emit,
    listening: bus.listening,
    openStore: () => store ?? memoryStore(),
    writeTurn: turns.take,
  })
  if (given.background) engine.enter()

  const runtime = given.runtime ?? systemRuntime
  const gather = createGather(runtime, (right) => emit({ type: 'missing-right', right }))

  let context: MissContext | undefined
  let last = 0
  const slots = new WeakMap<Slot<unknown>, Item>()
  const home: Home = {
    engine,
    recheck,
    unchecked,
    knowledge: createKnowledge(),
    memory,
    alone: new Set(),
    flood: createFlood({ context: () => home.context(), emit }),
    bodies: given.bodies,
    gather,
    ...createGenerationKeys(namespace, name),
    emit,
    async reach() {
      context ??= await engine.reach()
      return context
    },
    context: () => context ?? misuse('cache', 'it was not reached yet'),
    instant() {
      last = Math.max(home.context().clock.fast(), last + INSTANT)
      return last
    },
    slots,
    itemOf: (slot) => slots.get(slot) ?? misuse('cache', `there is no item of ${slot.key}`),
    repair: (tag) => invalidator.repair(tag),
    pending,
  }
  const invalidator = createInvalidator(home)
  const rechecks = createRecheck(home)
  const guard = createGuard(home)

  return {
    use<const Template extends string, V, W = V>(
      resource: ResourceOptions<Template, V, V, W> | ResourceOptions<Template, V, unknown, W>,
    ): Resource<ParamsOf<Template>, V, W> {
      const keys = { namespace, name, version }
      const gathering = { isOpen: () => gather.isOpen, isWriting: turns.isTaken, runtime }
      // The two differ only in what the loader's context says of the type of values.
      const any = resource as ResourceOptions<Template, V, unknown, W>
      return bindResource({ home, rechecks, guard, resources, taken, keys, gathering }, any)
    },
    async invalidate(what) {
      const targets = targetsOf(what)
      const left = targets.values()
      const worker = async (): Promise<void> => {
        for (const target of left) await invalidator.invalidate(target, what.stale === true ? 'soft' : 'hard')
      }
      await Promise.all(Array.from({ length: Math.min(PARALLEL, targets.length) }, worker))
    },
    topic: rootTopicOf(home.rootKey),
    catchUp: async (event) => (await import('./catch-up.ts')).catchUp(home, event),
    control: async (change?: Control) => invalidator.control(change === undefined ? undefined : checkControl(change)),
    report: (): CacheReport => ({
      resources: Object.fromEntries([...resources].map(([label, one]) => [label, one.read()])),
      ...stats.read(),
      entries: memory.size(),
      bytes: memory.bytes(),
    }),
    enter: engine.enter,
    get busy() {
      return pending.size > 0 || engine.isBusy()
    },
    async settle(options = {}) {
      const { timeout = 1_000 } = checkOptions('settle', options, { timeout: durationOrZeroRule })
      await Promise.all([
        engine.settle({ timeout }),
        pending.size > 0 && atMost(home.context().runtime, timeout, Promise.allSettled(pending)),
      ])
    },
  }
}

/** What `use` needs of its cache. */
interface Binding {
  readonly home: Home
  readonly rechecks: Recheck
  readonly guard: Guard<Cached<unknown>>
  /** Numbers of the resources, by name. */
  readonly resources: Map<string, ResourceStats>
  /** Templates that are bound. */
  readonly taken: KeyTemplate[]
  readonly gathering: LoadGathering
  readonly keys: { readonly namespace: string; readonly name: string; readonly version: string }
}

function bindResource<const Template extends string, V, W>(
  { home, rechecks, guard, resources, taken, keys, gathering }: Binding,
  resource: ResourceOptions<Template, V, unknown, W>,
): Resource<ParamsOf<Template>, V, W> {
  const checked = checkOptions('use', resource, RESOURCE_RULES, ['key', 'load'])
  const { key, none = 0 } = checked
  const template = parseKeyTemplate(key)
  const usable = checked.usable ?? checked.fresh ?? misuse('use', 'option "fresh" or "usable" is required (ms)')
  const fresh = checked.fresh ?? usable
  if (fresh > usable) misuse('use', 'option "fresh" must not be longer than "usable"')
  const label = checked.name ?? key
  const rival = taken.find((one) => isOverlapping(one, template))
  if (rival !== undefined || resources.has(label)) {
    const why = rival === undefined || rival.text === key ? 'is bound already' : `shares keys with "${rival.text}"`
    misuse('use', `"${label}" ${why}; bind each key and name once`)
  }
  taken.push(template)
  const items = new Map<string, Item<V>>()
  const source: DataSource<V> = {
    name: label,
    version: checked.version ?? '',
    fresh,
    usable,
    none,
    stats: createStats(),
    ...loadingOf(checked, gathering),
    write: checked.write as DataSource<V>['write'],
    drop: (plain) => void items.delete(plain),
    ...createValueForm({ ...checked, name: label }),
  }
  resources.set(label, source.stats)
  return createResource<ParamsOf<Template>, V, W>({
    home,
    recheck: rechecks,
    source,
    template,
    checkParams: checked.params,
    items,
    namespace: keys.namespace,
    identity: [keys.name, keys.version, source.version],
    subject: subjectOf(home, source, guard as Guard<Cached<V>>),
  })
}

/** What a resource loads and is tagged by. What is gathered is loaded by one call where it can be. */
function loadingOf<Template extends string, V, W>(
  { load, loadMany, tags }: ResourceOptions<Template, V, unknown, W>,
  gathering: LoadGathering,
): Pick<DataSource<V>, 'load' | 'tagsOf'> {
  type Params = ParamsOf<Template>
  const loadOne = (params: unknown, context: LoadContext<V>): unknown =>
    load(params as Params, context as LoadContext<unknown>)
  return {
    tagsOf(params) {
      if (tags === undefined) return []
      const all: unknown = tags(params as Params)
      return Array.isArray(all) ? all : misuse('use', 'option "tags" must return a list of strings')
    },
    load:
      loadMany === undefined
        ? loadOne
        : gatherLoads<V>(
            loadOne,
            (list, context) => loadMany(list as readonly Params[], context as LoadManyContext<unknown>),
            gathering,
          ),
  }
}

/** What is to be invalidated, as records. Throws `TypeError` that names the field. */
function targetsOf(what: Invalidation): readonly Target[] {
  const { tags, match, everything } = checkOptions('invalidate', what, INVALIDATION_RULES)
  const targets: Target[] = checkTags('invalidate', tags ?? []).map((tag) => ({ by: 'tag', what: tag }))
  if (match !== undefined) {
    const parsed = parsePattern(match)
    targets.push(parsed.outcome === 'tag' ? { by: 'tag', what: parsed.tag } : { by: 'match', what: parsed.text })
  }
  if (everything === true) targets.push({ by: 'everything', what: '*' })
  if (targets.length === 0) misuse('invalidate', 'give "tags", "match" or "everything"')
  return targets
}

function nameOf(item: Item | undefined): { readonly name?: string } {
  return item === undefined ? {} : { name: item.source.name }
}
