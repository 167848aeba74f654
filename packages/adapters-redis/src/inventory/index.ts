/**
 * Lists the keys of the store on Redis, and reads the settings of its server, for operators.
 *
 * @module
 */

import type { Inventory } from '@warmtoken/core/adapter'
import { checkRedisOptions, type RedisStoreOptions } from '../options.ts'
import type { RedisSettings } from '../settings.ts'

export type { RedisSettings } from '../settings.ts'

/**
 * Lists the keys of the server by SCAN, inside a script. Takes the options of `redisStore`. SCAN sees one node of a cluster,
 * so a cluster client is refused. Throws `TypeError` that names the option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const inventory = redisInventory({ client })
 * for await (const { keys } of inventory.pages({ signal: AbortSignal.timeout(60_000) })) console.log(keys)
 * ```
 */
export function redisInventory(options: RedisStoreOptions): Inventory {
  checkRedisOptions(options)
  return {
    name: 'redis',
    async *pages(how) {
      const [{ openServer }, { makePages }] = await Promise.all([import('../store.ts'), import('../calls/pages.ts')])
      const server = openServer(options)
      await server.open().catch((error: unknown) => {
        throw server.faultOf(error)
      })
      yield* makePages(server)(how)
    },
  }
}

/**
 * Asks the server for the settings that records depend on, by INFO. Takes the options of `redisStore`. Resolves to `undefined`
 * when the user may not ask. Throws `TypeError` as `redisInventory` does, and rejects with a `StoreFault` when there is no connection.
 */
export async function redisSettings(options: RedisStoreOptions): Promise<RedisSettings | undefined> {
  checkRedisOptions(options)
  const { openServer } = await import('../store.ts')
  const server = openServer(options)
  return server.settings().catch((error: unknown) => {
    throw server.faultOf(error)
  })
}
