/**
 * Lists the keys of the store on Upstash, for operators.
 *
 * @module
 */

import type { Inventory } from '@warmtoken/core/adapter'
import { checkUpstashOptions, type UpstashStoreOptions } from '../redis/options.ts'

/**
 * Lists the keys of the database by SCAN, inside a script. Takes the options of `upstashStore`. Throws `TypeError` that names
 * the option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const inventory = upstashInventory({ url, token })
 * for await (const { keys } of inventory.pages({ signal: AbortSignal.timeout(60_000) })) console.log(keys)
 * ```
 */
export function upstashInventory(options: UpstashStoreOptions): Inventory {
  checkUpstashOptions(options)
  return {
    name: 'upstash',
    async *pages(how) {
      const [{ openDatabase }, { makePages }] = await Promise.all([
        import('../redis/store.ts'),
        import('@warmtoken/adapters-redis/calls'),
      ])
      yield* makePages(await openDatabase(options))(how)
    },
  }
}
