/**
 * The store on DynamoDB: the default shared tier. One item a key, GetItem and UpdateItem only.
 *
 * @module
 */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Store } from '@warmtoken/core'

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

type Calls = Awaited<ReturnType<typeof import('./dynamodb-calls.ts')['dynamoDBCalls']>>

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
  if (typeof options?.table !== 'string' || options.table === '') {
    throw new TypeError('dynamoDBStore: option "table" is required and must be the name of a table')
  }
  const known = ['table', 'region', 'endpoint', 'client']
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw new TypeError(`dynamoDBStore: unknown option "${name}"; known are ${known.join(', ')}`)
  }
  let calls: Promise<Calls> | undefined
  // The SDK costs 50 to 80 ms of a cold start; an environment whose memory or file has the token never loads it.
  const load = (): Promise<Calls> => {
    calls ??= import('./dynamodb-calls.ts').then(({ dynamoDBCalls }) => dynamoDBCalls(options))
    calls.catch(() => {
      calls = undefined
    })
    return calls
  }
  return {
    name: 'dynamodb',
    read: async (key, readOptions) => (await load()).read(key, readOptions),
    swap: async (key, swap, swapOptions) => (await load()).swap(key, swap, swapOptions),
    readMany: async (keys, readOptions) => (await load()).readMany(keys, readOptions),
  }
}
