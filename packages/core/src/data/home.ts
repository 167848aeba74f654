/** What all parts of one cache share, and what an environment holds for each key. Types, and how keys are made. @module */

import type { Entry, Json, Store } from '../contracts.ts'
import type { MissContext } from '../engine/context.ts'
import type { Engine } from '../engine/engine.ts'
import type { Slot } from '../engine/slot.ts'
import { makeKey } from '../lib/key.ts'
import type { BodyPointer, Envelope } from './envelope.ts'
import type { CacheEvent } from './events.ts'
import type { Gather } from './gather.ts'
import type { Under } from './judge.ts'
import type { Knowledge } from './knowledge.ts'
import type { ResourceStats } from './report.ts'
import type { LoadContext, WriteContext } from './types.ts'

/** A value as the engine holds it, with what it rests on. */
export interface Cached<V> {
  /** Frozen. `undefined`: the loader said that there is none, or its body was not read yet. */
  value: V | undefined
  /** Where the body lies of a value that was found in a head and is not read yet: it must not be served. */
  unread?: BodyPointer | undefined
  /** Its body was read, and is no value of the resource, such as one of an older shape. */
  isOther?: boolean
  /** What stands in the head for a large value. */
  readonly content?: Exclude<Envelope['content'], { readonly kind: 'none' }>
  readonly under: Under
  /** What the loader wants to be told when it loads again. */
  readonly mark: string | undefined
  /** Length of its text, in characters. */
  readonly length: number
  /** `clock.fast()` before the last request was sent that showed it in the record. */
  seenAt?: number | undefined
  /** Set where it was loaded by this environment. */
  readonly made?: Made
  /** In place of a value: what the call rejects with. Handed to those who wait for the load, and stored nowhere. */
  readonly problem?: unknown
}

/** When this environment made a value. */
export interface Made {
  /** `home.instant()` before the load began. */
  readonly at: number
  /** How many changes this environment had made to the key before. */
  readonly changes: number
}

/** A resource as the parts of a cache use it. */
export interface DataSource<V> {
  readonly name: string
  readonly version: string
  readonly fresh: number
  readonly usable: number
  readonly none: number
  readonly stats: ResourceStats
  /** Tags of the parameters that are known before a load. */
  tagsOf(params: unknown): readonly string[]
  /** Forgets the item of a plain key. */
  drop(plain: string): void
  /** Calls the loader. */
  load(params: unknown, context: LoadContext<V>): unknown
  /** Writes the truth, where the resource can. */
  readonly write: ((params: unknown, input: unknown, context: WriteContext) => unknown) | undefined
  /** The value as JSON. Throws `ValueError`, or what the schema refuses. */
  print(value: V): { readonly json: Json; readonly value: V }
  /** The value from JSON; `undefined` when it is none of this resource. */
  parse(json: unknown): { readonly value: V } | undefined
}

/** What an environment remembers of a key in flood mode: there is no value, and nothing was stored. */
export interface Absent {
  /** By `clock.fast()`. */
  readonly until: number
  /** What must not have changed since: the key, by this environment, and the generations. */
  readonly changes: number
  readonly under: Under
}

/** Counts keys that an environment has never looked for. */
export interface Flood {
  /** Whether an item is new and must go without a lease. Counts each new one once. */
  refuses(item: Item): boolean
}

/** A load without the cache, in progress. */
export interface DirectLoad {
  readonly done: Promise<unknown>
  /** `home.instant()` when it began. */
  readonly at: number
  /** Changes of the key that this environment had made, and the generations that it knew. */
  readonly changes: number
  readonly under: Under
}

/** Bit of `Item.used`: asked for since memory, short of room, last passed over the item. */
export const USED_SINCE_SWEEP = 1
/** Bit of `Item.used`: asked for since the last recheck. */
export const USED_SINCE_RECHECK = 2
/** What a call makes of `Item.used`: both bits. */
export const USED_NOW: number = USED_SINCE_SWEEP | USED_SINCE_RECHECK

/** What an environment holds for one key. */
export interface Item<V = unknown> {
  readonly slot: Slot<Cached<V>>
  /** `project:42:info` */
  readonly plain: string
  readonly params: unknown
  readonly source: DataSource<V>
  /** Tags by its prefixes and by its parameters. */
  readonly tags: readonly string[]
  /** Tags that only the stored value has told, so that the next look reads them with the record. */
  lateTags: readonly string[]
  /** {@link USED_SINCE_SWEEP} and {@link USED_SINCE_RECHECK}. */
  used: number
  bytes: number
  /** Soft and hard expiry on `clock.fast()`, whatever was checked. */
  softUntil: number
  hardUntil: number
  /** The latest look that was answered: `clock.fast()` before it was sent. */
  lookedAt: number
  /** `clock.fast()` as of which the entry was judged, with all that it rests on. */
  checkedAt: number
  /** Until then the store cannot be read, so that the entry may be served for `unchecked` after its last check. */
  relaxedUntil: number
  /** Changes of the key that this environment has made. */
  changes: number
  /** The least version that may be served: this environment has made a later change. */
  least: number
  /** Changes of the key in progress: it is not forgotten meanwhile. */
  changing: number
  /** In flood mode: that there is no value. */
  absent?: Absent | undefined
  /** Counted as a new key, and allowed a lease. */
  isAdmitted?: true
  direct?: DirectLoad | undefined
}

/** The items of an environment, bounded in bytes. */
export interface Memory {
  /** The item of a record key. */
  get(key: string): Item | undefined
  add(item: Item): void
  /** The value of an item is of another length now. Forgets others where that is needed. */
  resize(item: Item): void
  /** All items. */
  items(): Iterable<Item>
  /** Bytes held, estimated: the length of each text, twice. */
  bytes(): number
  size(): number
}

/** What all parts of one cache share. */
export interface Home {
  readonly engine: Engine
  readonly recheck: number
  readonly unchecked: number
  readonly knowledge: Knowledge
  readonly memory: Memory
  /** Items whose value was loaded without the store: generations may be read for the first time that forbid it. */
  readonly alone: Set<Item>
  /** Holds bodies above 32 KB. */
  readonly bodies: Store | undefined
  readonly gather: Gather
  readonly flood: Flood
  readonly rootKey: string
  /** The key of the record of a tag. */
  readonly tagKey: (tag: string) => string
  readonly emit: (event: CacheEvent) => void
  /** Loads what lies behind a hit. */
  readonly reach: () => Promise<MissContext>
  /** The same, once it is loaded. The guard is called by nobody before. */
  readonly context: () => MissContext
  /** `clock.fast()`, and later than every instant before: the clock ticks in whole ms, and calls and loads have an order. */
  readonly instant: () => number
  readonly itemOf: (slot: Slot<unknown>) => Item
  /** Items by slot, also those that memory has forgotten while a call still uses them. */
  readonly slots: WeakMap<Slot<unknown>, Item>
  /** Writes a generation record again that is garbage or lost a number, above all numbers that are known. */
  readonly repair: (tag: string) => Promise<void>
  /** Calls in progress that a `settle` waits for. */
  readonly pending: Set<Promise<unknown>>
}

/** How many keys of tags are remembered: hashing one takes 20 µs. */
const MAX_KEYS = 10_000

/** The keys of generation records. They do not depend on a version, so that all versions obey one invalidation. */
export function createGenerationKeys(namespace: string, name: string): Pick<Home, 'rootKey' | 'tagKey'> {
  const keys = new Map<string, string>()
  return {
    rootKey: makeKey('gen', namespace, [name, 'root']),
    tagKey(tag) {
      const known = keys.get(tag)
      if (known !== undefined) return known
      const key = makeKey('gen', namespace, [name, 'tag', tag])
      if (keys.size >= MAX_KEYS) keys.clear()
      keys.set(tag, key)
      return key
    },
  }
}

/** The topic of live events about a cache: its patterns, and everything. */
export function rootTopicOf(rootKey: string): string {
  return `root:${rootKey.slice('gen~'.length)}`
}

/** All tags that an entry of the item may rest on, as far as they are known. */
export function knownTags({ tags, lateTags }: Item): readonly string[] {
  return lateTags.length === 0 ? tags : [...tags, ...lateTags]
}

/** The entry of an item, if it holds one. */
export function entryOf<V>({ slot }: Item<V>): Entry<Cached<V>> | undefined {
  return slot.entry
}
