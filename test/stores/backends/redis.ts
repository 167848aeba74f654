import { type RedisClient, redisStore } from '@warmtoken/adapters-redis'
import type { Store } from '@warmtoken/core'
import {
  type RedisServerOptions,
  startRedisCluster,
  startRedisFaultProxy,
  startRedisServer,
  type TcpFault,
  type TcpFaultProxy,
  type TcpRequest,
} from '@warmtoken/local'
import { proxiedFaults, type StoreFaultKind, type StoreFaults } from '@warmtoken/testing/store'
import { Cluster, Redis } from 'ioredis'
import { Redis as Valkey, Cluster as ValkeyCluster } from 'iovalkey'
import { createClient, createCluster } from 'redis'
import type { Backend } from './backend.ts'

/** The password of the servers: no fault may show it. */
export const PASSWORD = 'correct-horse-battery'

function says(words: string): TcpFault {
  return { kind: 'bytes', when: 'before', bytes: `-${words}\r\n` }
}

/** How Redis says what goes wrong. */
const ANSWERS: Partial<Record<StoreFaultKind, TcpFault>> = {
  'server-error': says('LOADING Redis is loading the dataset in memory'),
  throttled: says('BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.'),
  busy: says('TRYAGAIN Multiple keys request during rehashing of slot'),
  denied: says("NOPERM this user has no permissions to run the 'evalsha' command"),
}

/** The clients of the test. */
export type ClientName = 'ioredis' | 'node-redis' | 'iovalkey'

/** Clients for one server, and for a cluster, by name. Each call makes one that nobody else uses. */
export const CLIENTS: Record<ClientName, Record<'single' | 'cluster', (port: number) => RedisClient>> = {
  ioredis: {
    single: (port: number) => new Redis({ port, password: PASSWORD }),
    cluster: (port: number) => new Cluster([{ host: '127.0.0.1', port }], { redisOptions: { password: PASSWORD } }),
  },
  'node-redis': {
    single: (port: number) => createClient({ socket: { port }, password: PASSWORD }),
    cluster: (port: number) =>
      createCluster({ rootNodes: [{ socket: { host: '127.0.0.1', port } }], defaults: { password: PASSWORD } }),
  },
  iovalkey: {
    single: (port: number) => new Valkey({ port, password: PASSWORD }),
    cluster: (port: number) =>
      new ValkeyCluster([{ host: '127.0.0.1', port }], { redisOptions: { password: PASSWORD } }),
  },
}

/** A server with a password and a proxy before it. */
export interface ProxiedRedis {
  readonly proxy: TcpFaultProxy
  /** Where the server itself listens. */
  readonly port: number
  /** A connection to the server itself, for looking into it. */
  readonly inside: Redis
  close(): Promise<void>
}

/** Starts a server that wants the password. */
export async function startProxiedRedis(options: RedisServerOptions = {}): Promise<ProxiedRedis> {
  const server = await startRedisServer(options)
  const proxy = await startRedisFaultProxy({ target: server.port })
  const inside = new Redis({ port: server.port })
  await inside.config('SET', 'requirepass', PASSWORD)
  return {
    proxy,
    port: server.port,
    inside,
    async close() {
      inside.disconnect()
      await proxy.close()
      await server.close()
    },
  }
}

/** Looks into a database without the store. */
function lookInto(inside: Redis | Cluster) {
  return {
    secrets: [PASSWORD],
    keepUntilOf: (key: string) => inside.pexpiretime(`warmtoken:${key}`),
    plant: async (key: string) => {
      await inside.set(`warmtoken:${key}`, 'something')
    },
  }
}

/** One server, by a client that the store owns. */
export function redisByOwned(name: ClientName): Backend {
  return redisBy(name, ownedStore(name, 'single'))
}

/** One server. */
export function redisBy(name: string, connect: Connect): Backend {
  return {
    name: `Redis, ${name}`,
    async start() {
      const { proxy, inside, close } = await startProxiedRedis()
      return {
        url: undefined,
        answers: {},
        faults: proxiedFaults(proxy, ANSWERS),
        ...lookInto(inside),
        connect: () => connect(proxy.port),
        close,
      }
    },
  }
}

/** A cluster of three servers, each with a proxy before it. */
export function redisClusterBy(name: ClientName): Backend {
  const connect = ownedStore(name, 'cluster')
  return {
    name: `Redis cluster, ${name}`,
    async start() {
      const proxies: TcpFaultProxy[] = []
      const cluster = await startRedisCluster({
        announce: async (target) => {
          const proxy = await startRedisFaultProxy({ target })
          proxies.push(proxy)
          return proxy.port
        },
      })
      const port = proxies[0]?.port ?? 0
      for (const node of cluster.nodes) {
        const inside = new Redis({ port: node.port })
        await inside.config('SET', 'requirepass', PASSWORD)
        inside.disconnect()
      }
      const inside = new Cluster([{ host: '127.0.0.1', port }], { redisOptions: { password: PASSWORD } })
      await teach(connect(port))
      return {
        url: undefined,
        answers: {},
        faults: faultsOfAll(proxies),
        ...lookInto(inside),
        connect: () => connect(port),
        async close() {
          inside.disconnect()
          for (const proxy of proxies) await proxy.close()
          await cluster.close()
        },
      }
    },
  }
}

/**
 * Has every node of a cluster run the scripts once. A cluster client may send a request again unseen, so the first swap on a node
 * that does not know the script is in doubt where it meets another write.
 */
async function teach(store: Store): Promise<void> {
  const swaps = Array.from({ length: 30 }, async (_, index) => {
    const swap = { expected: undefined, body: 'body', tag: 'tag', keepUntil: Date.now() + 60_000 }
    await store.swap(`teach-${index}`, swap, { signal: AbortSignal.timeout(10_000) })
  })
  await Promise.all(swaps)
}

/** The same by clients that the application uses too, with the settings that the page asks for. */
export const SHARED: Record<string, Connect> = {
  'ioredis, shared': (port) => redisStore({ client: new Redis({ port, password: PASSWORD, ...SHARED_SETTINGS }) }),
  'iovalkey, shared': (port) => redisStore({ client: new Valkey({ port, password: PASSWORD, ...SHARED_SETTINGS }) }),
}

const SHARED_SETTINGS = {
  maxRetriesPerRequest: 0,
  socketTimeout: 350,
  retryStrategy: (times: number) => Math.random() * Math.min(2_000, 50 * 2 ** times),
}

/** Makes a store at a port. */
type Connect = (port: number) => Store

/** Makes a store that owns its connection. */
function ownedStore(name: ClientName, kind: 'single' | 'cluster'): Connect {
  return (port) => redisStore({ connect: () => CLIENTS[name][kind](port) })
}

/** The faults of several proxies as of one. */
function faultsOfAll(proxies: readonly TcpFaultProxy[]): StoreFaults {
  const rules: ((request: TcpRequest) => TcpFault | undefined)[] = []
  const rule = (request: TcpRequest): TcpFault | undefined => {
    for (const one of rules) {
      const fault = one(request)
      if (fault !== undefined) return fault
    }
    return undefined
  }
  for (const proxy of proxies) proxy.rules.push(rule)
  const breakConnections = (how: 'reset' | 'silence'): void => {
    for (const proxy of proxies) proxy.breakConnections(how)
  }
  return proxiedFaults({ rules, breakConnections }, ANSWERS)
}
