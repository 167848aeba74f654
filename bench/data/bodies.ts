// Reads a sealed value of 1 MB by `get` of a new environment, beside a bare GET of the same JSON, in turns. Prints medians in ms.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { createCache } from '@warmtoken/core/data'
import { memoryStore } from '@warmtoken/core/memory'
import { aesGcm } from '@warmtoken/core/seal'
import { LOCAL_CREDENTIALS } from '@warmtoken/local'
import { median } from '../run/numbers.ts'

/** The bucket of both. */
export const BUCKET = 'bodies'
/** How long S3 takes to the first byte behind a network, in ms. Published are 100 to 200; within a region less is common. */
export const FIRST_BYTE = 20
const TURNS = 40
const MEGABYTE = 1_048_576

/** What was measured for one value at one place, in ms. */
export interface BodyTimes {
  readonly ours: number
  readonly raw: number
}

/** Rows as an API returns them: 1 MB of JSON, which gzip makes five times shorter. */
function rows(): unknown {
  const list: object[] = []
  for (let length = 0; length < MEGABYTE; length += JSON.stringify(list.at(-1)).length + 1) {
    const id = list.length
    list.push({ id, name: `Project ${id}`, owner: `user-${id % 97}`, at: new Date(id * 1e6), score: Math.random() })
  }
  return JSON.parse(JSON.stringify(list))
}

/** Random text, of which gzip saves half. */
function noise(): string {
  return Array.from({ length: MEGABYTE / 36 }, () => crypto.randomUUID()).join('')
}

async function measure(endpoint: string, value: unknown): Promise<BodyTimes> {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: LOCAL_CREDENTIALS,
  })
  const codec = aesGcm({ ring: { current: 'k1', keys: { k1: crypto.getRandomValues(new Uint8Array(32)) } } })
  const heads = memoryStore()
  const bodies = s3Store({ bucket: BUCKET, client })
  /** A new environment, whose head is near. */
  const environment = () =>
    createCache({ name: 'bench', store: heads, bodies, codec, onEvent: () => {} }).use({
      key: 'report:{id}',
      fresh: 3_600_000,
      load: async () => value,
    })
  await environment().get({ id: 1 })
  const plain = { Bucket: BUCKET, Key: 'plain' }
  await client.send(new PutObjectCommand({ ...plain, Body: JSON.stringify(value) }))
  const times = { ours: [] as number[], raw: [] as number[] }
  for (let turn = 0; turn < TURNS; turn += 1) {
    const resource = environment()
    const startedAt = performance.now()
    if ((await resource.get({ id: 1 })) === undefined) throw new Error('no value')
    const rawAt = performance.now()
    times.ours.push(rawAt - startedAt)
    const answer = await client.send(new GetObjectCommand(plain))
    JSON.parse((await answer.Body?.transformToString()) ?? '')
    times.raw.push(performance.now() - rawAt)
  }
  client.destroy()
  return { ours: median(times.ours), raw: median(times.raw) }
}

if (import.meta.main) {
  const worker = new Worker(new URL('./place.ts', import.meta.url))
  const [{ near, far }] = (await once(worker, 'message')) as [{ readonly near: string; readonly far: string }]
  const found = {
    rowsNear: await measure(near, rows()),
    rowsFar: await measure(far, rows()),
    noiseNear: await measure(near, noise()),
    noiseFar: await measure(far, noise()),
  }
  console.log(JSON.stringify(found))
  process.exit(0)
}
