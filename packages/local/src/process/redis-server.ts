import type { ListenOptions, LocalServer } from '../http/listen.ts'
import { commandOf } from '../upstash/reply.ts'
import { connectRedis } from '../upstash/resp/resp-connection.ts'
import { claimPort, startChildServer } from './child-server.ts'
import { makeServerFolder } from './other-user.ts'

/** Options of {@link startRedisServer}. */
export interface RedisServerOptions extends ListenOptions {
  /** Path or name of the program; default `redis-server`. Starting throws when it cannot be run. */
  readonly binary?: string
  /** Settings of `redis.conf` by name, beside those that keep it to itself. Default none. A password is better set later. */
  readonly settings?: { readonly [name: string]: string | number }
}

/**
 * Starts a real Redis server that keeps nothing: no snapshot, no log, and a working folder that close() removes.
 *
 * @throws Error when the program is missing, exits, or does not answer within 10 seconds.
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<LocalServer> {
  const { binary = 'redis-server' } = options
  const port = await claimPort(options.port)
  const { path: folder, remove } = await makeServerFolder('redis')
  const settings = {
    ...options.settings,
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'no',
    daemonize: 'no',
  }
  const child = await startChildServer({
    binary,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    whenMissing: `${binary} could not be run. On Debian: apt-get install redis-server, or sh scripts/servers.sh.`,
    answers: () => isOurs(port, folder),
  }).catch(async (error: unknown) => {
    await remove()
    throw error
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    close: async () => {
      await child.stop()
      await remove()
    },
  }
}

/** Asks for the working folder too, because on a port that was taken a stranger would answer. */
async function isOurs(port: number, folder: string): Promise<boolean> {
  const connection = connectRedis({ port })
  try {
    const [reply] = await connection.send([commandOf('CONFIG', 'GET', 'dir')])
    return Array.isArray(reply) && String(reply[1]) === folder
  } finally {
    connection.close()
  }
}
