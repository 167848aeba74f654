/**
 * The store on Upstash Redis, over its REST API: one hash a key, one script an operation.
 *
 * @module
 */

import type { Store } from '@warmtoken/core'
import { checkOptions } from './check.ts'

/** What the store uses of a `Redis` of `@upstash/redis`, whose own type would have to be installed. */
export interface RedisClient {
  /** Runs a script by its text. */
  eval(script: string, keys: string[], args: string[]): Promise<unknown>
  /** Runs a script by its SHA-1. */
  evalsha(sha1: string, keys: string[], args: string[]): Promise<unknown>
}

/** How {@link upstashStore} is set up: with `url` and `token`, or with a `client`. */
export interface UpstashStoreOptions {
  /** The REST URL of the database. */
  readonly url?: string
  /** Allow `http:` in `url` beyond this machine, where everybody on the way can read the tokens. Default false. */
  readonly allowInsecure?: boolean
  /** Its REST token. It must be allowed EVAL and EVALSHA: a read-only token is not. */
  readonly token?: string
  /** What the keys begin with. Default `warmtoken:`. */
  readonly prefix?: string
  /**
   * A `Redis` of `@upstash/redis`, or a function that gives it. It should retry once, not deserialize, not pipeline by itself,
   * and have no `signal` or one that is a function. Default: none. Requests are sent without a client then, which a new
   * environment need not load, nor the `fetch` that it sends by.
   */
  readonly client?: RedisClient | (() => RedisClient | Promise<RedisClient>)
}

type Calls = Required<Omit<Store, 'name' | 'open'>>

/**
 * Makes the store. Redis replicates asynchronously: a failover may forget the last writes, so it saves calls to the
 * issuer but does not exclude a second one. Throws `TypeError` when both `client` and `url` with `token` are
 * missing, or both are there, and for a `url` that is not safe.
 *
 * @example
 * ```ts
 * const { UPSTASH_REDIS_REST_URL: url = '', UPSTASH_REDIS_REST_TOKEN: token = '' } = process.env
 * const tokens = createTokens({ store: upstashStore({ url, token }) })
 * ```
 */
export function upstashStore(options: UpstashStoreOptions): Store {
  checkOptions(options)
  let calls: Promise<Calls> | undefined
  // An environment whose memory or file has the token loads none of it.
  const load = (): Promise<Calls> => {
    if (calls !== undefined) return calls
    const mine = import('./redis-calls.ts').then(({ redisCalls }) => redisCalls(options))
    calls = mine
    mine.catch(() => {
      calls = undefined
    })
    return mine
  }
  return {
    name: 'upstash',
    open: async () => void (await load()),
    read: async (key, how) => (await load()).read(key, how),
    swap: async (key, swap, how) => (await load()).swap(key, swap, how),
    readMany: async (keys, how) => (await load()).readMany(keys, how),
  }
}
