/**
 * The store on DynamoDB: the default shared tier. One item a key, GetItem and UpdateItem only.
 *
 * @module
 */

import type { Store } from '@warmtoken/core'
import { lazyStore } from '@warmtoken/core/adapter/setup'
import { checkDynamoDBOptions, type DynamoDBStoreOptions } from './options.ts'

export type { AwsCredentials } from '../shared/sigv4.ts'
export type { DynamoDBStoreOptions } from './options.ts'

/**
 * Makes the store. Needs `dynamodb:GetItem` and `dynamodb:UpdateItem` on the table, nothing else. Throws `TypeError`
 * that names the option when one is missing, wrong or unknown, and for `credentials` without a region or with a `client`.
 *
 * @example
 * ```ts
 * const tokens = createTokens({ store: dynamoDBStore({ table: 'tokens', env: process.env }) })
 * ```
 */
export function dynamoDBStore(options: DynamoDBStoreOptions): Store {
  checkDynamoDBOptions(options)
  const load = () => import('./open.ts').then(({ openCalls }) => openCalls(options))
  // Some functions may give the name of the table and some its ARN.
  const place = `dynamodb/${options.table.split('/').at(-1)}`
  return lazyStore({ name: 'dynamodb', place, load, many: true })
}
