import { redisStore } from '@warmtoken/adapters-redis'
import { createCache } from '@warmtoken/core/data'
import { startRedisServer } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

/** `pnpm test:long` writes a million. */
const VALUES = process.env['WARMTOKEN_LONG'] === undefined ? 5_000 : 1_000_000
/** How many values are written at a time. */
const AT_ONCE = 500
/** How many of them are read before and after. */
const SAMPLE = 500

let server: Awaited<ReturnType<typeof startRedisServer>> | undefined
let client: Redis | undefined
let missing = ''
beforeAll(async () => {
  try {
    server = await startRedisServer()
    client = new Redis({ host: '127.0.0.1', port: server.port })
  } catch (error) {
    missing = `SKIPPED: ${String(error)}`
    console.error(`\n*** ${missing}\n`)
  }
})
beforeEach(({ skip }) => {
  if (server === undefined) skip(missing)
})
afterAll(async () => {
  client?.disconnect()
  await server?.close()
})

it(`an invalidation of a tag with ${VALUES} values takes two requests, and none of them is served again`, async () => {
  const environment = () => {
    const store = redisStore({ client: client as Redis })
    const cache = createCache({ name: 'large', store, recheck: 0, storeTimeout: 30_000, timeout: 60_000 })
    const post = cache.use({ key: 'post:{id}', fresh: 3_600_000, tags: () => ['posts'], load: () => 'new' })
    return { cache, post }
  }
  const [here, there] = [environment(), environment()]
  for (let start = 0; start < VALUES; start += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, id) => here.post.set({ id: start + id }, 'old')))
  const sample = Array.from({ length: SAMPLE }, (_, index) => ({ id: Math.floor((index * VALUES) / SAMPLE) }))
  expect(new Set(await there.post.getMany(sample))).toEqual(new Set(['old']))
  // Each value is a record of its own, beside that of the tag.
  expect(await client?.dbsize()).toBeGreaterThanOrEqual(VALUES)

  await client?.config('RESETSTAT')
  await here.cache.invalidate({ tags: ['posts'] })
  expect(await scriptCalls()).toBe(2)

  expect(new Set(await there.post.getMany(sample))).toEqual(new Set(['new']))
  expect(new Set(await here.post.getMany(sample))).toEqual(new Set(['new']))
}, 1_800_000)

/** Requests that Redis has answered: each of ours is one call of a script. */
async function scriptCalls(): Promise<number> {
  const stats = (await client?.info('commandstats')) ?? ''
  const calls = [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].map(([, count]) => Number(count))
  return calls.reduce((sum, count) => sum + count, 0)
}
