/**
 * The store on DynamoDB: the default shared tier. One item a key, GetItem and UpdateItem only.
 *
 * @module
 */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Store } from '@warmtoken/core'
import { checkOptions, lazily } from './lazy.ts'

/** How {@link dynamoDBStore} is set up. */
export interface DynamoDBStoreOptions {
  /** The table. Its hash key is `pk`, a string; its TTL attribute is `keepUntil`. */
  readonly table: string
  /** The region. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local server. Default: AWS. */
  readonly endpoint?: string
  /**
   * A client of one's own, or a function that gives it. It should have three attempts and time-outs of some hundred ms.
   * Default: a client with such settings, made when memory and file have both missed.
   */
  readonly client?: DynamoDBClient | (() => DynamoDBClient | Promise<DynamoDBClient>)
}

/**
 * Makes the store. Needs `dynamodb:GetItem` and `dynamodb:UpdateItem` on the table, nothing else. Throws `TypeError`
 * when `table` is missing.
 *
 * @example
 * ```ts
 * const tokens = createTokens({ store: dynamoDBStore({ table: 'tokens' }) })
 * ```
 */
export const dynamoDBStore = (options: DynamoDBStoreOptions): Store => {
  checkOptions('dynamoDBStore', options, 'table', ['region', 'endpoint', 'client'])
  const calls = lazily(() => import('./dynamodb-calls.ts').then(({ dynamoDBCalls }) => dynamoDBCalls(options)))
  return {
    name: 'dynamodb',
    read: async (key, how) => (await calls()).read(key, how),
    swap: async (key, swap, how) => (await calls()).swap(key, swap, how),
    readMany: async (keys, how) => (await calls()).readMany(keys, how),
  }
}
