/** A process of a fleet that holds one cache: it gets the value when it is told to, and says what it was served. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { redisStore } from '@warmtoken/adapters-redis'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import type { Store } from '@warmtoken/core'
import { createCache } from '@warmtoken/core/data'
import { Redis } from 'ioredis'
import type { FleetMessage, FleetOrders } from './fleet.ts'

process.on('message', async (message: FleetMessage) => {
  if (message === 'are you there') {
    process.send?.('ready')
    return
  }
  if (message !== 'get') {
    const { truth, name, recheck } = message
    const cache = createCache({
      name,
      store: openStore(message),
      recheck,
      // Many processes wait for few processors.
      storeTimeout: 30_000,
      timeout: 240_000,
      sourceTimeout: 30_000,
    })
    const project = cache.use({
      key: 'project:{id}:info',
      fresh: 3_600_000,
      load: async (_params, { signal }) => (await fetch(truth, { signal })).json() as Promise<number>,
    })
    ask = () => project.get({ id: 42 })
    await warmUp(openStore(message))
    process.send?.('ready')
    return
  }
  process.send?.({ value: await ask().catch((error: unknown) => String(error)) })
})

/** Goes the whole way once with a key of its own: what is compiled late would spread the race. */
async function warmUp(store: Store): Promise<void> {
  const name = `warm-${crypto.randomUUID().slice(0, 8)}`
  const cache = createCache({ name, store, storeTimeout: 30_000, timeout: 240_000, onEvent: () => {} })
  await cache.use({ key: 'warm', fresh: 60_000, load: () => 0 }).get(undefined)
}

function openStore({ store, url }: FleetOrders): Store {
  if (store === 'upstash') return upstashStore({ url, token: 'local-token' })
  if (store === 'redis') return redisStore({ connect: () => new Redis(url) })
  return dynamoDBStore({ table: 'tokens', client: patientClient(url) })
}

/** The settings of the store's own client, without its haste: the machine is slow here, not the store. */
function patientClient(endpoint: string): DynamoDBClient {
  const requestHandler = { connectionTimeout: 30_000, requestTimeout: 30_000, throwOnRequestTimeout: true }
  return new DynamoDBClient({ endpoint, region: 'us-east-1', maxAttempts: 3, requestHandler })
}

let ask: () => Promise<unknown> = async () => undefined
