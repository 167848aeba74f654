/**
 * Lists the keys of the store on S3, for operators. Functions that serve users need neither this module nor its rights.
 *
 * @module
 */

import type { Inventory } from '@warmtoken/core/adapter'
import { checkOptions, type Rule, textRule } from '@warmtoken/core/adapter/setup'
import { loadFailed } from '../shared/load-failed.ts'
import { checkClient, PLACE } from '../shared/options.ts'
import type { S3InventoryOptions } from './options.ts'

export type { S3InventoryOptions } from './options.ts'

const prefix: Rule = ['a text', (value) => typeof value === 'string']

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
