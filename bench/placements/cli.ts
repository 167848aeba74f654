/**
 * How long a value takes from each placement: memory, a file, DynamoDB, S3, Upstash, Redis. Against local servers, so what a
 * network adds is left out. Prints a table. Run by `node --conditions=source bench/placements/cli.ts`.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { redisStore } from '@warmtoken/adapters-redis'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { createTokens, type Source, type Store, type TokenHandle, type TokenValue } from '@warmtoken/core'
import { LOCAL_CREDENTIALS, startDynamoDB, startRedisServer, startS3, startUpstash } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { quantile, show } from '../run/numbers.ts'
import { interleave } from '../run/rounds.ts'

const ROUNDS = 9
/** Gets in a round: of memory many, for one alone is shorter than the clock can tell. */
const GETS = { memory: 20_000, others: 40 }
const PLACE = 'placements'

const source: Source<TokenValue> = {
  kind: 'placements',
  identity: () => 'one',
  fetch: async () => ({ value: { value: 'x'.repeat(800), type: 'Bearer' }, lifetime: 86_400_000 }),
}

/** A placement: gives a handle that has nothing nearer than it. */
interface Placement {
  readonly gets: number
  handle(): TokenHandle
}

const [dynamodb, s3, redis] = await Promise.all([
  startDynamoDB({ tables: [PLACE] }),
  startS3({ buckets: [PLACE], credentials: [LOCAL_CREDENTIALS] }),
  startRedisServer(),
])
const upstash = await startUpstash({ redis })
const folder = mkdtempSync(join(tmpdir(), 'warmtoken-placements-'))
const aws = { region: 'us-east-1', credentials: LOCAL_CREDENTIALS }

function shared(store: Store): Placement {
  return { gets: GETS.others, handle: () => createTokens({ store, directory: false }).use(source) }
}

const warm = createTokens({ directory: false }).use(source)
const placements = new Map<string, Placement>([
  ['memory', { gets: GETS.memory, handle: () => warm }],
  ['file', { gets: GETS.others, handle: () => createTokens({ directory: folder }).use(source) }],
  ['DynamoDB', shared(dynamoDBStore({ table: PLACE, endpoint: dynamodb.url, ...aws }))],
  ['S3', shared(s3Store({ bucket: PLACE, client: new S3Client({ endpoint: s3.url, forcePathStyle: true, ...aws }) }))],
  ['Upstash', shared(upstashStore({ url: upstash.url, token: upstash.token }))],
  ['Redis', shared(redisStore({ connect: () => new Redis(redis.port, '127.0.0.1') }))],
])

/** The times of one round, in µs. */
async function measure(name: string): Promise<readonly number[]> {
  const placement = placements.get(name)
  if (placement === undefined) throw new Error(`there is no placement ${name}`)
  // Published by the first, and connections are open.
  await placement.handle().get()
  if (name === 'memory') {
    const startedAt = process.hrtime.bigint()
    for (let count = 0; count < placement.gets; count += 1) await warm.get()
    return [Number(process.hrtime.bigint() - startedAt) / 1_000 / placement.gets]
  }
  const times: number[] = []
  for (let count = 0; count < placement.gets; count += 1) {
    const handle = placement.handle()
    const startedAt = process.hrtime.bigint()
    await handle.get()
    times.push(Number(process.hrtime.bigint() - startedAt) / 1_000)
  }
  return times
}

try {
  const measured = await interleave([...placements.keys()], ROUNDS, measure)
  console.log('| placement | median, µs | p99, µs |\n|---|---|---|')
  for (const [name, rounds] of measured) {
    // The first round loads code.
    const times = rounds.slice(1).flat()
    console.log(`| ${name} | ${show(quantile(times, 0.5))} | ${name === 'memory' ? '' : show(quantile(times, 0.99))} |`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
  await Promise.all([dynamodb.close(), s3.close(), upstash.close()])
  await redis.close()
}
