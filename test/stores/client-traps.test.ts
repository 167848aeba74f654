import { Redis } from '@upstash/redis'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import type { Store } from '@warmtoken/core'
import type { Fault } from '@warmtoken/local'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { dynalite, TABLE } from './backends/dynamodb.ts'
import { BUCKET, s3StandIn } from './backends/s3.ts'
import { upstashOverMemory } from './backends/upstash.ts'
import { onEach, type Stage } from './each-backend.ts'

function how() {
  return { signal: AbortSignal.timeout(20_000), consistent: true }
}
function write() {
  return { expected: undefined, body: 'x', tag: crypto.randomUUID(), keepUntil: Date.now() + 3_600_000 }
}
const LOST: Fault = { kind: 'reset', when: 'after' }
const PLACE = { table: 'x', region: 'eu-central-1' }
const INSECURE = { url: 'http://example.upstash.io', token: 'y' }
function redis(): never {
  throw new Error('not asked for')
}
const SILENT: Fault = { kind: 'hang', when: 'after' }

afterEach(() => {
  vi.unstubAllEnvs()
})

/** The store with the client that it makes itself. */
function own({ proxy, running }: Stage): Store {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local-secret')
  const place = { endpoint: proxy.url, region: 'us-east-1' }
  const { name } = running.connect(proxy.url)
  if (name === 'upstash') return upstashStore({ url: proxy.url, token: 'local-token' })
  return name === 's3' ? s3Store({ bucket: BUCKET, ...place }) : dynamoDBStore({ table: TABLE, ...place })
}

describe('a client of the store’s own making', () => {
  onEach([dynalite, s3StandIn], (stage) => {
    it('gives up on its own on a server that stays silent, after three attempts', async () => {
      const { proxy } = stage()
      const store = own(stage())
      await store.read('key', how())
      const before = proxy.counts().requests
      for (let n = 0; n < 10; n += 1) proxy.next(SILENT)
      await expect(store.read('key', how())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
      expect(proxy.counts().requests - before).toBe(3)
      for (let n = 0; n < 7; n += 1) await fetch(proxy.url, { signal: AbortSignal.timeout(50) }).catch(() => undefined)
    })

    it('knows its own write when the SDK has sent it again', async () => {
      const { proxy } = stage()
      const store = own(stage())
      const key = crypto.randomUUID()
      proxy.next(LOST)
      expect((await store.swap(key, write(), how())).outcome).toBe('swapped')
    })

    it('says that a write may have landed when its last attempt was refused, but not its first', async () => {
      const { proxy, running } = stage()
      const refused = running.answers.throttled
      if (refused === undefined) throw new Error('no words for it')
      const busy: Fault = { ...refused, ...(refused.kind === 'status' && { status: 400 }) }
      const store = own(stage())
      const key = crypto.randomUUID()
      for (const fault of [LOST, busy, busy]) proxy.next(fault)
      expect((await store.swap(key, write(), how())).outcome).toBe('unknown')
      for (const fault of [busy, busy, busy]) proxy.next(fault)
      await expect(store.swap(crypto.randomUUID(), write(), how())).rejects.toMatchObject({ retryable: true })
    })
  })

  onEach([upstashOverMemory], (stage) => {
    it('sends a write whose answer is lost twice, and knows it', async () => {
      const { proxy } = stage()
      const store = own(stage())
      const { outcome } = await store.swap(crypto.randomUUID(), write(), how())
      expect(outcome).toBe('swapped')
      const before = proxy.counts().requests
      proxy.next(LOST)
      expect((await store.swap(crypto.randomUUID(), write(), how())).outcome).toBe('swapped')
      expect(proxy.counts().requests - before).toBe(2)
    })

    it('teaches a server that has forgotten the script', async () => {
      const { running } = stage()
      const store = running.connect(running.url ?? '')
      const key = crypto.randomUUID()
      await store.swap(key, write(), how())
      const headers = { authorization: 'Bearer local-token' }
      await fetch(running.url ?? '', { method: 'POST', headers, body: '["SCRIPT","FLUSH"]' })
      expect((await store.read(key, how())).image?.body).toBe('x')
    })

    it('is not fooled by a client whose signal turns an abort into an answer', async () => {
      const { proxy } = stage()
      const controller = new AbortController()
      const client = new Redis({ url: proxy.url, token: 'local-token', signal: controller.signal })
      const store = upstashStore({ client })
      const key = crypto.randomUUID()
      await store.swap(key, write(), how())
      proxy.next(SILENT)
      const reading = store.read(key, how())
      setTimeout(() => controller.abort(null), 50)
      await expect(reading).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
      const writing = await store.swap(key, write(), how())
      expect(writing.outcome).toBe('unknown')
    })
  })
})

describe('a store', () => {
  it('makes or asks for its client with the first call, again after a failure, and not before', async () => {
    let asked = 0
    const client = (): never => {
      asked += 1
      throw new Error('not now')
    }
    for (const store of [
      dynamoDBStore({ table: 'x', client }),
      s3Store({ bucket: 'x', client }),
      upstashStore({ client }),
    ]) {
      asked = 0
      for (let n = 1; n <= 2; n += 1) {
        await expect(store.read('key', how())).rejects.toThrow('not now')
        expect(asked).toBe(n)
      }
    }
  })

  it.each([
    ['dynamoDBStore', () => dynamoDBStore({} as never), 'table'],
    ['dynamoDBStore', () => dynamoDBStore({} as never), 'table'],
    ['dynamoDBStore', () => dynamoDBStore({ table: 'x', retries: 3 } as never), 'retries'],
    ['dynamoDBStore', () => dynamoDBStore({ table: 'x', constructor: 3 } as never), 'constructor'],
    ['dynamoDBStore', () => dynamoDBStore({ table: 'x', env: 'prod' } as never), 'env'],
    ['dynamoDBStore', () => dynamoDBStore({ table: 'x', region: 5 } as never), 'region'],
    ['dynamoDBStore', () => dynamoDBStore({ table: 'x', region: '' }), 'region'],
    ['dynamoDBStore', () => dynamoDBStore({ table: 'x', endpoint: 'example.com:8000' }), 'endpoint'],
    ['dynamoDBStore', () => dynamoDBStore({ table: 'x', endpoint: 'http://' }), 'endpoint'],
    ['dynamoDBStore', () => dynamoDBStore({ table: 'x', client: {} } as never), 'client'],
    ['dynamoDBStore', () => dynamoDBStore({ ...PLACE, credentials: 'example' } as never), 'credentials'],
    ['dynamoDBStore', () => dynamoDBStore({ ...PLACE, credentials: null } as never), 'credentials'],
    [
      'dynamoDBStore',
      () => dynamoDBStore({ ...PLACE, credentials: { accessKeyId: 'example' } } as never),
      'credentials',
    ],
    [
      'dynamoDBStore',
      () => dynamoDBStore({ ...PLACE, credentials: { accessKeyId: 'example', secretAccessKey: '' } }),
      'credentials',
    ],
    ['s3Store', () => s3Store({ bucket: '' }), 'bucket'],
    ['s3Store', () => s3Store({ bucket: 'x', Prefix: 'y' } as never), 'Prefix'],
    ['s3Store', () => s3Store({ bucket: 'x', prefix: 5 } as never), 'prefix'],
    ['s3Store', () => s3Store({ bucket: 'x', probe: 'false' } as never), 'probe'],
    ['s3Store', () => s3Store({ bucket: 'x', endpoint: 'localhost:9000' }), 'endpoint'],
    ['s3Store', () => s3Store({ bucket: 'x', client: { region: 'example' } } as never), 'client'],
    ['upstashStore', () => upstashStore({ url: 'https://x' }), 'token'],
    ['upstashStore', () => upstashStore({} as never), 'url'],
    ['upstashStore', () => upstashStore({ url: 'https://x', token: 'y', retry: false } as never), 'retry'],
    ['upstashStore', () => upstashStore({ url: 'example.upstash.io', token: 'y' }), 'url'],
    ['upstashStore', () => upstashStore({ url: 'redis://example.upstash.io', token: 'y' }), 'url'],
    ['upstashStore', () => upstashStore({ url: 'http://example.upstash.io', token: 'y' }), 'url'],
    ['upstashStore', () => upstashStore({ url: 'http://localhost:80@example.upstash.io', token: 'y' }), 'url'],
    ['upstashStore', () => upstashStore({ url: 'http://localhost.example.com', token: 'y' }), 'url'],
    ['upstashStore', () => upstashStore({ ...INSECURE, allowInsecure: 'false' } as never), 'allowInsecure'],
    ['upstashStore', () => upstashStore({ ...INSECURE, allowInsecure: 1 } as never), 'allowInsecure'],
    ['upstashStore', () => upstashStore({ client: redis, url: 'https://x' }), 'url'],
    ['upstashStore', () => upstashStore({ client: redis, token: 'y' }), 'token'],
    ['upstashStore', () => upstashStore({ client: {} } as never), 'client'],
    ['upstashStore', () => upstashStore({ url: 'https://x', token: 5 } as never), 'token'],
    ['upstashStore', () => upstashStore({ url: 'https://x', token: 'y', prefix: 5 } as never), 'prefix'],
  ])('%s refuses wrong options by name', (name, make, option) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(new RegExp(`^${name}: .*"${option}"`))
    expect(make).not.toThrow(/example/)
  })

  it.each([
    { url: 'https://example.upstash.io' },
    { url: 'http://localhost:8080' },
    { url: 'http://127.0.0.1' },
    { url: 'http://[::1]:8080/' },
    { url: 'http://redis.internal', allowInsecure: true },
  ])('upstashStore takes %j', (place) => {
    expect(upstashStore({ ...place, token: 'y' }).name).toBe('upstash')
  })
})
