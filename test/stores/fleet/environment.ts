/**
 * A process of cold environments: its code is warm, its memory is empty. It says that it is ready, and asks for the
 * token when all are told to. With the next orders it is empty again.
 */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { createTokens, type Store } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import type { Orders, Report, SwapLine } from './message.ts'

const HOUR = 3_600_000

/** Clients as patient as the orders, where those are: the machine is slow, not the store. */
function makeStore({ store, url, storeTimeout }: Orders): Store {
  if (store === 'upstash') return upstashStore({ url, token: 'local-token' })
  const place = { endpoint: url, region: 'us-east-1' }
  if (storeTimeout === undefined) {
    return store === 's3' ? s3Store({ bucket: 'tokens', ...place }) : dynamoDBStore({ table: 'tokens', ...place })
  }
  const time = { connectionTimeout: storeTimeout, requestTimeout: storeTimeout, throwOnRequestTimeout: true }
  const settings = { ...place, maxAttempts: 3, requestHandler: time }
  return store === 's3'
    ? s3Store({ bucket: 'tokens', client: new S3Client({ ...settings, forcePathStyle: true }) })
    : dynamoDBStore({ table: 'tokens', client: new DynamoDBClient(settings) })
}

/** Goes the whole way once with a token of its own: what is loaded and compiled late would spread the race. */
async function warmUp(store: Store): Promise<void> {
  const source = custom({
    identity: { app: crypto.randomUUID() },
    fetch: async () => ({ value: 'warm', lifetime: HOUR }),
  })
  await createTokens({ store, directory: false, timeout: 60_000, storeTimeout: 30_000 }).use(source).get()
}

/** Counts what the engine asks of the store and keeps the history of swaps. */
function recorded(store: Store) {
  const swaps: SwapLine[] = []
  let reads = 0
  const recording: Store = {
    name: store.name,
    async read(key, how) {
      reads += 1
      return store.read(key, how)
    },
    async swap(key, swap, how) {
      const line = { expected: swap.expected?.tag, tag: swap.tag }
      const result = await store.swap(key, swap, how).catch((error: unknown) => {
        swaps.push({ ...line, outcome: 'rejected' })
        throw error
      })
      swaps.push({ ...line, outcome: result.outcome })
      return result
    },
  }
  return { recording, swaps, reads: () => reads }
}

async function run(orders: Orders, shared: Store): Promise<Report> {
  const { recording, swaps, reads } = recorded(shared)
  const events: Record<string, number> = {}
  const { timeout, storeTimeout } = orders
  const tokens = createTokens({
    store: recording,
    directory: false,
    timeout,
    ...(storeTimeout !== undefined && { storeTimeout }),
    onEvent(event) {
      const type = event.type === 'fetch' && event.alone ? 'fetch alone' : event.type
      events[type] = (events[type] ?? 0) + 1
    },
  })
  const handle = tokens.use(
    custom({
      identity: { app: orders.app },
      fetch: async ({ signal }) => (await fetch(orders.issuer, { signal })).json() as Promise<never>,
    }),
  )
  const startedAt = Date.now()
  const result = await handle.get().then(
    ({ fingerprint, tier }) => ({ got: fingerprint, tier }),
    (error: { code?: string }) => ({ got: String(error.code), tier: 'none' }),
  )
  return { ...result, startedAt, endedAt: Date.now(), reads: reads(), swaps, events }
}

let orders: Orders | undefined
let stores: readonly Store[] = []

process.on('message', async (message: Orders | 'go') => {
  if (message !== 'go') {
    const next = message
    orders = next
    stores = Array.from({ length: next.environments }, () => makeStore(next))
    await Promise.all(stores.map(warmUp))
    process.send?.('ready')
  } else if (orders !== undefined) {
    const going = orders
    process.send?.(await Promise.all(stores.map((store) => run(going, store))))
  }
})
