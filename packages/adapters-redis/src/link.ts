import type { Cluster, Redis } from 'ioredis'
import type { Redis as Valkey, Cluster as ValkeyCluster } from 'iovalkey'
import type { RedisClientType, RedisClusterType } from 'redis'
import type { Call } from './calls/calls.ts'
import { type IoredisClient, isIoredis, isNodeRedis, type NodeRedisClient, type RedisClient } from './shapes.ts'

/** A client of any kind, as the connections use it. */
export interface Link {
  readonly isCluster: boolean
  /** Whether a request can be sent now. */
  isReady(): boolean
  /** Resolves when it is ready. Rejects with what went wrong, though the client itself may go on trying. */
  connect(): Promise<void>
  /** Runs a script, by its text or by its name. */
  ask(name: 'eval' | 'evalsha', script: string, call: Pick<Call, 'keys' | 'args'>): Promise<unknown>
  /** The server's INFO. */
  info(): Promise<unknown>
  /** Calls back when the connection is lost. */
  whenLost(listener: (error: unknown) => void): void
  /** Ends the client, at once and without an error. */
  end(): void
}

/** Checked by the compiler: these are such clients. The options themselves cannot name them. */
type Checked<Client extends RedisClient> = Client
export type Known = Checked<Redis | Cluster | Valkey | ValkeyCluster | RedisClientType | RedisClusterType>

/** The client behind one interface; `undefined` when it is of a kind that is not known. */
export function linkOf(client: unknown): Link | undefined {
  const link = isIoredis(client) ? ioredisLink(client) : isNodeRedis(client) ? nodeRedisLink(client) : undefined
  // A client whose "error" nobody listens to ends the process.
  if (isIoredis(client) || isNodeRedis(client)) client.on('error', () => undefined)
  return link
}

function ioredisLink(client: IoredisClient): Link {
  const isReady = (): boolean => client.status === 'ready'
  return {
    isCluster: client.isCluster,
    isReady,
    async connect() {
      if (isReady()) return
      const ready = firstEvent(client, ['error', 'close', 'end'])
      // It rejects with less than the "error" event says.
      if (client.status === 'wait') client.connect().catch(() => undefined)
      await ready
    },
    ask: (name, script, { keys, args }) => client[name](script, keys.length, ...keys, ...args),
    info: () => client.info(),
    whenLost(listener) {
      for (const event of ['error', 'close', 'end']) client.on(event, listener)
    },
    end: () => client.disconnect(),
  }
}

function nodeRedisLink(client: NodeRedisClient): Link {
  const { masters } = client
  const isCluster = masters !== undefined
  const isReady = (): boolean => client.isOpen && (client.isReady ?? (client.masters?.length ?? 0) > 0)
  return {
    isCluster,
    isReady,
    async connect() {
      if (isReady()) return
      // A cluster emits an error for each node that it cannot reach, and may reach others.
      const ready = isCluster ? undefined : firstEvent(client, ['error', 'end'])
      ready?.catch(() => undefined)
      const connecting = client.isOpen ? undefined : client.connect()
      connecting?.catch(() => undefined)
      await Promise.race([ready, connecting].filter((one) => one !== undefined))
    },
    ask: (name, script, { keys, args }) =>
      client[name === 'eval' ? 'eval' : 'evalSha'](script, { keys, arguments: args }),
    info: () => client.info(),
    whenLost(listener) {
      for (const event of ['error', 'end']) client.on(event, listener)
    },
    end() {
      // It throws when it is closed already.
      if (client.isOpen) client.destroy()
    },
  }
}

/** Resolves at "ready"; rejects at one of the other events, with its error where it has one. */
function firstEvent(client: IoredisClient | NodeRedisClient, failures: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      client.off('ready', succeed)
      for (const event of failures) client.off(event, fail)
      act()
    }
    const succeed = (): void => finish(resolve)
    const fail = (error: unknown): void =>
      finish(() => reject(error ?? Object.assign(new Error('the connection ended'), { name: 'ConnectionEnded' })))
    client.on('ready', succeed)
    for (const event of failures) client.on(event, fail)
  })
}
