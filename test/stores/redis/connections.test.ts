import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { redisStore } from '@warmtoken/adapters-redis'
import { createTokens, type WarmEvent } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { startRedisServer } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { CLIENTS, type ClientName, PASSWORD, type ProxiedRedis, startProxiedRedis } from '../backends/redis.ts'
import { CERT } from '../certificate.ts'
import { startTlsServer } from './tls-server.ts'

const NAMES: readonly ClientName[] = ['ioredis', 'node-redis', 'iovalkey']
let server: ProxiedRedis
beforeAll(async () => {
  server = await startProxiedRedis()
})
afterAll(() => server?.close())

let skipped = 0
afterEach(() => {
  skipped = 0
  vi.restoreAllMocks()
})
/** Lets the clock on the wall jump, as it does when an environment is thawed. Sockets and timers know nothing of it. */
function pass(ms: number): void {
  skipped += ms
  const now = Date.now.bind(Date)
  if (!vi.isMockFunction(Date.now)) vi.spyOn(Date, 'now').mockImplementation(() => now() + skipped)
}

/** A request is bounded, but not by how busy this machine is. */
function how() {
  return { signal: AbortSignal.timeout(20_000), consistent: true }
}
function write() {
  return { expected: undefined, body: 'x', tag: crypto.randomUUID(), keepUntil: Date.now() + 3_600_000 }
}

/** A store that owns its connection, and how often it connected. */
function counting(name: ClientName) {
  let connects = 0
  const store = redisStore({
    connect: () => {
      connects += 1
      return CLIENTS[name].single(server.proxy.port)
    },
  })
  return { store, connects: () => connects }
}

describe.each(NAMES)('a connection that the store owns, by %s', (name) => {
  it('serves every request while it is in use', async () => {
    const { store, connects } = counting(name)
    for (let n = 0; n < 20; n += 1) {
      pass(2_000)
      await store.read('key', how())
    }
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.read(`key${n}`, how())))
    expect(connects()).toBe(1)
  })

  it('is one for all that ask at once, and for "open"', async () => {
    const { store, connects } = counting(name)
    await Promise.all([store.open?.(), ...Array.from({ length: 50 }, (_, n) => store.read(`key${n}`, how()))])
    expect(connects()).toBe(1)
  })

  it('is replaced before the next request after 4 s without one, so a dead one costs nothing', async () => {
    const { store, connects } = counting(name)
    await store.read('key', how())
    server.proxy.breakConnections('silence')
    pass(4_000)
    await store.open?.()
    expect(connects()).toBe(2)
    await store.read('key', how())
    expect(connects()).toBe(2)
  })

  it('is replaced within the first read after a thaw, when it is dead and was not idle for long', async () => {
    const { store, connects } = counting(name)
    await store.read('key', how())
    server.proxy.breakConnections('silence')
    await store.read('key', how())
    expect(connects()).toBe(2)
  })

  it('is ended when it was replaced', async () => {
    const { store } = counting(name)
    await store.read('key', how())
    const before = server.proxy.connections()
    pass(10_000)
    await store.read('key', how())
    await expect.poll(() => server.proxy.connections()).toBe(before)
  })

  it('is made with the password of that moment', async () => {
    const inside = server.inside
    const asked: string[] = []
    let password = 'first-password'
    await inside.acl('SETUSER', 'rotating', 'reset', 'on', `>${password}`, '~*', '+@all')
    const store = redisStore({
      connect: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        asked.push(password)
        return new Redis({ port: server.proxy.port, username: 'rotating', password })
      },
    })
    await store.read('key', how())
    password = 'second-password'
    await inside.acl('SETUSER', 'rotating', 'resetpass', `>${password}`)
    server.proxy.breakConnections('reset')
    await store.read('key', how())
    expect(asked).toEqual(['first-password', 'second-password'])
  })
})

describe('a failover', () => {
  it.each(NAMES)(
    'costs no request: the old primary answers READONLY, and the next connection leads to the new one (%s)',
    async (name) => {
      const [old, next] = [await startProxiedRedis(), await startProxiedRedis()]
      for (const each of [old, next]) await each.inside.config('SET', 'masterauth', PASSWORD)
      let primary = old
      const store = redisStore({ connect: () => CLIENTS[name].single(primary.proxy.port) })
      await store.swap('before', write(), how())
      await old.inside.replicaof('127.0.0.1', next.port)
      primary = next
      expect((await store.swap('after', write(), how())).outcome).toBe('swapped')
      expect(await next.inside.exists('warmtoken:after')).toBe(1)
      expect((await store.read('after', how())).image).toBeDefined()
      await Promise.all([old.close(), next.close()])
    },
  )

  it('is noticed by a read too, which no replica may answer', async () => {
    const [old, next] = [await startProxiedRedis(), await startProxiedRedis()]
    await old.inside.config('SET', 'masterauth', PASSWORD)
    let primary = old
    const store = redisStore({ connect: () => CLIENTS.ioredis.single(primary.proxy.port) })
    await store.read('key', how())
    await next.inside.hset('warmtoken:key', { tag: 'new', body: 'new' })
    await old.inside.replicaof('127.0.0.1', next.port)
    primary = next
    expect((await store.read('key', how())).image).toEqual({ tag: 'new', body: 'new' })
    await Promise.all([old.close(), next.close()])
  })
})

describe('a TLS handshake of 700 ms', () => {
  it('is not an outage, although every call comes 10 s after the last one', async () => {
    const redis = await startRedisServer()
    const tls = await startTlsServer(redis.port, 700)
    const events: WarmEvent[] = []
    const place = { host: 'localhost', port: tls.port, tls: { ca: CERT } }
    const tokens = createTokens({
      store: redisStore({ connect: () => new Redis(place) }),
      directory: false,
      storeTimeout: 400,
      onEvent: (event) => events.push(event),
    })
    const family = tokens.use(
      custom<{ call: number }>({
        identity: (params) => params,
        fetch: async ({ params }) => ({ value: `token-${params.call}`, lifetime: 3_600_000 }),
      }),
    )
    for (let call = 0; call < 3; call += 1) {
      pass(10_000)
      expect((await family.for({ call }).get()).value).toBe(`token-${call}`)
    }
    expect(tls.connections()).toBe(3)
    expect(events.filter(({ type }) => type === 'store-error')).toEqual([])
    expect(events.filter((event) => event.type === 'fetch' && event.alone)).toEqual([])
    await tls.close()
    await redis.close()
  })
})

describe('a process that used the store', () => {
  it('ends, although nobody closed the connection', async () => {
    const redis = await startRedisServer()
    const script = fileURLToPath(new URL('one-read.test-process.ts', import.meta.url))
    const child = spawn(process.execPath, ['--conditions=source', script, String(redis.port)], { stdio: 'pipe' })
    const output: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => output.push(piece))
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(String(Buffer.concat(output))).toBe('read\n')
    await redis.close()
  }, 20_000)
})
