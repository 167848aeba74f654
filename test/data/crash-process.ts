/** A process that begins one write for each step, and stands still at that step until it is killed. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import type { Store } from '@warmtoken/core/adapter'
import { createCache } from '@warmtoken/core/data'
import { type CrashOrders, POLICY, STEPS } from './crash-orders.ts'

process.once('message', async ({ kind, url, truth, name }: CrashOrders) => {
  const store: Store =
    kind === 'upstash'
      ? upstashStore({ url, token: 'local-token' })
      : dynamoDBStore({ table: 'tokens', client: new DynamoDBClient({ endpoint: url, region: 'us-east-1' }) })
  const swaps = new Map<string, number>()

  /** Stands still forever when this is the step of the key. */
  const passes = async (key: number | string, step: number): Promise<void> => {
    if (Number(key) !== step) return
    process.send?.(step)
    await new Promise(() => {})
  }

  const cache = createCache({
    ...POLICY,
    name,
    store: {
      ...store,
      async swap(key, swap, options) {
        const step = /^post:(\d)~/.exec(key)?.[1] ?? ''
        const count = (swaps.get(key) ?? 0) + 1
        swaps.set(key, count)
        await passes(step, count === 1 ? 0 : 4)
        const swapped = await store.swap(key, swap, options)
        await passes(step, count === 1 ? 1 : 5)
        return swapped
      },
    },
  })
  const post = cache.use({
    key: 'post:{step}',
    fresh: 3_600_000,
    load: () => 'never loaded here',
    write: async ({ step }, text: string) => {
      await passes(step, 2)
      await fetch(`${truth}/${step}`, { method: 'PUT', body: text })
      await passes(step, 3)
      return text
    },
  })
  for (const step of STEPS.keys()) void post.write({ step }, 'new').catch(() => {})
})
