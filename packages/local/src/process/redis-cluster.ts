import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalServer } from '../http/listen.ts'
import { commandOf } from '../upstash/reply.ts'
import { connectRedis } from '../upstash/resp/resp-connection.ts'
import { claimPort } from './child-server.ts'
import { type RedisServerOptions, startRedisServer } from './redis-server.ts'

/** Options of {@link startRedisCluster}. */
export interface RedisClusterOptions extends Pick<RedisServerOptions, 'binary' | 'settings'> {
  /** How many primaries; default 3. There are no replicas. */
  readonly nodes?: number
  /** Resolves to the port that a node tells clients, such as that of a fault proxy before it. Default: its own. */
  readonly announce?: (port: number) => number | Promise<number>
}

/** A running cluster. */
export interface RedisCluster extends Pick<LocalServer, 'close'> {
  /** The nodes. Each `port` is the server's own, whatever is announced. */
  readonly nodes: readonly LocalServer[]
}

const SLOTS = 16_384
const ATTEMPTS = 500
const PAUSE_MS = 20

/**
 * Starts real Redis servers that form a cluster, each with its share of the slots, and waits until all agree.
 *
 * @throws Error when the program is missing, or the nodes do not agree within 10 seconds.
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { nodes: count = 3, announce = (port) => port, ...server } = options
  const nodes: LocalServer[] = []
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()))
  }
  try {
    const busPorts: number[] = []
    for (let index = 0; index < count; index += 1) {
      const [port, busPort] = [await claimPort(), await claimPort()]
      const settings = {
        ...server.settings,
        'cluster-enabled': 'yes',
        'cluster-port': busPort,
        'cluster-announce-ip': '127.0.0.1',
        'cluster-announce-port': await announce(port),
        'cluster-announce-bus-port': busPort,
      }
      nodes.push(await startRedisServer({ ...server, port, settings }))
      busPorts.push(busPort)
    }
    const [first] = nodes
    for (const [index, node] of nodes.entries()) {
      const [from, to] = [index, index + 1].map((part) => Math.floor((SLOTS / count) * part))
      await ask(node, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
      await ask(node, 'CLUSTER', 'ADDSLOTSRANGE', from ?? 0, (to ?? SLOTS) - 1)
      if (first !== undefined && node !== first)
        await ask(first, 'CLUSTER', 'MEET', '127.0.0.1', node.port, busPorts[index] ?? 0)
    }
    await Promise.all(nodes.map((node) => agreed(node, count)))
    return { nodes, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Resolves when a node knows all others and that every slot is served. */
async function agreed(node: LocalServer, count: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const info = String(await ask(node, 'CLUSTER', 'INFO'))
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`)) return
    await sleep(PAUSE_MS)
  }
  throw new Error('the nodes of the Redis cluster did not agree in time')
}

async function ask({ port }: LocalServer, ...words: readonly (string | number)[]): Promise<unknown> {
  const connection = connectRedis({ port })
  try {
    const [reply] = await connection.send([commandOf(...words.map(String))])
    return reply
  } finally {
    connection.close()
  }
}
