import { dynamoDBSubscribers } from '@warmtoken/adapters-aws/live'
import { memorySubscribers, type Subscribers } from '@warmtoken/core/live'
import { createTableWithStream } from '@warmtoken/infra/live-tables'
import { LOCAL_CREDENTIALS, startDynamoDB, startDynoxide } from '@warmtoken/local'
import { subscribersConformance } from '@warmtoken/testing/live'
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

const BACKENDS: { readonly [name: string]: () => Promise<Backend> } = {
  memory: async () => ({ subscribers: memorySubscribers(), close: async () => {} }),
  dynalite: () => onDynamoDB(startDynamoDB),
  dynoxide: () => onDynamoDB(startDynoxide),
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
