import type { RedisBackend } from '../redis-backend.ts'
import { DISCARDED } from '../redis-backend.ts'
import type { Reply } from '../reply.ts'
import { commandOf, isError } from '../reply.ts'
import type { RedisAddress, RespConnection } from './resp-connection.ts'
import { connectRedis } from './resp-connection.ts'

/** A backend over a real Redis server; it connects at first use and again after the connection was lost. */
export function createServerRedis(address: RedisAddress): RedisBackend {
  const subscriptions = new Set<RespConnection>()
  let shared: RespConnection | undefined

  const connection = (): RespConnection => {
    if (!shared?.open) shared = connectRedis(address)
    return shared
  }

  return {
    execute: async (command) => (await connection().send([command]))[0] ?? null,
    transaction: async (commands) => {
      const replies = await connection().send([commandOf('MULTI'), ...commands, commandOf('EXEC')])
      const result = replies.at(-1)
      return Array.isArray(result) ? result : isError(result) ? result : DISCARDED
    },
    subscribe: async (channel, listener) => {
      const own = connectRedis(address, (push: Reply) => {
        const [, , payload] = Array.isArray(push) ? push : []
        if (Buffer.isBuffer(payload)) listener(payload)
      })
      subscriptions.add(own)
      await own.send([[Buffer.from('SUBSCRIBE'), channel]])
      return () => {
        subscriptions.delete(own)
        own.close()
      }
    },
    close: () => {
      shared?.close()
      for (const each of subscriptions) each.close()
    },
  }
}
