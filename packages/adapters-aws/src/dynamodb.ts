/**
 * The store on DynamoDB: the default shared tier. One item a key, GetItem and UpdateItem only.
 *
 * @module
 */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Store } from '@warmtoken/core'
import { checkAll, isFunction, isText, PLACE, type Rule, text } from './check.ts'
import { lazily } from './lazy.ts'

/** How {@link dynamoDBStore} is set up. */
export interface DynamoDBStoreOptions {
  /** The table. Its hash key is `pk`, a string; its TTL attribute is `keepUntil`. */
  readonly table: string
  /** The region. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local server. Default: AWS. */
  readonly endpoint?: string
  /**
   * Credentials, or a function that gives them, asked for with every request. With them and an endpoint, or a region of
   * the partitions `aws`, `aws-us-gov` or `aws-cn`, requests are signed and sent without the SDK, which saves a new
   * environment some 35 ms. They want a region and no `client`, which has its own. Default: those in `env`, else
   * what the SDK finds.
   */
  readonly credentials?: AwsCredentials | (() => AwsCredentials | undefined | Promise<AwsCredentials | undefined>)
  /**
   * The environment variables, where they may be read: `process.env`. Region, endpoint and the function's credentials are
   * taken from it; where it asks for FIPS or dual-stack endpoints, the SDK is loaded to find them. Default: none, so that
   * the SDK is loaded to find all of it.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * A client of one's own, or a function that gives it. It should have three attempts and time-outs of some hundred ms.
   * Default: a client with such settings, made when memory and file have both missed.
   */
  readonly client?: DynamoDBClient | (() => DynamoDBClient | Promise<DynamoDBClient>)
}

const RULES: { readonly [name: string]: Rule } = {
  table: text,
  ...PLACE,
  credentials: [
    'credentials or a function',
    (value) => isFunction(value) || (isText(Object(value).accessKeyId) && isText(Object(value).secretAccessKey)),
  ],
  env: ['an object', (value) => Object(value) === value],
}

/** Credentials of a role or a user. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Those of a role have one. */
  readonly sessionToken?: string
}

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
  checkAll('dynamoDBStore', options, RULES, ['table'])
  if (options.credentials && (options.client || !(options.region ?? options.env?.['AWS_REGION'])))
    throw new TypeError('dynamoDBStore: option "credentials" wants option "region" and no "client"')
  const calls = lazily(() => import('./dynamodb-open.ts').then(({ openCalls }) => openCalls(options)))
  return {
    name: 'dynamodb',
    open: async () => void (await calls()),
    read: async (key, how) => (await calls()).read(key, how),
    swap: async (key, swap, how) => (await calls()).swap(key, swap, how),
    readMany: async (keys, how) => (await calls()).readMany(keys, how),
  }
}
