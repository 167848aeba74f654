import { asFields, shaped } from '@warmtoken/core/adapter/setup'

/** What is common to all clients: they emit events. */
interface Emitter {
  on(event: string, listener: (error: unknown) => void): unknown
  off(event: string, listener: (error: unknown) => void): unknown
}

/** What the store uses of a `Redis` or a `Cluster` of ioredis or iovalkey, whose own types would have to be installed. */
export interface IoredisClient extends Emitter {
  readonly status: string
  readonly isCluster: boolean
  evalsha(sha1: string, keyCount: number, ...keysAndArgs: string[]): Promise<unknown>
  eval(script: string, keyCount: number, ...keysAndArgs: string[]): Promise<unknown>
  info(): Promise<string>
  connect(): Promise<unknown>
  disconnect(): void
}

/** What the store uses of a client that `createClient` or `createCluster` of node-redis made. */
export interface NodeRedisClient extends Emitter {
  readonly isOpen: boolean
  /** Not on a cluster. */
  readonly isReady?: boolean
  /** On a cluster only. */
  readonly masters?: readonly unknown[]
  evalSha(sha1: string, options: ScriptOptions): Promise<unknown>
  eval(script: string, options: ScriptOptions): Promise<unknown>
  info(): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): void
}

interface ScriptOptions {
  keys: string[]
  arguments: string[]
}

/** A client that the store can use. */
export type RedisClient = IoredisClient | NodeRedisClient

const [, hasIoredisMethods] = shaped('evalsha', 'eval', 'info', 'connect', 'disconnect', 'on', 'off')
const [, hasNodeRedisMethods] = shaped('evalSha', 'eval', 'info', 'connect', 'destroy', 'on', 'off')

/** Whether it is a client of ioredis or iovalkey. */
export function isIoredis(client: unknown): client is IoredisClient {
  return hasIoredisMethods(client) && typeof asFields(client)?.['status'] === 'string'
}

/** Whether it is a client of node-redis 5 or newer. */
export function isNodeRedis(client: unknown): client is NodeRedisClient {
  return hasNodeRedisMethods(client) && typeof asFields(client)?.['isOpen'] === 'boolean'
}
