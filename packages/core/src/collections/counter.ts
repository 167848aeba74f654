import type { ParamsOf } from '../data/key-template.ts'
import type { Cache } from '../data/types.ts'
import { checkOptions, misuse, type Rule } from '../lib/options.ts'
import { systemRuntime } from '../lib/runtime.ts'
import {
  type Binding,
  COLLECTION_RULES,
  type CollectionOptions,
  type CollectionReadOptions,
  createCollection,
  type Expiring,
} from './collection.ts'
import { CollectionFullError } from './error.ts'

/** The most shards: a read asks for each. */
const MAX_SHARDS = 64

/** How a counter is bound. */
export interface CounterOptions<Template extends string> extends CollectionOptions<Template> {
  /**
   * Spreads the counter over 1 to 64 records, for more changes per second. `add` changes one of them at random and resolves to
   * `undefined`; `read` reads all and adds them up. Do not lower it while counts live. Default: not sharded, and `add` resolves
   * to the new number.
   */
  readonly shards?: number
}

/** A whole number. */
export interface Counter<P, Added> extends Expiring<P> {
  /** Adds, or takes away what is below 0; 1 by default. Resolves to the new number, unless it is sharded. */
  add(params: P, by?: number): Promise<Added>
  /** The number; 0 when nothing was added. */
  read(params: P, options?: CollectionReadOptions): Promise<number>
}

const shardsRule: Rule = [
  `a whole number, 1 to ${MAX_SHARDS}`,
  (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_SHARDS,
]

/** Binds a counter to a cache. Throws `TypeError` that names a wrong option. */
export function counter<const Template extends string>(
  cache: Cache,
  options: CounterOptions<Template> & { readonly shards: number },
): Counter<ParamsOf<Template>, undefined>
export function counter<const Template extends string>(
  cache: Cache,
  options: CollectionOptions<Template>,
): Counter<ParamsOf<Template>, number>
export function counter(cache: Cache, options: Binding & { readonly shards?: number }): Counter<never, unknown> {
  const given = checkOptions('counter', options, { ...COLLECTION_RULES, shards: shardsRule }, ['key', 'usable'])
  const { shards, tags, key, ...rest } = given
  const count = shards ?? 1
  const isSharded = shards !== undefined
  const template = isSharded ? `${key}:{shard}` : key
  const { read, change, expire, remaining, clear } = createCollection<unknown, number>(
    cache,
    // The number of the shard is not a parameter of the counter.
    {
      ...rest,
      key: template,
      ...(tags && { tags: (params: never) => tags(isSharded ? withoutShard(params) : params) }),
    },
    { empty: 0, parse: (json) => (Number.isSafeInteger(json) ? (json as number) : undefined) },
  )
  const partOf = (params: Readonly<Record<string, unknown>> | undefined, shard: number): unknown =>
    isSharded ? { ...params, shard } : params
  const all = <T>(params: Readonly<Record<string, unknown>> | undefined, call: (part: unknown) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, shard) => call(partOf(params, shard))))

  return {
    async add(params, by = 1) {
      if (!Number.isSafeInteger(by)) misuse('add', '"by" must be a whole number')
      const part = partOf(params, Math.floor(systemRuntime.random() * count))
      const total = await change(part, (before, plain) => {
        if (by === 0) return { result: before }
        const items = before + by
        if (!Number.isSafeInteger(items))
          throw new CollectionFullError(plain, 'a number beyond 2^53', 'clear it, or count under several keys')
        return { items, result: items }
      })
      return isSharded ? undefined : total
    },
    read: async (params, how) =>
      (await all(params, (part) => read(part, how))).reduce((sum, state) => sum + (state?.items ?? 0), 0),
    expire: async (params, usable) => (await all(params, (part) => expire(part, usable))).some(Boolean),
    remaining: async (params) => Math.max(...(await all(params, remaining))),
    clear: async (params) => void (await all(params, clear)),
  }
}

function withoutShard(params: object): never {
  const { shard: _shard, ...own } = params as { readonly shard?: unknown }
  // The template of the counter says what its parameters are; here nobody knows.
  return own as never
}
