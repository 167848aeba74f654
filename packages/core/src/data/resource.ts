/** One resource of a cache: what users call, and the item that each key has in this environment. @module */

import type { Json, StandardSchema } from '../contracts.ts'
import { newSlot } from '../engine/engine.ts'
import type { Subject } from '../engine/slot.ts'
import { makeKey } from '../lib/key.ts'
import { checkOptions, durationOrZeroRule, durationRule, flagRule, misuse, type Rule } from '../lib/options.ts'
import { deleteValues, setValue, touchValue, updateValue, writeTruth } from './changes.ts'
import { MAX_TAGS } from './envelope.ts'
import { getSlowly, hitOf, inspectItem } from './get.ts'
import { getMany } from './get-many.ts'
import { type Cached, type DataSource, type Home, type Item, USED_NOW } from './home.ts'
import { type KeyTemplate, prefixTags } from './key-template.ts'
import { checkTags, fetchValue, fingerprintOf, KEEP_RULES, livesOf, printCached } from './load.ts'
import { parseCached } from './read.ts'
import type { Recheck } from './recheck.ts'
import { checkBySchema } from './schema.ts'
import type { DataGetOptions, Resource } from './types.ts'

const GET_RULES: { readonly [Name in keyof DataGetOptions]-?: Rule } = {
  maxAge: durationOrZeroRule,
  minLifetime: durationOrZeroRule,
  timeout: durationRule,
}
const WRITE_RULES = { ...KEEP_RULES, timeout: durationRule }
const LIFE_RULES = { fresh: KEEP_RULES.fresh, usable: KEEP_RULES.usable }

/** What a resource is made of. */
export interface ResourceParts<V> {
  readonly home: Home
  readonly recheck: Recheck
  readonly source: DataSource<V>
  readonly template: KeyTemplate
  /** Refuses parameters that are none, although they make a key. */
  readonly checkParams: StandardSchema<unknown, unknown> | undefined
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
export function createResource<P, V, W = V>(parts: ResourceParts<V>): Resource<P, V, W> {
  const { home, source, template, items } = parts

  const keyOf = (params: unknown): string => {
    const plain = template.print(params)
    // A copy: a schema that changes what it is given must not change what is loaded under the key.
    const checked = checkBySchema(source.name, parts.checkParams, parts.checkParams && template.copy(params))
    if (checked.outcome === 'refused') misuse(`key ${source.name}`, `the schema of "params" refuses ${checked.path}`)
    return plain
  }

  const itemOf = (params: unknown): Item<V> => {
    const quick = template.quick(params)
    const known = quick === undefined ? undefined : items.get(quick)
    if (known !== undefined) return known
    const plain = keyOf(params)
    return items.get(plain) ?? makeItem(parts, plain, template.copy(params))
  }

  return {
    name: source.name,
    keyOf,
    topicOf: (params) => `key:${recordKey(parts, keyOf(params))}`,
    get(params, options) {
      try {
        const item = itemOf(params)
        if (options === undefined) return hitOf(home, item)?.promise ?? getSlowly(parts, item, {})
        return getSlowly(parts, item, checkOptions('get', options, GET_RULES))
      } catch (error) {
        return Promise.reject(error)
      }
    },
    async getMany(list, options = {}) {
      const { timeout, ...wish } = checkOptions('getMany', options, GET_RULES)
      const isAny = wish.maxAge === undefined && wish.minLifetime === undefined
      return getMany(home, list, {
        // The caller may change its parameters once the call has returned.
        check(params) {
          keyOf(params)
          return template.copy(params) as P
        },
        hit: (params) => (isAny ? hitOf(home, itemOf(params)) : undefined),
        get: (params, left) => getSlowly(parts, itemOf(params), { ...wish, timeout: left, isBatch: true }),
        timeout,
      })
    },
    peek: (params) => hitOf(home, itemOf(params))?.value,
    async inspect(params, options = {}) {
      const item = itemOf(params)
      const { live } = checkOptions('inspect', options, { live: flagRule })
      return inspectItem(home, item, live === true)
    },
    async write(params, input, options = {}) {
      const item = itemOf(params)
      const { timeout, ...keep } = checkOptions('write', options, WRITE_RULES)
      return writeTruth(home, item, { input, keep, timeout })
    },
    async set(params, value, options = {}) {
      const item = itemOf(params)
      await setValue(home, item, { value, keep: checkOptions('set', options, KEEP_RULES) })
    },
    async update(params, change, options = {}) {
      const item = itemOf(params)
      return updateValue(home, item, { change, keep: checkOptions('update', options, KEEP_RULES) })
    },
    async touch(params, own = {}) {
      const item = itemOf(params)
      return touchValue(home, item, livesOf('touch', source, checkOptions('touch', own, LIFE_RULES)))
    },
    delete: async (...list) => deleteValues(home, list.map(itemOf)),
  }
}

function recordKey(
  { namespace, identity }: Pick<ResourceParts<never>, 'namespace' | 'identity'>,
  plain: string,
): string {
  return makeKey(plain, namespace, identity)
}

function makeItem<V>(parts: ResourceParts<V>, plain: string, params: unknown): Item<V> {
  const { source, items, home, subject } = parts
  const tags = [...new Set([...prefixTags(plain), ...checkTags('use', source.tagsOf(params))])]
  if (tags.length > MAX_TAGS)
    misuse('use', `an entry may have at most ${MAX_TAGS} tags, those of its prefixes included`)
  const item: Item<V> = {
    slot: newSlot(recordKey(parts, plain), subject),
    plain,
    params,
    source,
    tags,
    lateTags: [],
    used: USED_NOW,
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
