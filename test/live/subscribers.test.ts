import { dynamoDBSubscribers } from '@warmtoken/adapters-aws/live'
import { redisPublisher, redisSubscribers } from '@warmtoken/adapters-redis/live'
import { upstashPublisher, upstashSubscribers } from '@warmtoken/adapters-upstash/live'
import { memorySubscribers, type Subscribers } from '@warmtoken/core/live'
import { createTableWithStream } from '@warmtoken/infra/live-tables'
import { LOCAL_CREDENTIALS, startDynamoDB, startDynoxide, startRedisServer, startUpstash } from '@warmtoken/local'
import { subscribersConformance } from '@warmtoken/testing/live'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Backend {
  readonly subscribers: Subscribers
  close(): Promise<void>
}

const TABLE = 'subscribers'
const KEYS = [
  ['topic', 'HASH'],
  ['connection', 'RANGE'],
] as const

async function onDynamoDB(start: typeof startDynamoDB): Promise<Backend> {
  const server = await start()
  await createTableWithStream(server.url, TABLE, KEYS)
  const place = { endpoint: server.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS }
  return { subscribers: dynamoDBSubscribers({ table: TABLE, ...place }), close: server.close }
}

/** Upstash's REST API, or TCP, on a real Redis. */
async function onRedis(by: 'rest' | 'tcp'): Promise<Backend> {
  const redis = await startRedisServer()
  const rest = by === 'rest' ? await startUpstash({ redis }) : undefined
  const client = by === 'tcp' ? new Redis({ port: redis.port }) : undefined
  return {
    subscribers:
      rest === undefined
        ? redisSubscribers({ client: client ?? new Redis({ port: redis.port }) })
        : upstashSubscribers({ url: rest.url, token: rest.token }),
    async close() {
      client?.disconnect()
      await rest?.close()
      await redis.close()
    },
  }
}

const BACKENDS: { readonly [name: string]: () => Promise<Backend> } = {
  memory: async () => ({ subscribers: memorySubscribers(), close: async () => {} }),
  dynalite: () => onDynamoDB(startDynamoDB),
  dynoxide: () => onDynamoDB(startDynoxide),
  'Upstash/redis': () => onRedis('rest'),
  redis: () => onRedis('tcp'),
}

describe.each(Object.keys(BACKENDS))('subscribers on %s', (name) => {
  let backend: Backend | undefined
  beforeAll(async () => {
    backend = await BACKENDS[name]?.()
  })
  afterAll(() => backend?.close())

  for (const { name: behavior, run } of subscribersConformance(() => backend?.subscribers ?? memorySubscribers()))
    it(behavior, run)
})

describe('the suite of subscribers', () => {
  const broken: readonly (readonly [string, string, (good: Subscribers) => Partial<Subscribers>])[] = [
    [
      'forgets who was added',
      'a connection that was added is on the next page at once',
      () => ({ add: async () => {} }),
    ],
    [
      'drops nobody',
      'a connection that was dropped is gone, and dropping it again is harmless',
      () => ({ drop: async () => {} }),
    ],
    [
      'has no further page',
      'pages hold every connection once',
      (good) => ({ page: async (...call) => ({ ...(await good.page(...call)), next: undefined }) }),
    ],
    [
      'keeps those whose end has come',
      'a connection whose end has come is on no page',
      (good) => ({ add: (topics, one, until, how) => good.add(topics, one, until + 1e12, how) }),
    ],
  ]
  it.each(broken)('notices one that %s', async (_what, behavior, change) => {
    const good = memorySubscribers()
    const failed: string[] = []
    for (const { name, run } of subscribersConformance(() => ({ ...good, ...change(good) })))
      await run().catch(() => failed.push(name))
    expect(failed).toContain(behavior)
  })
})

describe('subscribers on DynamoDB', () => {
  it('name the remedy when the table is not there or has other keys', async () => {
    const server = await startDynoxide({ tables: ['tokens'] })
    const signal = AbortSignal.timeout(10_000)
    const on = (table: string) =>
      dynamoDBSubscribers({ table, endpoint: server.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
    await expect(on('none').page('tag:a', undefined, 1, { signal })).rejects.toMatchObject({
      code: 'STORE_MISSING',
      retryable: false,
    })
    await expect(on('tokens').add(['tag:a'], 'c', 1, { signal })).rejects.toThrow(
      'the hash key "topic" and the sort key "connection"',
    )
    await server.close()
  })
})

describe('the publishers on Redis', () => {
  it('publish events on the channel of announced writes, which subscribers of Redis hear', async () => {
    const redis = await startRedisServer()
    const rest = await startUpstash({ redis })
    const [listener, client] = [new Redis({ port: redis.port }), new Redis({ port: redis.port })]
    const heard: string[] = []
    listener.on('message', (channel, text) => heard.push(`${channel} ${text}`))
    await listener.subscribe('warmtoken:live')
    const events = [1, 2].map((version) => ({ topic: 'tag:a', key: 'k', version, kind: 'publish', at: 0 }) as const)
    const signal = AbortSignal.timeout(10_000)
    await upstashPublisher({ url: rest.url, token: rest.token }).publish(events.slice(0, 1), { signal })
    await redisPublisher({ client }).publish(events.slice(1), { signal })
    await expect.poll(() => heard).toEqual(events.map((event) => `warmtoken:live ${JSON.stringify(event)}`))
    listener.disconnect()
    client.disconnect()
    await rest.close()
    await redis.close()
  })
})
