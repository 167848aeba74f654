/**
 * Lists the keys of the stores on DynamoDB and S3, for operators. Functions need neither this module nor its rights.
 *
 * @module
 */

import type { Inventory } from '@warmtoken/core/adapter'
import { checkOptions, type Rule, textRule } from '@warmtoken/core/adapter/setup'
import { loadFailed } from '../shared/load-failed.ts'
import { checkClient, PLACE } from '../shared/options.ts'
import type { DynamoDBInventoryOptions, S3InventoryOptions } from './options.ts'

export type { DynamoDBInventoryOptions, S3InventoryOptions } from './options.ts'

const prefix: Rule = ['a text', (value) => typeof value === 'string']

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

/**
 * Lists the keys of a bucket by ListObjectsV2. Needs `s3:ListBucket` on the bucket. Throws `TypeError` that names the option
 * when one is missing, wrong or unknown.
 */
export function s3Inventory(options: S3InventoryOptions): Inventory {
  checkOptions('s3Inventory', options, { bucket: textRule, prefix, ...PLACE }, ['bucket'])
  checkClient('s3Inventory', options, { agent: options.agent })
  return {
    name: 's3',
    async *pages(how) {
      const { listBucket } = await import('./list-bucket.ts').catch(loadFailed)
      yield* listBucket(options, how)
    },
  }
}
