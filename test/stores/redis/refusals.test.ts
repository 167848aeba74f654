import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { type RedisClient, type RedisProblem, type RedisStoreOptions, redisStore } from '@warmtoken/adapters-redis'
import { type RedisCluster, startRedisCluster } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { Redis as Valkey } from 'iovalkey'
import { createClient } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { CLIENTS, PASSWORD, type ProxiedRedis, startProxiedRedis } from '../backends/redis.ts'

const WRONG = 'battery-staple'

let server: ProxiedRedis
let cluster: RedisCluster
beforeAll(async () => {
  server = await startProxiedRedis()
  cluster = await startRedisCluster()
})
afterAll(async () => {
  await server?.close()
  await cluster?.close()
})
beforeEach(async () => {
  await server.inside.config('SET', 'maxmemory', '0')
  await server.inside.config('SET', 'maxmemory-policy', 'noeviction')
})

function how() {
  return { signal: AbortSignal.timeout(10_000), consistent: true }
}
function write() {
  return { expected: undefined, body: 'the record', tag: crypto.randomUUID(), keepUntil: Date.now() + 3_600_000 }
}
/** What a read is refused with; it shows none of the passwords. */
async function refusalOf(options: RedisStoreOptions): Promise<unknown> {
  const refusal = await redisStore(options)
    .read(crypto.randomUUID(), how())
    .catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(Error)
  expect(inspect(refusal, { depth: 9 })).not.toMatch(new RegExp(`${WRONG}|${PASSWORD}`))
  return refusal
}
/** Adds a user and gives a store of that user. */
async function storeOf(user: string, rights: string) {
  await server.inside.acl('SETUSER', user, 'reset', 'on', `>${PASSWORD}`, '~warmtoken:*', ...rights.split(' '))
  const place = { port: server.proxy.port, username: user, password: PASSWORD }
  return redisStore({ connect: () => new Redis(place) })
}

function one(): number {
  return 1
}

describe('the options of redisStore', () => {
  it.each([
    ['nothing', {}, /"connect" is required/],
    ['both', { connect: one, client: CLIENTS }, /"client" must be a client of ioredis, iovalkey or node-redis/],
    ['a client of Upstash', { client: { eval() {}, evalsha() {} } }, /"client" must be/],
    ['a connection string', { connect: `redis://:${PASSWORD}@localhost` }, /"connect" must be a function/],
    ['a client where it is made', { connect: { status: 'ready' } }, /"connect" must be a function/],
    ['a wrong flag', { connect: one, durable: 'yes' }, /"durable" must be true or false/],
    ['a typo', { connect: one, Prefix: 'x' }, /unknown option "Prefix"/],
  ])('are refused by name: %s', (_what, options, message) => {
    expect(() => redisStore(options as never)).toThrow(message)
    expect(() => redisStore(options as never)).toThrow(TypeError)
    expect(() => redisStore(options as never)).not.toThrow(PASSWORD)
  })

  it('are refused when there are two connections', () => {
    const client = new Redis({ lazyConnect: true })
    expect(() => redisStore({ client, connect: () => client })).toThrow(/"connect" cannot be combined with "client"/)
  })

  it('say whether the store forgets', () => {
    const connect = () => new Redis({ lazyConnect: true })
    expect(redisStore({ connect }).forgets).toBe(true)
    expect(redisStore({ connect, durable: true }).forgets).not.toBe(true)
  })
})

describe('a store on Redis says what to change', () => {
  it('when "connect" returns something else', async () => {
    expect(await refusalOf({ connect: () => ({ url: PASSWORD }) as never })).toMatchObject({
      code: 'STORE_REFUSED',
      message: 'Redis: "connect" must return a client of ioredis, iovalkey or node-redis 5 or newer',
    })
  })

  it('when "connect" fails, without what it said', async () => {
    const connect = (): Promise<never> =>
      Promise.reject(Object.assign(new Error(PASSWORD), { name: 'CredentialsError' }))
    expect(await refusalOf({ connect })).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'Redis: "connect" failed',
    })
  })

  it.each([
    ['ioredis', () => new Redis({ port: server.proxy.port, password: WRONG })],
    ['iovalkey', () => new Valkey({ port: server.proxy.port, password: WRONG })],
    ['node-redis', () => createClient({ socket: { port: server.proxy.port }, password: WRONG })],
    ['ioredis without one', () => new Redis({ port: server.proxy.port })],
    ['iovalkey without one', () => new Valkey({ port: server.proxy.port })],
    ['node-redis without one', () => createClient({ socket: { port: server.proxy.port } })],
  ])('when the password is wrong, by %s', async (_name, connect) => {
    const refused = { code: 'STORE_DENIED', message: expect.stringContaining('user and password must be those') }
    expect(await refusalOf({ connect })).toMatchObject(refused)
    expect(await refusalOf({ client: connect() })).toMatchObject(refused)
  })

  it.each([
    ['ioredis', () => new Redis({ port: 1 })],
    ['iovalkey', () => new Valkey({ port: 1 })],
    ['node-redis', () => createClient({ socket: { port: 1 } })],
  ])('when nobody listens, by %s', async (_name, connect) => {
    const refusal = await refusalOf({ connect })
    expect(refusal).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    expect(String(refusal)).toContain('ECONNREFUSED')
  })

  it('when nothing answers', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    const refusal = await refusalOf({ connect: () => new Redis({ port }) })
    expect(refusal).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: /no connection within 1000 ms; check the addr/,
    })
    silent.close()
  })

  it.each(['ioredis', 'node-redis', 'iovalkey'] as const)(
    'when the server is a node of a cluster and %s expects a single server',
    async (name) => {
      const port = cluster.nodes[0]?.port ?? 0
      const refused = { code: 'STORE_REFUSED', message: expect.stringContaining('give a cluster client') }
      expect(await refusalOf({ connect: () => withoutPassword(name, port) })).toMatchObject(refused)
    },
  )

  it('when such a node does not show its INFO, at the first key that another node has', async () => {
    const port = cluster.nodes[0]?.port ?? 0
    const admin = new Redis({ port })
    await admin.acl('SETUSER', 'tokens', 'reset', 'on', 'nopass', '~*', '+@all', '-info')
    admin.disconnect()
    const store = redisStore({ connect: () => new Redis({ port, username: 'tokens', password: 'any' }) })
    const keys = Array.from({ length: 20 }, (_, n) => `key${n}`)
    const refusals = await Promise.all(keys.map((key) => store.read(key, how()).catch((error: unknown) => error)))
    const refused = refusals.filter((one) => one instanceof Error)
    expect(refused.length).toBeGreaterThan(0)
    for (const one of refused) expect(one).toMatchObject({ code: 'STORE_REFUSED', message: /give a cluster client/ })
    await expect(store.readMany?.(keys, how())).rejects.toMatchObject({ code: 'STORE_REFUSED' })
  })

  it('when the server is a replica, which is not read', async () => {
    const replica = await startProxiedRedis()
    await replica.inside.config('SET', 'masterauth', PASSWORD)
    await replica.inside.replicaof('127.0.0.1', server.port)
    const store = redisStore({ connect: () => new Redis({ port: replica.proxy.port, password: PASSWORD }) })
    const refused = {
      code: 'STORE_UNAVAILABLE',
      retryable: true,
      message: /is a replica.*give the address of the primary/,
    }
    await expect(store.read('key', how())).rejects.toMatchObject(refused)
    expect(await store.swap('key', write(), how())).toMatchObject({ outcome: 'unknown', cause: refused })
    await replica.close()
  })

  it('when the user may not run scripts', async () => {
    const store = await storeOf('no-scripts', '+@all -@scripting')
    await expect(store.read('key', how())).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: /EVALSHA, EVAL, TIME/,
    })
    await expect(store.swap('key', write(), how())).rejects.toMatchObject({ code: 'STORE_DENIED' })
  })

  it('when the user may not run a command of a script, and writes nothing', async () => {
    const store = await storeOf('no-writes', '+@all -hset')
    const key = crypto.randomUUID()
    expect((await store.read(key, how())).image).toBeUndefined()
    await expect(store.swap(key, write(), how())).rejects.toMatchObject({ code: 'STORE_DENIED', message: /HSET/ })
    expect(await server.inside.exists(`warmtoken:${key}`)).toBe(0)
  })

  it('when the memory of the server is full', async () => {
    const store = redisStore({ connect: () => CLIENTS.ioredis.single(server.proxy.port) })
    await store.read('key', how())
    await server.inside.config('SET', 'maxmemory', '1')
    const result = await store.swap(crypto.randomUUID(), write(), how())
    expect(result).toMatchObject({ outcome: 'unknown', cause: { code: 'STORE_UNAVAILABLE', message: /OOM.*raise/ } })
    expect(inspect(result, { depth: 9 })).not.toContain('the record')
  })
})

/** A client without a password, for servers that want none. */
function withoutPassword(name: 'ioredis' | 'node-redis' | 'iovalkey', port: number) {
  if (name === 'node-redis') return createClient({ socket: { port } })
  return name === 'ioredis' ? new Redis({ port }) : new Valkey({ port })
}

describe('the rights that the page names', () => {
  it.each(['ioredis', 'node-redis', 'iovalkey'] as const)('are enough for %s', async (name) => {
    const rights = '+eval +evalsha +time +exists +hmget +hdel +hset +del +pexpireat +info'
    await storeOf('tokens', `${rights} +hello +client +ping`)
    const { port } = server.proxy
    const place = { username: 'tokens', password: PASSWORD }
    const connect = (): RedisClient => {
      if (name === 'node-redis') return createClient({ ...place, socket: { port } })
      return name === 'ioredis' ? new Redis({ ...place, port }) : new Valkey({ ...place, port })
    }
    await server.inside.script('FLUSH')
    const store = redisStore({ connect })
    const key = crypto.randomUUID()
    const wanted = write()
    expect((await store.swap(key, wanted, how())).outcome).toBe('swapped')
    expect((await store.read(key, how())).image).toEqual({ body: wanted.body, tag: wanted.tag })
  })
})

describe('a server that may delete records', () => {
  const connect = () => CLIENTS.ioredis.single(server.proxy.port)

  it.each(['volatile-lru', 'allkeys-random'])('is told to an operator once: %s', async (policy) => {
    await server.inside.config('SET', 'maxmemory', '1gb')
    await server.inside.config('SET', 'maxmemory-policy', policy)
    const problems: RedisProblem[] = []
    const onProblem = (problem: RedisProblem): never => {
      problems.push(problem)
      throw new Error('a listener may fail')
    }
    const store = redisStore({ connect, onProblem })
    await store.read('key', how())
    await store.read('key', how())
    expect(problems).toEqual([
      {
        type: 'eviction',
        policy,
        message: expect.stringContaining(`maxmemory-policy ${policy}); set it to noeviction`),
      },
    ])
  })

  it('is a warning of the process when nobody listens', async () => {
    await server.inside.config('SET', 'maxmemory', '1gb')
    await server.inside.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    await redisStore({ connect }).read('key', how())
    await redisStore({ connect }).read('key', how())
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('allkeys-lru'), { type: 'WarmTokenWarning', code: 'WARMTOKEN_REDIS' }],
    ])
    warn.mockRestore()
  })

  it('is refused as a durable one, until its setting is changed', async () => {
    await server.inside.config('SET', 'maxmemory', '1gb')
    await server.inside.config('SET', 'maxmemory-policy', 'volatile-ttl')
    const store = redisStore({ connect, durable: true })
    const refused = { code: 'STORE_REFUSED', message: /"durable" is true, but the server deletes records/ }
    await expect(store.read('key', how())).rejects.toMatchObject(refused)
    await server.inside.config('SET', 'maxmemory-policy', 'noeviction')
    expect((await store.read(crypto.randomUUID(), how())).image).toBeUndefined()
  })

  it('is none while its memory has no bound', async () => {
    await server.inside.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const problems: RedisProblem[] = []
    await redisStore({ connect, onProblem: (problem) => problems.push(problem) }).read('key', how())
    expect(problems).toEqual([])
  })
})
