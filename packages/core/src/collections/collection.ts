/** What all collections share: one record each, changed by compare-and-swap, no change applied twice. @module */

import type { StandardSchema } from '../contracts.ts'
import type { ParamsOf } from '../data/key-template.ts'
import type { Cache, Resource } from '../data/types.ts'
import { StoreError } from '../errors.ts'
import {
  checkOptions,
  durationRule,
  flagRule,
  functionRule,
  misuse,
  type Rule,
  shaped,
  textRule,
} from '../lib/options.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { type Contents, checkBounds, nextState, type State, schemaOf } from './state.ts'

/** How often a change is taken up again whose answers were lost. */
const MAX_RESUMES = 3
/** How long the mark of a change is, in hexadecimal characters. */
const MARK_LENGTH = 12

/** How a collection is bound to a cache. Durations are in ms. */
export interface CollectionOptions<Template extends string> {
  /** The key with its parameters: `cart:{user}`. Bind each key once for each cache. */
  readonly key: Template
  /** What it is called in reports and by `control`. Default: the key. */
  readonly name?: string
  /** How long a collection lives, from its first change on. At most 400 days. */
  readonly usable: number
  /** True: each change starts `usable` again. Default false. */
  readonly renew?: boolean
  /** Tags that it is invalidated by, known from the parameters. */
  readonly tags?: (params: ParamsOf<Template>) => readonly string[]
  /** A part of the keys. Change it to start with empty collections. Default: none. */
  readonly version?: string
}

/** The same where the type of the parameters does not matter. */
export interface Binding extends Omit<CollectionOptions<string>, 'tags'> {
  readonly tags?: (params: never) => readonly string[]
}

/** Options of collections whose items are values. */
export interface ItemOptions<V> {
  /**
   * Checks each item that is written, and each one that is read: stored items that it refuses are left out. Synchronous.
   * Default: items are JSON.
   */
  readonly schema?: StandardSchema<unknown, V>
}

/** How one read is made. */
export interface CollectionReadOptions {
  /** True: the store is asked. Default: memory serves what was checked within `recheck` of the cache. */
  readonly live?: boolean
}

/** What every collection can do. */
export interface Expiring<P> {
  /** Sets how long the collection lives from now on, in ms. Resolves to whether there was one. */
  expire(params: P, usable: number): Promise<boolean>
  /** How long it lives, in ms; 0 when it is empty or never was. */
  remaining(params: P): Promise<number>
  /** Removes the collection, and everything in it. */
  clear(params: P): Promise<void>
}

export const COLLECTION_RULES: Readonly<Record<keyof CollectionOptions<string>, Rule>> = {
  key: textRule,
  name: textRule,
  usable: durationRule,
  renew: flagRule,
  tags: functionRule,
  version: textRule,
}
export const ITEM_RULES: Readonly<Record<keyof ItemOptions<unknown>, Rule>> = {
  schema: [
    'a schema of Standard Schema 1',
    (value) => typeof Object(Object(value)['~standard']).validate === 'function',
  ],
}
const READ_RULES = { live: flagRule }

/** What a change makes of the contents. Without `items`, nothing is written. */
export interface Changed<T, R> {
  readonly items?: T
  readonly result: R
}

/** One kind of collection on a cache. */
export interface Collection<P, T> extends Expiring<P> {
  /** The contents, and an object that stands for them: the same for as long as they are the same. */
  read(params: P, options?: CollectionReadOptions): Promise<State<T> | undefined>
  /**
   * Changes the contents. `change` must be pure: it is called again when another write came first. Rejects with
   * `CollectionFullError`, and with `StoreError`: `CONFLICT` when others write too often, `STORE_UNKNOWN` when it may have
   * been applied.
   */
  change<R>(params: P, change: (items: T, key: string) => Changed<T, R>): Promise<R>
}

/** Binds a collection. `options` have been checked. */
export function createCollection<P, T>(cache: Cache, options: Binding, contents: Contents<T>): Collection<P, T> {
  if (!shaped('use')[1](cache)) misuse('collection', 'the first argument must be a cache of createCache')
  const { key, renew = false, usable, tags, ...rest } = options
  const schema = schemaOf(contents)
  // The template says what the parameters are.
  const resource = cache.use({
    key,
    usable,
    ...rest,
    schema,
    ...(tags && { tags: (params: unknown) => tags(params as never) }),
    load: () => undefined,
  }) as unknown as Resource<P, State<T>>

  return {
    async read(params, given = {}) {
      const { live = false } = checkOptions('read', given, READ_RULES)
      return (await resource.inspect(params, { live }))?.value
    },
    async change<R>(params: P, change: (items: T, key: string) => Changed<T, R>) {
      const attempt = createAttempt(resource.keyOf(params), contents, change)
      for (let resume = 0; ; resume += 1) {
        try {
          await resource.update(params, attempt.next, renew ? { usable } : {})
          return attempt.result()
        } catch (error) {
          if (!(error instanceof StoreError)) throw error
          if (!attempt.mayBeApplied && error.code !== 'STORE_UNKNOWN') throw error
          attempt.mayBeApplied = true
          if (error.code !== 'STORE_UNKNOWN' || resume >= MAX_RESUMES) throw attempt.unknown()
        }
      }
    },
    expire: async (params, length) =>
      durationRule[1](length)
        ? resource.touch(params, { fresh: length, usable: length })
        : misuse('expire', `"usable" must be ${durationRule[0]}`),
    remaining: async (params) => (await resource.inspect(params))?.usable ?? 0,
    clear: (params) => resource.delete(params),
  }
}

/** One change, which may be tried on several states, and is applied to one of them at most. */
interface Attempt<T, R> {
  /** The next state; `undefined`: nothing is to be written. Throws when it may have been applied and nobody can tell. */
  next(before: State<T> | undefined): State<T> | undefined
  result(): R
  /** The answer to an earlier try was lost. */
  mayBeApplied: boolean
  unknown(): StoreError
}

function createAttempt<T, R>(
  key: string,
  { empty }: Contents<T>,
  change: (items: T, key: string) => Changed<T, R>,
): Attempt<T, R> {
  const mark = systemRuntime.unique().replaceAll('-', '').slice(0, MARK_LENGTH)
  /** The last change in the state that was tried last. */
  let base: string | undefined
  let done: Changed<T, R> | undefined
  const attempt: Attempt<T, R> = {
    mayBeApplied: false,
    next(before) {
      if (before?.recent.includes(mark)) return undefined
      // While the state lists all that followed the last one, it would list this change too.
      const isRefuted = base !== undefined && before?.recent.includes(base) === true
      if (attempt.mayBeApplied && !isRefuted) throw attempt.unknown()
      base = before?.recent.at(-1)
      done = change(before?.items ?? empty, key)
      if (done.items === undefined) return undefined
      const after = nextState(before, done.items, mark)
      checkBounds(key, after)
      return after
    },
    result: () => (done ?? misuse('collection', 'the change was not tried')).result,
    unknown: () =>
      new StoreError(
        `the change of ${key} may have been applied: the answers were lost; read it before you repeat it`,
        {
          key,
          retryable: true,
          code: 'STORE_UNKNOWN',
        },
      ),
  }
  return attempt
}
