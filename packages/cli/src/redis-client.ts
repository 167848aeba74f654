/** Connects to Redis by the client that the project has installed: this package brings none. @module */

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RedisClient } from '@warmtoken/adapters-redis'
import type { Context } from './context.ts'
import { EXIT, OperatorError } from './exit.ts'

/** Clients in the order in which they are looked for, and how each is made. */
const CLIENTS: readonly (readonly [name: string, make: (module: ClientModule, login: Login) => RedisClient])[] = [
  ['ioredis', fromClass],
  ['iovalkey', fromClass],
  ['redis', ({ createClient }, { url, password }) => createClient({ url, ...(password && { password }) })],
]

/** What the three packages export. */
interface ClientModule {
  readonly default: new (url: string, options: object) => RedisClient
  readonly createClient: (options: object) => RedisClient
}

interface Login {
  readonly url: string
  readonly password: string | undefined
}

/** Makes a function that connects, for the option `connect` of a store. Each client is ended when the command ends. */
export async function redisConnector(
  url: string,
  context: Pick<Context, 'cwd' | 'env' | 'atEnd'>,
): Promise<() => RedisClient> {
  checkUrl(url)
  const [module, make] = await loadClient(context.cwd)
  const login = { url, password: context.env['REDIS_PASSWORD'] || undefined }
  return () => {
    const client = make(module, login)
    // What a connection fails with is reported by the request that needs it.
    client.on('error', () => {})
    context.atEnd(() => void ('disconnect' in client ? client.disconnect() : client.destroy()))
    return client
  }
}

function checkUrl(text: string): void {
  const { protocol, password } = URL.parse(text) ?? {}
  if (protocol !== 'redis:' && protocol !== 'rediss:')
    throw new OperatorError('--redis must be an address such as rediss://cache.example.com:6379', EXIT.usage)
  if (password !== '')
    throw new OperatorError(
      '--redis must not contain a password, which your shell history would keep; set REDIS_PASSWORD',
      EXIT.usage,
    )
}

async function loadClient(cwd: string): Promise<readonly [ClientModule, (typeof CLIENTS)[number][1]]> {
  const project = createRequire(join(cwd, 'package.json'))
  for (const [name, make] of CLIENTS) {
    const path = resolveIn(project, name)
    if (path !== undefined) return [(await import(pathToFileURL(path).href)) as ClientModule, make]
  }
  throw new OperatorError('--redis needs a client; install one in this project: npm install -D ioredis')
}

function resolveIn(project: NodeJS.Require, name: string): string | undefined {
  try {
    return project.resolve(name)
  } catch {
    return undefined
  }
}

/** It connects when the store asks it to, and once: the store repeats what must be repeated. */
function fromClass({ default: Client }: ClientModule, { url, password }: Login): RedisClient {
  return new Client(url, { lazyConnect: true, retryStrategy: null, ...(password && { password }) })
}
