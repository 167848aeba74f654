/** What users hold: the cache, its resources, and what they are asked for. Durations are in ms. @module */

import type { LiveChange, StandardSchema, Tier } from '../contracts.ts'
import type { Control } from './control.ts'
import type { ParamsOf } from './key-template.ts'
import type { CacheReport } from './report.ts'

/** How long a value is fresh, and how long it may be served, in ms. */
export type Lives = {
  /** How long from now until a refresh is due. */
  readonly fresh?: number
  /** How long from now it may be served at most, stale from `fresh` on. At most 400 days. */
  readonly usable?: number
}

/** What `keep` and `set` say of a value. Default lives: those of the resource. */
export interface KeepOptions extends Lives {
  /** Tags that the value is invalidated by, beside those of the resource. */
  readonly tags?: readonly string[]
  /** What the next load is told as `previous.mark`, such as an ETag: at most 1,000 characters. */
  readonly mark?: string
}

/** What a live event says of a cache. */
export interface CacheChange extends LiveChange {
  /** `key:<key of the record>`, `tag:<tag>`, or the topic of the cache. Others are ignored. */
  readonly topic: string
}

declare const kept: unique symbol

/** What `keep`, `unchanged` and `skip` return: hand it back from the loader. */
export interface Kept<V> {
  readonly [kept]: V
}

/** What a loader is handed. `V` is `unknown` where no schema says what the values are. */
export interface LoadContext<V> {
  /** The last value that is known, even an expired or invalidated one, and its mark. */
  readonly previous: { readonly value: V; readonly mark: string | undefined } | undefined
  /** Aborts when the time for the load is over. Pass it on. */
  readonly signal: AbortSignal
  /** The value, with lives, tags and a mark of its own. */
  keep<T extends V>(value: T, options?: KeepOptions): Kept<T>
  /** The previous value stands as it is: its lives and its tags' numbers are renewed. Throws without a previous value. */
  unchanged(options?: Lives): Kept<never>
  /** The value is handed to those who wait, and kept nowhere. */
  skip<T extends V>(value: T): Kept<T>
}

/** What a loader of many values is handed. */
export interface LoadManyContext<V> {
  /** What a loader of one value is handed, for each of the list: `each[index]?.keep(value, { mark })`. */
  readonly each: readonly LoadContext<V>[]
  /** Aborts when the time for all loads is over. Pass it on. */
  readonly signal: AbortSignal
}

/** What a loader of many values returns, in the order of the list. */
export type LoadedMany<V> = readonly (V | Kept<V> | Error | undefined)[]

/** What a writer is handed. */
export interface WriteContext {
  /**
   * A whole number that is higher for each write of the key. Have the truth refuse a lower one than it has seen, such as by the
   * condition `last_n < :n`: nothing else stops a writer that was frozen.
   */
  readonly n: number
  /** A unique mark of this write, such as for an idempotence key. */
  readonly id: string
  /** Aborts when the time for the write is over. Pass it on. */
  readonly signal: AbortSignal
}

/**
 * What became of a write that the truth has taken.
 *
 * `cached`: the cache holds the value. `dropped`: the key is dropped, because the writer returned nothing or because another
 * change of the key came in between. `pending`: the store did not answer; this environment serves no older value from now on,
 * others do until the lease of the write ends, about 6 s, and `recheck` more.
 */
export interface Written<V> {
  readonly outcome: 'cached' | 'dropped' | 'pending'
  /** What the writer returned. */
  readonly value: V | undefined
}

/**
 * How {@link Cache.use} binds a resource. `Known`: the type of values as the loader's context knows it. `W`: what `write` is
 * handed.
 */
export interface ResourceOptions<Template extends string, V, Known = V, W = V> {
  /** The key with its parameters: `project:{id}:info`. See `KeyTemplate`. */
  readonly key: Template
  /** What the resource is called in reports and by `control`. Default: the template. */
  readonly name?: string
  /** Resolves to the value; `undefined`: there is none. What it throws is not shown to others, only that it failed. */
  readonly load: (
    params: ParamsOf<Template>,
    context: LoadContext<Known>,
  ) => V | Kept<V> | undefined | Promise<V | Kept<V> | undefined>
  /**
   * Loads many values of a `getMany` by one call: of at most 500. Resolves to a list in the same order of what `load` would
   * return, or of an `Error` for one that failed. Default: `load` is called for each.
   */
  readonly loadMany?: (
    list: readonly ParamsOf<Template>[],
    context: LoadManyContext<Known>,
  ) => LoadedMany<V> | Promise<LoadedMany<V>>
  /**
   * Writes the truth for {@link Resource.write}. What it resolves to is what is true now, and is kept: write-through. When it
   * resolves to `undefined`, the key is dropped: cache-aside. An error with `retryable: false`, such as `SourceRefusedError`,
   * is a refusal: it says that nothing was written.
   */
  readonly write?: (
    params: ParamsOf<Template>,
    input: W,
    context: WriteContext,
  ) => V | undefined | Promise<V | undefined>
  /**
   * Checks parameters, such as ids of a request: those that it refuses reject with `TypeError` before anything is read.
   * Synchronous. What it makes of them is not used: the key is made of what was given.
   */
  readonly params?: StandardSchema<unknown, unknown>
  /**
   * Checks what is loaded, written, and read from the store: a stored value that it refuses is a miss. Synchronous. It must
   * accept what it returns, since that is what is stored.
   */
  readonly schema?: StandardSchema<unknown, V>
  /** Turns values into texts and back, for what JSON cannot hold. Default: values are JSON. */
  readonly form?: { print(value: V): string; parse(text: string): V }
  /** How long until a refresh is due. Default: `usable`. One of both is required. */
  readonly fresh?: number
  /** How long a value may be served at most, stale from `fresh` on. Default: `fresh`. At most 400 days. */
  readonly usable?: number
  /** How long it is remembered that there is no value. Default 0: not at all. */
  readonly none?: number
  /** Tags that the value is invalidated by, known from the parameters. */
  readonly tags?: (params: ParamsOf<Template>) => readonly string[]
  /** A part of the keys. Change it to load every value again. Default: none. */
  readonly version?: string
}

/** What one `get` asks for. */
export interface DataGetOptions {
  /** How old the value may be, in ms. 0: it is loaded now, and kept. Default: any that is usable. */
  readonly maxAge?: number
  /** The lifetime that the value should have left, in ms. Default 0. */
  readonly minLifetime?: number
  /** Within how long to answer, in ms. Default: the `timeout` of `createCache`. */
  readonly timeout?: number
}

/** What is known of a value that is kept. */
export interface Inspection<V> {
  /** The value; `undefined` when it is remembered that there is none. */
  readonly value: V | undefined
  /** Whether it is remembered that there is none. */
  readonly none: boolean
  /** Until a refresh is due, in ms; 0 when it is stale. */
  readonly fresh: number
  /** Until it must not be served, in ms. */
  readonly usable: number
  /** The number of the published value. */
  readonly version: number
  /** Eight hexadecimal characters that tell values apart. */
  readonly fingerprint: string
  /** All tags that the value is invalidated by, those of its key's prefixes included. */
  readonly tags: readonly string[]
  /** The `mark` that the value was kept with. */
  readonly mark: string | undefined
  /** Where the value was found. */
  readonly tier: Tier
}

/** What one `write` asks for. */
export interface WriteOptions extends KeepOptions {
  /** Within how long to begin, in ms, where another write of the key is in progress. Default: the `timeout` of `createCache`. */
  readonly timeout?: number
}

/** One kind of values, kept by parameters. Values are frozen: all callers share them. `W`: what `write` takes. */
export interface Resource<P, V, W = V> {
  readonly name: string
  /** The plain key of parameters. Throws `TypeError` that names a wrong parameter. */
  keyOf(params: P): string
  /** The topic of live events about the value. It names nobody: the parameters are hashed. Throws like `keyOf`. */
  topicOf(params: P): string
  /**
   * Resolves to the value, from memory, the store or the loader; `undefined`: there is none. Rejects with a `WarmTokenError`
   * when it is not available, with `ValueError` when it cannot be kept, and with `TypeError` for wrong parameters and options.
   */
  get(params: P, options?: DataGetOptions): Promise<V | undefined>
  /**
   * Resolves to a list in the same order: a value, `undefined` where there is none, or the error of one that is not available.
   * Memory first; the others by few requests, with leases for what must be loaded. At most 10,000; those beyond 500 follow in
   * turn. Rejects with `TypeError` for wrong parameters and options.
   */
  getMany(list: readonly P[], options?: DataGetOptions): Promise<readonly (V | undefined | Error)[]>
  /** The value in memory while it is fresh and checked, else `undefined`. No I/O. */
  peek(params: P): V | undefined
  /**
   * Resolves to what is known of the value in memory or store; `undefined` when there is none that may be served. With
   * `live`, the store is asked in any case. Rejects with `StoreError` when the store cannot be used.
   */
  inspect(params: P, options?: { readonly live?: boolean }): Promise<Inspection<V> | undefined>
  /**
   * Writes the truth by the `write` of the resource, one write of a key at a time, then keeps what it returned or drops the key.
   * Announced in the store first: should this environment die at any point, the old value ends within about 6 s, and `recheck`
   * more in the memory of others. See `docs/data/writes.md` for each step.
   *
   * Rejects with what the writer throws; before it is called with `StoreError`, and with code `WRITE_BUSY` when others write the
   * key for all of `timeout`; after it with `ValueError` when its value cannot be kept, and with code `WRITE_NOT_DROPPED` when
   * an older value may be left, so that the key must be deleted.
   */
  write(params: P, input: W, options?: WriteOptions): Promise<Written<V>>
  /**
   * Stores a value. A load that is in progress anywhere is fenced. Rejects with `StoreError` when the store cannot be used, code
   * `CONFLICT` after 12 attempts, `STORE_UNKNOWN` when it may have been written; with `WarmTokenError`, code `CACHE_READ_ONLY`,
   * while the resource is read-only; and with `TypeError` or `ValueError` for a value that cannot be kept.
   */
  set(params: P, value: V, options?: KeepOptions): Promise<void>
  /**
   * Changes the value by compare-and-swap. `change` must be pure: it is called again when another write came first. It is
   * handed `undefined` when there is no value that may be served; when it returns `undefined`, nothing is written. Resolves
   * to what is stored then. Keeps lives and tags of the value unless told otherwise. Rejects like `set`, and with what `change`
   * throws.
   */
  update(params: P, change: (value: V | undefined) => V | undefined, options?: KeepOptions): Promise<V | undefined>
  /** Renews the lives of the value as it is. Resolves to whether there was one that may be served. Rejects like `set`. */
  touch(params: P, lives?: Lives): Promise<boolean>
  /** Removes values. Loads that are in progress are fenced. Call it after the truth has changed. Rejects like `set`. */
  delete(...params: readonly P[]): Promise<void>
}

/** What is to be invalidated. */
export interface Invalidation {
  /** Tags, 1 to 100. */
  readonly tags?: readonly string[]
  /** A pattern of keys, in which `*` stands for any text: `project:42:*`. */
  readonly match?: string
  /** Everything in this cache. */
  readonly everything?: boolean
  /** True: values may be served while they are refreshed. Default false: none is served any more. */
  readonly stale?: boolean
}

/** The cache of one environment. Make it once, outside the handler. */
export interface Cache {
  /** Binds a resource whose schema says what its values are. Throws `TypeError` that names a wrong option. */
  use<const Template extends string, V, W = V>(
    options: ResourceOptions<Template, V, V, W> & { readonly schema: StandardSchema<unknown, V> },
  ): Resource<ParamsOf<Template>, V, W>
  /** Binds a resource whose values are what its loader returns. */
  use<const Template extends string, V, W = V>(
    options: ResourceOptions<Template, V, unknown, W>,
  ): Resource<ParamsOf<Template>, V, W>
  /**
   * Resolves once no environment serves an older value to a `get` that begins `recheck` later; this one serves none from then
   * on. Call it after the truth has changed. Rejects with `StoreError` when the store did not take it: call it again.
   */
  invalidate(what: Invalidation): Promise<void>
  /** The topic of live events about invalidations by pattern and of everything; those of a tag have the topic `tag:<tag>`. */
  readonly topic: string
  /**
   * For processes that live long: takes in a live event, as `bridge` of `@warmtoken/client/bridge` hands it over, so that what it is
   * about is served from memory no longer than the event takes. Never rejects: what cannot be read now is found by the recheck.
   */
  catchUp(event: CacheChange): Promise<void>
  /**
   * Changes switches of the whole fleet, or reads them when nothing is given. Seen by each environment within `recheck`. Rejects
   * with `StoreError` when the store cannot be used, and with `TypeError` for wrong switches.
   */
  control(change?: Control): Promise<Control>
  /** What was counted so far in this environment. */
  report(): CacheReport
  /** Lets refreshes run in the background until the returned function is called. Then call `settle` before returning. */
  enter(): () => void
  /** Whether something is in progress that `settle` would wait for. */
  readonly busy: boolean
  /** Waits for refreshes in progress, at most `timeout` ms (default 1,000), then aborts them. Never rejects. */
  settle(options?: { readonly timeout?: number }): Promise<void>
}
