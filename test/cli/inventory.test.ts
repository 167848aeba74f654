import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { dynamoDBInventory, s3Inventory } from '@warmtoken/adapters-aws/inventory'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { redisStore } from '@warmtoken/adapters-redis'
import { redisInventory } from '@warmtoken/adapters-redis/inventory'
import { upstashInventory } from '@warmtoken/adapters-upstash/inventory'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import type { Inventory, Store } from '@warmtoken/core/adapter'
import {
  askDynamoDB,
  LOCAL_CREDENTIALS,
  type LocalServer,
  startDynamoDB,
  startRedisServer,
  startS3,
  startUpstash,
} from '@warmtoken/local'
import { afterAll, describe, expect, it } from 'vitest'

const NEVER = new AbortController().signal
const COUNT = 1_203
const KEYS = Array.from({ length: COUNT }, (_, index) => `lab~${String(index).padStart(40, '0')}`)

interface Kit {
  readonly store: Store
  readonly inventory: Inventory
  readonly servers: readonly LocalServer[]
}

const servers: LocalServer[] = []
afterAll(async () => {
  for (const server of servers.toReversed()) await server.close()
})

async function onDynamoDB(): Promise<Kit> {
  const server = await startDynamoDB({ tables: ['tokens', 'foreign'] })
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  const client = () => new DynamoDBClient({ endpoint: server.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
  return {
    store: dynamoDBStore({ table: 'tokens', client }),
    inventory: dynamoDBInventory({ table: 'tokens', client }),
    servers: [server],
  }
}

async function onS3(): Promise<Kit> {
  const server = await startS3({ buckets: ['tokens'] })
  const { S3Client } = await import('@aws-sdk/client-s3')
  const client = () =>
    new S3Client({ endpoint: server.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS, forcePathStyle: true })
  return {
    store: s3Store({ bucket: 'tokens', client, probe: false }),
    inventory: s3Inventory({ bucket: 'tokens', client }),
    servers: [server],
  }
}

async function onUpstash(redis?: LocalServer): Promise<Kit> {
  const server = await startUpstash(redis ? { redis: { port: redis.port } } : {})
  const options = { url: server.url, token: server.token, prefix: 'we[i]rd*' }
  return {
    store: upstashStore(options),
    inventory: upstashInventory(options),
    servers: [...(redis ? [redis] : []), server],
  }
}

async function onRedis(): Promise<Kit> {
  const server = await startRedisServer()
  const { Redis } = await import('ioredis')
  const client = new Redis(server.port, '127.0.0.1')
  servers.push({ ...server, close: async () => void client.disconnect() })
  const options = { client, onProblem: () => {} }
  return { store: redisStore(options), inventory: redisInventory(options), servers: [server] }
}

async function keysOf(inventory: Inventory, signal: AbortSignal): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { keys } of inventory.pages({ signal })) found.push(...keys)
  return found
}

describe.each([
  ['a DynamoDB table', onDynamoDB],
  ['an S3 bucket', onS3],
  ['Upstash in memory', () => onUpstash()],
  ['a Redis over TCP', onRedis],
  ['Upstash over a real Redis', async () => onUpstash(await startRedisServer())],
])('the inventory of %s', (_name, make) => {
  it('yields each key, and goes on behind a cursor in another process', async () => {
    const { store, inventory, servers: own } = await make()
    servers.push(...own)
    for (let from = 0; from < COUNT; from += 50) {
      const part = KEYS.slice(from, from + 50)
      await Promise.all(
        part.map((key) =>
          store.swap(
            key,
            { expected: undefined, body: '{}', tag: `t${key}`, keepUntil: Date.now() + 1e8 },
            { signal: NEVER },
          ),
        ),
      )
    }
    const found: string[] = []
    const cursors: string[] = []
    for await (const { keys, cursor } of inventory.pages({ signal: NEVER })) {
      found.push(...keys)
      if (cursor !== undefined) cursors.push(cursor)
    }
    expect([...new Set(found)].toSorted()).toEqual(KEYS)
    const [first] = cursors
    const rest: string[] = []
    for await (const { keys } of inventory.pages({ signal: NEVER, after: first })) rest.push(...keys)
    if (first !== undefined) expect(rest.length).toBeLessThan(found.length)
  })

  it('rejects when its signal has aborted', async () => {
    const { inventory, servers: own } = await make()
    servers.push(...own)
    await expect(keysOf(inventory, AbortSignal.abort())).rejects.toThrow()
  })
})

it('the inventory of a table with another key names what is wrong', async () => {
  const server = await startDynamoDB()
  servers.push(server)
  await askDynamoDB(server.url, 'CreateTable', {
    TableName: 'users',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  })
  await expect
    .poll(
      async () => (await askDynamoDB(server.url, 'PutItem', { TableName: 'users', Item: { id: { S: 'ada' } } })).status,
    )
    .toBe(200)
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDBClient({ endpoint: server.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
  const inventory = dynamoDBInventory({ table: 'users', client })
  await expect(keysOf(inventory, NEVER)).rejects.toThrow('DynamoDB table users: its hash key is not "pk"')
})
