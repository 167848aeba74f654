import { storeFault } from '@warmtoken/core/adapter'
import { asFields, shaped } from '@warmtoken/core/adapter/setup'
import type { Channel } from '@warmtoken/core/live'
import { linkOf } from '../link.ts'
import { checkRedisOptions, type RedisStoreOptions } from '../options.ts'
import { isIoredis } from '../shapes.ts'

/** What is used of a client of ioredis or iovalkey beside what the store uses. */
interface IoredisSubscriber {
  subscribe(channel: string): Promise<unknown>
  on(event: 'message', listener: (channel: string, text: string) => void): unknown
}

/** The same of node-redis. */
interface NodeRedisSubscriber {
  subscribe(channel: string, listener: (text: string) => void): Promise<unknown>
}

const [, canSubscribe] = shaped('subscribe')
const [, canDuplicate] = shaped('duplicate')

function isIoredisSubscriber(client: unknown): client is IoredisSubscriber {
  return isIoredis(client) && canSubscribe(client)
}

function isNodeRedisSubscriber(client: unknown): client is NodeRedisSubscriber {
  return canSubscribe(client)
}

/**
 * The channel `<prefix>live`, on which the store publishes announced writes: the option `channel` of `createFeed`. Each listener has a
 * connection of its own: of `connect`, or a duplicate of `client`. Takes the options of `redisStore`. Throws `TypeError` that
 * names a wrong option.
 */
export function redisChannel(options: RedisStoreOptions): Channel {
  checkRedisOptions(options)
  const name = `${options.prefix ?? 'warmtoken:'}live`
  return {
    name: 'redis',
    async listen({ onText, onEnd }, { signal }) {
      const client = await makeClient(options)
      const link = linkOf(client)
      if (link === undefined) throw refused()
      const end = (): void => {
        signal.removeEventListener('abort', end)
        link.end()
        onEnd()
      }
      signal.addEventListener('abort', end)
      try {
        await link.connect()
        link.whenLost(end)
        await subscribe(client, name, onText)
      } catch (error) {
        end()
        throw fault(error)
      }
      if (signal.aborted) end()
    },
  }
}

async function subscribe(client: unknown, name: string, onText: (text: string) => void): Promise<void> {
  if (isIoredisSubscriber(client)) {
    client.on('message', (_channel, text) => onText(text))
    await client.subscribe(name)
  } else if (isNodeRedisSubscriber(client)) await client.subscribe(name, onText)
  else throw refused()
}

/** A connection that subscribes can do nothing else, so it is nobody else's. */
async function makeClient({ connect, client }: RedisStoreOptions): Promise<unknown> {
  if (connect !== undefined) return connect()
  const { duplicate } = asFields(client) ?? {}
  if (!canDuplicate(client) || typeof duplicate !== 'function') throw refused()
  return duplicate.call(client)
}

function refused(): Error {
  const why = 'the client cannot subscribe; give one of ioredis, iovalkey or node-redis 5 or newer'
  return storeFault(`Redis: ${why}`, { code: 'STORE_REFUSED', retryable: false })
}

/** A client's message may quote an address with its password: only the name and the code go on. */
function fault(cause: unknown): Error {
  return storeFault('Redis: the channel cannot be heard', { code: 'STORE_UNAVAILABLE', retryable: true, cause })
}
