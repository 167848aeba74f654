/** Where the records are: the store and its inventory by the options of a command. @module */

import type { Inventory, Store } from '@warmtoken/core/adapter'
import type { Context } from './context.ts'
import { EXIT, OperatorError } from './exit.ts'

/** The options that name a store. One of `table`, `bucket` and `upstash` is required. */
export interface PlaceOptions {
  readonly table?: string | undefined
  readonly bucket?: string | undefined
  readonly upstash?: string | undefined
  readonly prefix?: string | undefined
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
}

/** A store, as operators use it. */
export interface Place {
  /** For output: `dynamodb table tokens`. */
  readonly title: string
  readonly store: Store
  readonly inventory: Inventory
}

/** Opens the store that the options name. The module of its adapter is loaded here. */
export async function openPlace(options: PlaceOptions, { env }: Pick<Context, 'env'>): Promise<Place> {
  const { table, bucket, upstash, prefix } = checkPlace(options)
  const place = {
    ...(options.region && { region: options.region }),
    ...(options.endpoint && { endpoint: options.endpoint }),
  }
  if (table !== undefined) {
    const [{ dynamoDBStore }, { dynamoDBInventory }] = await Promise.all([
      import('@warmtoken/adapters-aws/dynamodb'),
      import('@warmtoken/adapters-aws/inventory'),
    ])
    const store = dynamoDBStore({ table, env, ...place })
    return { title: `DynamoDB table ${table}`, store, inventory: dynamoDBInventory({ table, ...place }) }
  }
  const prefixed = prefix === undefined ? {} : { prefix }
  if (bucket !== undefined) {
    const [{ s3Store }, { s3Inventory }] = await Promise.all([
      import('@warmtoken/adapters-aws/s3'),
      import('@warmtoken/adapters-aws/inventory'),
    ])
    const where = { bucket, ...prefixed, ...place }
    return { title: `S3 bucket ${bucket}`, store: s3Store({ ...where, probe: false }), inventory: s3Inventory(where) }
  }
  const token = env['UPSTASH_REDIS_REST_TOKEN']
  if (!token)
    throw new OperatorError('--upstash requires the environment variable UPSTASH_REDIS_REST_TOKEN', EXIT.denied)
  const [{ upstashStore }, { upstashInventory }] = await Promise.all([
    import('@warmtoken/adapters-upstash/redis'),
    import('@warmtoken/adapters-upstash/inventory'),
  ])
  const where = { url: String(upstash), token, ...prefixed }
  return { title: 'Upstash database', store: upstashStore(where), inventory: upstashInventory(where) }
}

function checkPlace(options: PlaceOptions): PlaceOptions {
  const { table, bucket, upstash, prefix, region, endpoint } = options
  const named = [table, bucket, upstash].filter((one) => one !== undefined)
  if (named.length !== 1)
    throw new OperatorError('name one store: --table <name>, --bucket <name> or --upstash <url>', EXIT.usage)
  if (table !== undefined && prefix !== undefined)
    throw new OperatorError('--prefix is for --bucket and --upstash', EXIT.usage)
  if (upstash !== undefined && (region ?? endpoint) !== undefined)
    throw new OperatorError('--region and --endpoint are for --table and --bucket', EXIT.usage)
  return options
}
