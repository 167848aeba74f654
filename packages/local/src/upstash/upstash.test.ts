import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { Redis } from '@upstash/redis'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalServer } from '../http/listen.ts'
import { startRedisServer } from '../process/redis-server.ts'
import type { UpstashOptions, UpstashServer } from './start-upstash.ts'
import { startUpstash } from './start-upstash.ts'

// The settings the token store uses; each default it changes hides or alters something.
function makeClient(server: UpstashServer): Redis {
  return new Redis({
    url: server.url,
    token: server.token,
    enableAutoPipelining: false,
    automaticDeserialization: false,
    enableTelemetry: false,
    retry: { retries: 1 },
    signal: () => AbortSignal.timeout(10_000),
  })
}

/** Waits end as soon as the condition holds; this only bounds them on a busy machine. */
const PATIENT = { timeout: 4500 }

// Debian's redis-server is installed by scripts/servers.sh; without it the cases over it are reported as skipped.
const hasRedis = spawnSync('redis-server', ['--version']).status === 0

const backends: readonly { readonly name: string; readonly real: boolean }[] = [
  { name: 'in memory', real: false },
  { name: 'over redis-server', real: true },
]

describe.each(backends.filter(({ real }) => hasRedis || !real))('Upstash $name', ({ real }) => {
  const open: LocalServer[] = []
  let server: UpstashServer
  let redis: Redis

  beforeAll(async () => {
    const options: UpstashOptions = {}
    if (real) {
      const redisServer = await startRedisServer()
      open.push(redisServer)
      server = await startUpstash({ ...options, redis: { port: redisServer.port } })
    } else server = await startUpstash(options)
    open.push(server)
    redis = makeClient(server)
  })
  afterAll(async () => {
    for (const each of open.reverse()) await each.close()
  })
  beforeEach(async () => {
    await redis.flushall()
  })

  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { authorization: `Bearer ${server.token}`, ...headers },
    })
    return { status: answer.status, json: await answer.json() }
  }
  const run = async (...command: (string | number)[]) => (await post('/', command)).json

  describe('strings and keys', () => {
    test('SET with its options', async () => {
      expect(await redis.set('a', '123')).toBe('OK')
      expect(await redis.get('a')).toBe('123')
      expect(await redis.set('a', 'b', { nx: true })).toBeNull()
      expect(await redis.set('b', 'c', { xx: true })).toBeNull()
      expect(await redis.set('a', 'd', { px: 50_000, get: true })).toBe('123')
      expect(await redis.pttl('a')).toBeGreaterThan(49_000)
      expect(await redis.set('a', 'e', { ex: 100 })).toBe('OK')
      expect(await redis.ttl('a')).toBe(100)
      expect(await redis.set('a', 'f')).toBe('OK')
      expect(await redis.ttl('a')).toBe(-1)
    })

    test('values survive byte for byte', async () => {
      for (const value of ['', 'aGVsbG8=', 'OK', '{"a":[1]}', 'é\u0000\n"%😀', 'x'.repeat(300_000)]) {
        await redis.set('a', value)
        expect(await redis.get('a')).toBe(value)
      }
    })

    test('expiry, counting and removal', async () => {
      expect(await redis.incr('n')).toBe(1)
      expect(await redis.pexpire('n', 60_000)).toBe(1)
      expect(await redis.incr('n')).toBe(2)
      expect(await redis.ttl('n')).toBe(60)
      expect(await redis.pexpireat('n', 1)).toBe(1)
      expect(await redis.exists('n')).toBe(0)
      expect(await redis.ttl('n')).toBe(-2)
      expect(await redis.expire('n', 5)).toBe(0)
      await redis.set('a', '1')
      expect(await redis.expire('a', 10, 'gt')).toBe(0)
      expect(await redis.expire('a', 10, 'nx')).toBe(1)
      expect(await redis.expire('a', 20, 'nx')).toBe(0)
      expect(await redis.mget('a', 'n')).toEqual(['1', null])
      expect(await redis.del('a', 'n')).toBe(1)
    })

    test('KEYS, TYPE, TIME and PING', async () => {
      await redis.set('ab', '1')
      await redis.hset('a?', { f: '1' })
      expect((await redis.keys('a*')).sort()).toEqual(['a?', 'ab'])
      expect(await redis.keys('a\\?')).toEqual(['a?'])
      expect(await redis.keys('a[^a-c]')).toEqual(['a?'])
      expect(await redis.type('ab')).toBe('string')
      expect(await redis.type('a?')).toBe('hash')
      expect(await redis.type('none')).toBe('none')
      const [seconds, micros] = await redis.time()
      expect(Math.abs(Number(seconds) * 1000 + Number(micros) / 1000 - Date.now())).toBeLessThan(5000)
      expect(await redis.ping()).toBe('PONG')
    })
  })

  test('hashes', async () => {
    expect(await redis.hset('h', { a: '1', b: '2' })).toBe(2)
    expect(await redis.hset('h', { b: '3', c: '4' })).toBe(1)
    expect(await redis.hget('h', 'b')).toBe('3')
    expect(await run('HMGET', 'h', 'a', 'none')).toEqual({ result: ['1', null] })
    expect(await run('HGETALL', 'h')).toEqual({ result: ['a', '1', 'b', '3', 'c', '4'] })
    expect(await redis.hdel('h', 'a', 'b', 'c', 'd')).toBe(3)
    expect(await redis.exists('h')).toBe(0)
  })

  describe('scripts', () => {
    test('EVAL, SCRIPT LOAD and EVALSHA with keys and arguments', async () => {
      const script = "redis.call('HSET', KEYS[1], 'f', ARGV[1]) return redis.call('HGET', KEYS[1], 'f')"
      await expect(redis.evalsha('a'.repeat(40), ['k'], ['v'])).rejects.toThrow(/noscript/i)
      expect(await redis.eval(script, ['k'], ['é\u0000%\n'])).toBe('é\u0000%\n')
      const sha = await redis.scriptLoad(script)
      expect(await redis.evalsha(sha, ['k'], ['v2'])).toBe('v2')
    })

    test.each<[string, unknown]>([
      ['return 3.99', 3],
      ['return -3.99', -3],
      ['return {1, "a", {2, true}, false, 3}', [1, 'a', [2, 1], null, 3]],
      ['return {1, nil, 3}', [1]],
      ['return redis.status_reply("FINE")', 'FINE'],
      ['return {ok="OK"}', 'OK'],
      ['return tostring(10 / 2) .. unpack({"x"})', '5x'],
      ['return tostring(1700000000000) .. " " .. 1700000000000000', '1700000000000 1.7e+15'],
      ['return string.format("%d %5.1f %s %%", 1700000000000, 1.25, "x")', '1700000000000   1.2 x %'],
      ['return 1700000000 * 1000', 1_700_000_000_000],
      ['redis.call("SET", KEYS[1], 10 / 4) return redis.call("GET", KEYS[1])', '2.5'],
      ['redis.call("SET", KEYS[1], 1700000000000) return redis.call("GET", KEYS[1])', '1700000000000'],
      ['return type(redis.call("GET", "none")) .. tostring(redis.call("GET", "none"))', 'booleanfalse'],
      ['return redis.sha1hex("abc")', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
      ['local t = redis.call("TIME") return #t', 2],
      ['return redis.pcall("GET").err', 'ERR Wrong number of args calling Redis command from script'],
      ['return redis.pcall("NOPE").err', 'ERR Unknown Redis command called from script'],
      ['local ok, e = pcall(redis.call, "GET") return {tostring(ok), type(e)}', ['false', 'string']],
      ['return #ARGV[1] .. ARGV[1]:sub(1, 1)', '3é'.slice(0, 1) + Buffer.from([0xc3]).toString()],
    ])('%s', async (script, expected) => {
      expect(await run('EVAL', script, 1, 'k', 'é!')).toEqual({ result: expected })
    })

    test.each<[string, RegExp | string]>([
      ['return redis.error_reply("MINE went wrong")', 'MINE went wrong'],
      ['return {err="MINE"}', 'MINE'],
      [
        '\nredis.call("SET", KEYS[1], "1")\nlocal r = redis.call("HGET", KEYS[1], "f")\nreturn r',
        /^WRONGTYPE Operation against a key holding the wrong kind of value script: [\da-f]{40}, on @user_script:3\.$/,
      ],
      ['return x', /^ERR user_script:1: Script attempted to access nonexistent global variable 'x' script: /],
      ['x = 1', /^ERR user_script:1: Attempt to modify a readonly table script: /],
      ['return nil + 1', /^ERR user_script:1: attempt to perform arithmetic on a nil value script: /],
      ['return 1 +', /^ERR Error compiling script \(new function\): user_script:1: unexpected symbol near '<eof>'/],
      ['error("mine")', /^ERR user_script:1: mine script: [\da-f]{40}, on @user_script:1\.$/],
      ['return redis.call("EVAL", "return 1", 0)', /^ERR This Redis command is not allowed from script/],
      ['return redis.call({})', /^ERR Lua redis lib command arguments must be strings or integers/],
      ['return os.getenv("HOME")', /^ERR user_script:1: (Script attempted|attempt to call field 'getenv')/],
    ])('fails as in Redis: %s', async (script, expected) => {
      const { status, json } = await post('/', ['EVAL', script, '1', 'k'])
      expect([status, json]).toEqual([400, { error: expect.stringMatching(expected) }])
    })

    test('a compare-and-swap script has one winner of 200', async () => {
      const script = `if redis.call('HGET', KEYS[1], 'tag') ~= ARGV[1] then return 0 end
        redis.call('HSET', KEYS[1], 'tag', ARGV[2]) return 1`
      await redis.hset('h', { tag: 'start' })
      const racers = Array.from({ length: 200 }, (_, index) => redis.eval(script, ['h'], ['start', `tag-${index}`]))
      const won = await Promise.all(racers)
      expect(won.filter((each) => each === 1)).toHaveLength(1)
      expect(await redis.hget('h', 'tag')).toBe(`tag-${won.indexOf(1)}`)
    })
  })

  describe('errors', () => {
    test.each<[string[], string | RegExp]>([
      [['GET'], "ERR wrong number of arguments for 'get' command"],
      [['HSET', 'h', 'a'], "ERR wrong number of arguments for 'hset' command"],
      [['HSET', 'h', 'a', 'b', 'c'], "ERR wrong number of arguments for 'hset' command"],
      [['NOPE', 'a', 'b'], /^ERR unknown command 'NOPE', with args beginning with: 'a' 'b'/],
      [['SET', 'a', '1', 'NX', 'XX'], 'ERR syntax error'],
      [['SET', 'a', '1', 'EX', '1', 'PX', '1'], 'ERR syntax error'],
      [['SET', 'a', '1', 'EX'], 'ERR syntax error'],
      [['SET', 'a', '1', 'EX', '0'], "ERR invalid expire time in 'set' command"],
      [['SET', 'a', '1', 'EX', 'x'], 'ERR value is not an integer or out of range'],
      [['EXPIRE', 'a', '1.5'], 'ERR value is not an integer or out of range'],
      [['EXPIRE', 'a', '1', 'YY'], 'ERR Unsupported option YY'],
      [['INCR', 'text'], 'ERR value is not an integer or out of range'],
      [['HGET', 'text', 'f'], 'WRONGTYPE Operation against a key holding the wrong kind of value'],
      [['EVAL', 'return 1', '2', 'a'], "ERR Number of keys can't be greater than number of args"],
    ])('%j', async (command, error) => {
      await redis.set('text', 'x')
      const { status, json } = await post('/', command)
      expect([status, json]).toEqual([400, { error: expect.stringMatching(error) }])
      if (typeof error === 'string') expect(json).toEqual({ error })
    })
  })

  describe('several commands at once', () => {
    test('a pipeline answers each in order, errors included', async () => {
      const commands = [
        ['SET', 'a', '1'],
        ['HGET', 'a', 'f'],
        ['INCR', 'a'],
      ]
      const expected = [{ result: 'OK' }, { error: expect.stringMatching(/^WRONGTYPE/) }, { result: 2 }]
      expect(await post('/pipeline', commands)).toEqual({ status: 200, json: expected })
      expect(await redis.pipeline().set('b', 'x').get('b').exec()).toEqual(['OK', 'x'])
    })

    test('a transaction is applied as a whole', async () => {
      const commands = [
        ['SET', 'a', '1'],
        ['HGET', 'a', 'f'],
        ['INCR', 'a'],
        ['EVAL', 'return 7', '0'],
      ]
      const expected = [{ result: 'OK' }, { error: expect.stringMatching(/^WRONGTYPE/) }, { result: 2 }, { result: 7 }]
      expect(await post('/multi-exec', commands)).toEqual({ status: 200, json: expected })
      expect(await redis.multi().set('b', 'x').get('b').exec()).toEqual(['OK', 'x'])
    })

    test('a transaction with a command that cannot be queued is discarded', async () => {
      const { status, json } = await post('/multi-exec', [['SET', 'a', '1'], ['GET']])
      expect([status, json]).toEqual([400, { error: expect.stringMatching(/^EXECABORT/) }])
      expect(await redis.exists('a')).toBe(0)
    })
  })

  test('strings are base64 on demand, except a top-level OK', async () => {
    const encoded = { 'upstash-encoding': 'base64' }
    await redis.hset('h', { OK: 'é', n: '1' })
    expect((await post('/', ['SET', 'a', 'OK'], encoded)).json).toEqual({ result: 'OK' })
    expect((await post('/', ['PING'], encoded)).json).toEqual({ result: 'UE9ORw==' })
    expect((await post('/', ['HGETALL', 'h'], encoded)).json).toEqual({ result: ['T0s=', 'w6k=', 'bg==', 'MQ=='] })
    expect(
      (
        await post(
          '/pipeline',
          [
            ['GET', 'a'],
            ['EXISTS', 'a'],
            ['GET', 'none'],
          ],
          encoded,
        )
      ).json,
    ).toEqual([{ result: 'T0s=' }, { result: 1 }, { result: null }])
  })

  test('messages reach a subscriber as server-sent events', async () => {
    const answer = await fetch(`${server.url}/subscribe/news`, {
      method: 'POST',
      headers: { accept: 'text/event-stream', authorization: `Bearer ${server.token}` },
    })
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    expect(await redis.publish('news', 'a, b')).toBe(1)
    const decoder = new TextDecoder()
    let received = ''
    for await (const piece of answer.body ?? []) {
      received += decoder.decode(piece)
      if (received.includes('message')) break
    }
    expect(received).toBe('data: subscribe,news,1\n\ndata: message,news,a, b\n\n')
    await expect.poll(() => redis.publish('news', 'again'), PATIENT).toBe(0)
  })

  test("the client's own subscriber receives messages", async () => {
    const subscriber = redis.subscribe<string>('news')
    const received = Promise.withResolvers<unknown>()
    subscriber.on('message', ({ message }) => received.resolve(message))
    await expect.poll(() => redis.publish('news', 'hello'), PATIENT).toBe(1)
    expect(await received.promise).toBe('hello')
    await subscriber.unsubscribe()
  })
})

test.runIf(hasRedis)('redis-server is installed, so the cases over it were run', () => undefined)

describe('the REST front', () => {
  let server: UpstashServer
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${server.url}${path}`, init)
    return { status: answer.status, json: await answer.json(), sync: answer.headers.get('upstash-sync-token') }
  }
  beforeAll(async () => {
    server = await startUpstash({ token: 'secret', maxBodyBytes: 1000, now: () => 1_700_000_000_123 })
  })
  afterAll(() => server.close())
  const authorization = { authorization: 'Bearer secret' }

  test('takes the token in the header or the query, and refuses any other', async () => {
    expect(await ask('/ping', { headers: authorization })).toMatchObject({ status: 200, json: { result: 'PONG' } })
    expect(await ask('/ping?_token=secret')).toMatchObject({ status: 200 })
    const refused = { status: 401, json: { error: expect.any(String) } }
    expect(await ask('/ping')).toMatchObject(refused)
    expect(await ask('/ping?_token=other')).toMatchObject(refused)
    expect(await ask('/ping', { headers: { authorization: 'Bearer other!' } })).toMatchObject(refused)
  })

  test('takes commands as a path, with a body and options in the query', async () => {
    expect(await ask('/set/a%2Fb/c?EX=100&_token=secret')).toMatchObject({ json: { result: 'OK' } })
    expect(await ask('/ttl/a%2Fb?_token=secret')).toMatchObject({ json: { result: 100 } })
    await ask('/set/k?_token=secret&NX', { method: 'POST', body: 'from body' })
    expect(await ask('/get/k?_token=secret')).toMatchObject({ json: { result: 'from body' } })
  })

  test('tells the time of its clock and gives a sync token', async () => {
    const answer = await ask('/time?_token=secret')
    expect(answer).toMatchObject({ json: { result: ['1700000000', '123000'] }, sync: expect.stringMatching(/.{8}/) })
  })

  test.each(['AUTH', 'SELECT', 'MULTI', 'EXEC', 'WATCH', 'BLPOP', 'CONFIG', 'DEBUG', 'SHUTDOWN'])(
    'refuses %s, alone and in a pipeline',
    async (name) => {
      const one = { method: 'POST', headers: authorization, body: JSON.stringify([name, 'x']) }
      const many = { ...one, body: JSON.stringify([[name, 'x']]) }
      const refused = { status: 400, json: { error: expect.stringContaining('not available') } }
      expect(await ask('/', one)).toMatchObject(refused)
      expect(await ask('/pipeline', many)).toMatchObject(refused)
      expect(await ask('/multi-exec', many)).toMatchObject(refused)
    },
  )

  test.each(['', '{', '{}', '[]', '[null]', '[["GET","a"]]', '"GET"', '7'])('refuses the body %j', async (body) => {
    const answer = await ask('/', { method: 'POST', headers: authorization, body })
    expect(answer).toMatchObject({ status: 400, json: { error: expect.stringMatching(/^ERR/) } })
  })

  test('refuses a path that is not encoded, a method it does not know and a body beyond the limit', async () => {
    expect((await ask('/get/%zz?_token=secret')).status).toBe(400)
    expect((await ask('/get/a?_token=secret', { method: 'DELETE' })).status).toBe(405)
    expect((await ask('/', { method: 'POST', headers: authorization, body: 'x'.repeat(1001) })).status).toBe(413)
  })

  test('answers 400 to what is not HTTP', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.write('NOT HTTP\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400 /)
  })

  test.runIf(hasRedis)('answers 503 when the Redis behind it is gone, and recovers with it', async () => {
    const redisServer = await startRedisServer()
    const front = await startUpstash({ redis: { port: redisServer.port } })
    const ping = async () => (await fetch(`${front.url}/ping?_token=${front.token}`)).status
    expect(await ping()).toBe(200)
    await redisServer.close()
    expect(await ping()).toBe(503)
    const again = await startRedisServer({ port: redisServer.port })
    expect(await ping()).toBe(200)
    await front.close()
    await again.close()
  })
})

test('a missing redis-server is told clearly', async () => {
  await expect(startRedisServer({ binary: '/nonexistent/redis-server' })).rejects.toThrow(
    'apt-get install redis-server',
  )
})

test('a script that never ends is stopped and the server goes on', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const server = await startUpstash({
    now: () =>
      vi
        .setSystemTime(Date.now() + 1000)
        .getMockedSystemTime()
        ?.getTime() ?? 0,
  })
  const evaluate = async (script: string) => {
    const init = { method: 'POST', body: JSON.stringify(['EVAL', script, 0]) }
    return await (await fetch(`${server.url}/?_token=${server.token}`, init)).json()
  }
  expect(await evaluate("while true do redis.call('TIME') end")).toEqual({ error: expect.stringContaining('timeout') })
  expect(await evaluate('return 1')).toEqual({ result: 1 })
  await server.close()
  vi.useRealTimers()
})
