/** Where the records are: the store and its inventory by the options of a command. @module */

import type { RedisSettings } from '@warmtoken/adapters-redis/inventory'
import type { Inventory, Store } from '@warmtoken/core/adapter'
import type { Context } from './context.ts'
import { type Deployed, placeOf, readDeployed } from './deployed.ts'
import { EXIT, OperatorError } from './exit.ts'

/** The options that name a store. One of `table`, `bucket`, `upstash`, `redis` and `function` is required. */
export interface PlaceOptions {
  readonly table?: string | undefined
  readonly bucket?: string | undefined
  readonly upstash?: string | undefined
  readonly redis?: string | undefined
  /** A function whose variables name the store. */
  readonly function?: string | undefined
  readonly stage?: string | undefined
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
  /** Of Redis only: the settings of the server; `undefined` when it does not say. */
  readonly settings?: () => Promise<RedisSettings | undefined>
}

/** Whether the options name a store. */
export function namesPlace({ table, bucket, upstash, redis, function: name }: PlaceOptions): boolean {
  return [table, bucket, upstash, redis, name].some((one) => one !== undefined)
}

/** The options with the store of a function in place of its name. */
export function withStoreOf(deployed: Deployed, options: PlaceOptions): PlaceOptions {
  const { function: _name, stage: _stage, ...others } = options
  return { ...others, ...placeOf(deployed) }
}

/** Opens the store that the options name. The module of its adapter is loaded here. */
export async function openPlace(options: PlaceOptions, context: Context): Promise<Place> {
  checkPlace(options)
  const named = options.function === undefined ? options : withStoreOf(await readDeployed(options, context), options)
  const { table, bucket, upstash, redis, prefix } = named
  const { env } = context
  const place = {
    ...(named.region && { region: named.region }),
    ...(named.endpoint && { endpoint: named.endpoint }),
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
  if (redis !== undefined) return openRedis(redis, { prefixed, context })
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

interface RedisSetting {
  readonly prefixed: { readonly prefix?: string }
  readonly context: Context
}

async function openRedis(url: string, { prefixed, context }: RedisSetting): Promise<Place> {
  const { redisConnector } = await import('./redis-client.ts')
  const connect = await redisConnector(url, context)
  const [{ redisStore }, { redisInventory, redisSettings }] = await Promise.all([
    import('@warmtoken/adapters-redis'),
    import('@warmtoken/adapters-redis/inventory'),
  ])
  const onProblem = ({ message }: { readonly message: string }): void => context.terminal.note(message)
  const where = { connect, ...prefixed, onProblem }
  return {
    title: `Redis ${new URL(url).host}`,
    store: redisStore(where),
    inventory: redisInventory(where),
    settings: () => redisSettings(where),
  }
}

/** Throws when the options name no store, or more than one. */
export function checkPlace(options: PlaceOptions): void {
  const { table, bucket, upstash, redis, function: name, stage, prefix, region, endpoint } = options
  const named = [table, bucket, upstash, redis, name].filter((one) => one !== undefined)
  if (named.length !== 1)
    throw new OperatorError(
      'name one store: --table <name>, --bucket <name>, --upstash <url>, --redis <url> or --function <name>',
      EXIT.usage,
    )
  if (table !== undefined && prefix !== undefined)
    throw new OperatorError('--prefix is for --bucket, --upstash and --redis', EXIT.usage)
  if ((upstash ?? redis) !== undefined && (region ?? endpoint) !== undefined)
    throw new OperatorError('--region and --endpoint are for --table, --bucket and --function', EXIT.usage)
  if (stage !== undefined && name === undefined) throw new OperatorError('--stage is for --function', EXIT.usage)
}
