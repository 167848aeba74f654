/**
 * Lists the keys of the store on DynamoDB, for operators. Functions that serve users need neither this module nor its rights.
 *
 * @module
 */

import type { Inventory } from '@warmtoken/core/adapter'
import { checkOptions, textRule } from '@warmtoken/core/adapter/setup'
import { loadFailed } from '../shared/load-failed.ts'
import { checkClient, PLACE } from '../shared/options.ts'
import type { DynamoDBInventoryOptions } from './options.ts'

export type { DynamoDBInventoryOptions } from './options.ts'

/**
 * Lists the keys of a table by Scan, with their attribute `pk` alone. Needs `dynamodb:Scan` on the table. A scan reads the
 * whole table and is billed so: half a read unit for each 4 KB. Throws `TypeError` that names the option when one is
 * missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const inventory = dynamoDBInventory({ table: 'tokens' })
 * for await (const { keys } of inventory.pages({ signal: AbortSignal.timeout(60_000) })) console.log(keys)
 * ```
 */
export function dynamoDBInventory(options: DynamoDBInventoryOptions): Inventory {
  checkOptions('dynamoDBInventory', options, { table: textRule, ...PLACE }, ['table'])
  checkClient('dynamoDBInventory', options, { agent: options.agent })
  return {
    name: 'dynamodb',
    async *pages(how) {
      const { scanTable } = await import('./scan-table.ts').catch(loadFailed)
      yield* scanTable(options, how)
    },
  }
}
