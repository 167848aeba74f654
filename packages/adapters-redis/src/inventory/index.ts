/**
 * Lists the keys of the store on Redis, for operators.
 *
 * @module
 */

import type { Inventory } from '@warmtoken/core/adapter'
import { checkRedisOptions, type RedisStoreOptions } from '../options.ts'

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
