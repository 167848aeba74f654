/**
 * Reads a sealed value of 1 MB from S3 by `get` of a new environment, beside a bare GET of the same object: medians of turns that
 * alternate. Run: `node --conditions=source bench/bodies/read.ts`.
 */

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { createCache } from '@warmtoken/core/data'
import { memoryStore } from '@warmtoken/core/memory'
import { aesGcm } from '@warmtoken/core/seal'
import { LOCAL_CREDENTIALS, startS3 } from '@warmtoken/local'

const TURNS = 60
const MEGABYTE = 1_048_576

const s3 = await startS3({ buckets: ['bodies'] })
const client = new S3Client({
  endpoint: s3.url,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: LOCAL_CREDENTIALS,
})
const heads = memoryStore()
const codec = aesGcm({ ring: { current: 'k1', keys: { k1: crypto.getRandomValues(new Uint8Array(32)) } } })
const bodies = s3Store({ bucket: 'bodies', client })
const value = Array.from({ length: MEGABYTE / 64 }, (_, index) => `${index}`.padEnd(16) + crypto.randomUUID()).join('')

let body = ''
const watched = {
  ...bodies,
  swap: (key: string, ...rest: never[]) => {
    body = key
    return (bodies.swap as (...all: unknown[]) => ReturnType<typeof bodies.swap>)(key, ...rest)
  },
}

/** A new environment. */
function environment() {
  return createCache({ name: 'bench', store: heads, bodies: watched as never, codec, onEvent: () => {} }).use({
    key: 'report:{id}',
    fresh: 3_600_000,
    load: async () => value,
  })
}

const ours: number[] = []
const raw: number[] = []
await environment().get({ id: 1 })
for (let turn = 0; turn < TURNS; turn += 1) {
  const resource = environment()
  const startedAt = performance.now()
  const found = await resource.get({ id: 1 })
  ours.push(performance.now() - startedAt)
  if (found?.length !== value.length) throw new Error('another value')
  const rawAt = performance.now()
  const answer = await client.send(new GetObjectCommand({ Bucket: 'bodies', Key: `warmtoken/${body}` }))
  await answer.Body?.transformToString()
  raw.push(performance.now() - rawAt)
}
await s3.close()

const median = (list: readonly number[]): number => [...list].sort((one, other) => one - other)[list.length >> 1] ?? 0
const [mine, bare] = [median(ours), median(raw)]
process.stdout.write(
  `sealed 1 MB: ${mine.toFixed(1)} ms, bare GET: ${bare.toFixed(1)} ms, ratio ${(mine / bare).toFixed(2)}\n`,
)
