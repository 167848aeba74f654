// `node --conditions=source bench/collections/cli.ts`: how long changes of one collection take that many environments change.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { S3Client } from '@aws-sdk/client-s3'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { redisStore } from '@warmtoken/adapters-redis'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import type { Store } from '@warmtoken/core'
import { hash } from '@warmtoken/core/collections'
import { createCache } from '@warmtoken/core/data'
import { LOCAL_CREDENTIALS, startDynoxide, startRedisServer } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { quantile } from '../run/numbers.ts'

const ENVIRONMENTS = 20
const SECONDS = 20
const RATES = [50, 100]
const FIELDS = 20

/** Changes of one key at a rate, spread over environments by Poisson arrivals, whatever the earlier ones take. */
async function measure(name: string, connect: () => Store, rate: number): Promise<void> {
  const attempts: number[] = []
  const took: number[] = []
  let failed = 0
  const carts = Array.from({ length: ENVIRONMENTS }, () => {
    const cache = createCache({
      name: `bench-${rate}`,
      store: connect(),
      onEvent: (event) => {
        if (event.type === 'change') attempts.push(event.attempts)
      },
    })
    return hash(cache, { key: 'cart', usable: 3_600_000 })
  })
  for (const cart of carts) await cart.getAll(undefined)
  attempts.length = 0
  const running: Promise<void>[] = []
  const startedAt = performance.now()
  let due = startedAt
  for (let n = 0; n < rate * SECONDS; n += 1) {
    due += (-Math.log(1 - Math.random()) * 1_000) / rate
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    const sentAt = performance.now()
    const change = carts[n % ENVIRONMENTS]?.set(undefined, `field-${n % FIELDS}`, n)
    const done = Promise.resolve(change).then(
      () => void took.push(performance.now() - sentAt),
      () => {
        failed += 1
      },
    )
    running.push(done)
  }
  const elapsed = (performance.now() - startedAt) / 1_000
  await Promise.all(running)
  const mean = attempts.reduce((sum, one) => sum + one, 0) / Math.max(1, attempts.length)
  const at = (share: number): string => quantile(took, share).toFixed(0)
  console.log(
    `${name}, ${(running.length / elapsed).toFixed(0)} changes/s of one key: p50 ${at(0.5)}, p99 ${at(0.99)}, ` +
      `longest ${at(1)} ms, ${mean.toFixed(2)} attempts, ${failed} failed`,
  )
}

const CLI = fileURLToPath(new URL('../../packages/local/src/cli.ts', import.meta.url))

/** A server in a process of its own, so that it does not share a thread with what is measured. */
async function startServer(...args: readonly string[]): Promise<{ readonly url: string; close(): Promise<void> }> {
  const child = spawn(process.execPath, ['--conditions=source', CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface(child.stdout)) {
    const url = / listens at (\S+)/.exec(line)?.[1]
    if (url === undefined) continue
    const close = async (): Promise<void> => {
      child.kill()
      await once(child, 'exit')
    }
    return { url, close }
  }
  throw new Error(`no server: ${args.join(' ')}`)
}

const inTable = (endpoint: string) => (): Store =>
  dynamoDBStore({ table: 'tokens', endpoint, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })

const dynoxide = await startDynoxide({ tables: ['tokens'] })
for (const rate of RATES) await measure('dynoxide', inTable(dynoxide.url), rate)
await dynoxide.close()

const dynalite = await startServer('dynamodb', '--table', 'tokens')
for (const rate of RATES) await measure('dynalite', inTable(dynalite.url), rate)
await dynalite.close()

const s3 = await startServer('s3', '--bucket', 'tokens')
const place = { endpoint: s3.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS, forcePathStyle: true }
const inBucket = (): Store => s3Store({ bucket: 'tokens', client: new S3Client(place) })
for (const rate of RATES) await measure('S3 stand-in', inBucket, rate)
await s3.close()

const redis = await startRedisServer()
const upstash = await startServer('upstash', '--redis-port', `${redis.port}`)
const overRest = (): Store => upstashStore({ url: upstash.url, token: 'local-token' })
for (const rate of RATES) await measure('Upstash over Redis', overRest, rate)
await upstash.close()

const clients: Redis[] = []
const connect = (): Redis => {
  const client = new Redis({ port: redis.port })
  clients.push(client)
  return client
}
for (const rate of RATES) await measure('Redis', () => redisStore({ connect }), rate)
for (const client of clients) client.disconnect()
await redis.close()
