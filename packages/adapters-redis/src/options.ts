import { checkOptions, flagRule, functionRule, misuse, type Rule } from '@warmtoken/core/adapter/setup'
import { isIoredis, isNodeRedis, type RedisClient } from './shapes.ts'

/** How `redisStore` is set up: with `connect`, or with a `client`. */
export interface RedisStoreOptions {
  /**
   * Returns a new client, connected or not; it may be async, to get a password that expires. Called whenever the store needs
   * a connection. The store owns the client: it replaces one that failed, or that was idle for 4 s, and ends it.
   */
  readonly connect?: () => RedisClient | Promise<RedisClient>
  /**
   * A client that your application uses too. The store never ends it, so only the client's own settings help when a connection
   * is dead; see `docs/stores/redis.md`.
   */
  readonly client?: RedisClient
  /** What the keys begin with. Default `warmtoken:`. */
  readonly prefix?: string
  /**
   * The server never loses an acknowledged write: MemoryDB, or ElastiCache for Valkey with synchronous durability. Default
   * false: `forgets` of the store is true then.
   */
  readonly durable?: boolean
  /** Receives what an operator should know. What it throws is ignored. Default: one warning of the process a problem. */
  readonly onProblem?: (problem: RedisProblem) => void
}

/** Something about the server that an operator should know. Calls go on. */
export interface RedisProblem {
  /** `eviction`: the server deletes records when its memory is full. */
  readonly type: 'eviction'
  /** The server's `maxmemory-policy`. */
  readonly policy: string
  /** The same in words, with what to change. */
  readonly message: string
}

/** What a client must be, in words. */
export const CLIENT = 'a client of ioredis, iovalkey or node-redis 5 or newer'

const RULES: { readonly [name: string]: Rule } = {
  connect: ['a function that returns a client', functionRule[1]],
  client: [CLIENT, (value) => isIoredis(value) || isNodeRedis(value)],
  prefix: ['a text', (value) => typeof value === 'string'],
  durable: flagRule,
  onProblem: functionRule,
}

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown. It never shows what was given. */
export function checkRedisOptions(options: RedisStoreOptions): void {
  const { connect, client } = checkOptions('redisStore', options, RULES)
  if (connect === undefined && client === undefined)
    misuse('redisStore', 'option "connect" is required when there is no "client"')
  if (connect !== undefined && client !== undefined)
    misuse('redisStore', 'option "connect" cannot be combined with "client"')
}
