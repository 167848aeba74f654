import { createServer } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LocalServer } from '../http/listen.ts'
import { listen } from '../http/listen.ts'
import { LOCAL_CREDENTIALS, startS3 } from '../s3/start-s3.ts'
import type { Fault, FaultMoment } from './fault.ts'
import { seededRandom } from './seeded-random.ts'
import type { FaultProxy, FaultProxyOptions } from './start-fault-proxy.ts'
import { startFaultProxy } from './start-fault-proxy.ts'

/** Waits end as soon as the condition holds; this only bounds them on a busy machine. */
const PATIENT = { timeout: 4500 }
const open: { close(): Promise<void> | void }[] = []
/** Bodies that arrived whole at the server behind the proxy. */
let applied: string[]
let aborted: Promise<void>
let server: LocalServer
let proxy: FaultProxy

async function start(options: Partial<FaultProxyOptions> = {}): Promise<void> {
  proxy = await startFaultProxy({ target: server.url, ...options })
  open.push(proxy)
}

function post(body: string, init: RequestInit = {}) {
  return fetch(proxy.url, { method: 'POST', body, ...init }).then(
    async (answer) => `${answer.status} ${await answer.text()}`,
  )
}

beforeEach(async () => {
  applied = []
  const { promise, resolve } = Promise.withResolvers<void>()
  aborted = promise
  const http = createServer((request, response) => {
    request.on('error', () => resolve())
    text(request).then(
      (body) => {
        applied.push(body)
        response.end(`answer ${applied.length}`)
      },
      () => undefined,
    )
  })
  server = await listen(http, {})
  open.push(server)
  await start()
})

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

describe('each fault, before and after the request is applied', () => {
  const struck = async (fault: Fault) => {
    proxy.next(fault)
    return await post('body').catch((error: unknown) => {
      const cause = error instanceof Error ? error.cause : undefined
      return cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed'
    })
  }

  test.each<[FaultMoment, string[]]>([
    ['before', []],
    ['after', ['body']],
  ])('reset %s', async (when, expected) => {
    expect(await struck({ kind: 'reset', when })).toBe('ECONNRESET')
    expect(applied).toEqual(expected)
  })

  test.each<[FaultMoment, string[]]>([
    ['before', []],
    ['after', ['body']],
  ])('status %s', async (when, expected) => {
    expect(await struck({ kind: 'status', when, status: 503, body: 'busy' })).toBe('503 busy')
    expect(applied).toEqual(expected)
  })

  test.each<FaultMoment>(['before', 'after'])('hang %s: only the client or close() ends it', async (when) => {
    proxy.next({ kind: 'hang', when })
    const hanging = post('body').catch(() => 'cut')
    await expect.poll(() => [proxy.counts().requests, applied.length], PATIENT).toEqual([1, when === 'after' ? 1 : 0])
    expect(await post('other')).toMatch(/^200/)
    await proxy.close()
    expect(await hanging).toBe('cut')
  })

  test.each<FaultMoment>(['before', 'after'])('latency %s delays and changes nothing', async (when) => {
    expect(await struck({ kind: 'latency', when, ms: 5 })).toBe('200 answer 1')
  })

  test('truncate before: half the request arrives and nothing is applied', async () => {
    expect(await struck({ kind: 'truncate', when: 'before' })).toBe('ECONNRESET')
    await aborted
    expect(applied).toEqual([])
  })

  test('truncate after: the request is applied and half the answer arrives', async () => {
    proxy.next({ kind: 'truncate', when: 'after' })
    const answer = await fetch(proxy.url, { method: 'POST', body: 'body' })
    expect(answer.status).toBe(200)
    await expect(answer.text()).rejects.toThrow()
    expect(applied).toEqual(['body'])
  })

  test.each<[FaultMoment, string]>([
    ['before', '200 answer 2'],
    ['after', '200 answer 1'],
  ])('duplicate %s applies the request twice', async (when, answer) => {
    expect(await struck({ kind: 'duplicate', when })).toBe(answer)
    expect(applied).toEqual(['body', 'body'])
  })
})

describe('choosing faults', () => {
  const busy: Fault = { kind: 'status', when: 'before', status: 503 }

  test('a seed reproduces the same faults and the counters tell them', async () => {
    const run = async () => {
      await start({ plan: [{ fault: busy, probability: 0.5 }], random: seededRandom(7) })
      const seen = []
      for (let at = 0; at < 20; at++) seen.push((await post('x')).slice(0, 3))
      return { seen, counts: proxy.counts() }
    }
    const first = await run()
    expect(await run()).toEqual(first)
    const struck = first.seen.filter((status) => status === '503').length
    expect(struck).toBeGreaterThan(0)
    expect(first.counts).toEqual({ requests: 20, injected: { 'status before': struck } })
  })

  test('rules can be changed while the proxy runs, and next() comes before them', async () => {
    proxy.rules.push(({ body, number }) => (body.includes('bad') && number > 1 ? busy : undefined))
    expect(await post('bad')).toMatch(/^200/)
    expect(await post('bad')).toMatch(/^503/)
    proxy.next({ ...busy, status: 500 })
    expect(await post('bad')).toMatch(/^500/)
    proxy.rules.length = 0
    expect(await post('bad')).toMatch(/^200/)
  })

  test('probabilities that cannot be are refused', async () => {
    const plan = [
      { fault: busy, probability: 0.7 },
      { fault: busy, probability: 0.7 },
    ]
    await expect(start({ plan })).rejects.toThrow(RangeError)
    await expect(start({ target: 'ftp://x' })).rejects.toThrow('target must be an http URL')
  })
})

describe('what passes through', () => {
  test('headers keep their case, order and repetition both ways', async () => {
    const echo = await listen(
      createServer((request, response) => {
        response.sendDate = false
        response.writeHead(200, ['X-ONE', '1', 'x-Two', '2', 'X-ONE', '3', 'Connection', 'close'])
        response.end(JSON.stringify(request.rawHeaders))
      }),
      {},
    )
    open.push(echo)
    await start({ target: echo.url })
    const socket = connect(proxy.port, '127.0.0.1')
    socket.write('GET /a%2Fb?c HTTP/1.1\r\nhOsT: signed.example:1\r\nX-a: 1\r\nx-A: 2\r\nConnection: close\r\n\r\n')
    const answer = await text(socket)
    expect(answer).toContain('["hOsT","signed.example:1","X-a","1","x-A","2","Connection","close"]')
    expect(answer).toContain('X-ONE: 1\r\nx-Two: 2\r\nX-ONE: 3\r\n')
    expect(answer).not.toMatch(/^date:/im)
  })

  test('signed requests still verify, and the retry of a lost answer meets its own write', async () => {
    const s3 = await startS3({ buckets: ['tokens'] })
    open.push(s3)
    await start({ target: s3.url })
    const client = new S3Client({ endpoint: proxy.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
    open.push({ close: () => client.destroy() })
    const where = { Bucket: 'tokens', Key: 'a' }
    await client.send(new PutObjectCommand({ ...where, Body: 'first' }))
    proxy.next({ kind: 'truncate', when: 'before' })
    await client.send(new PutObjectCommand({ ...where, Body: 'x'.repeat(100_000) }))
    proxy.next({ kind: 'reset', when: 'after' })
    const create = new PutObjectCommand({ ...where, Key: 'b', Body: 'mine', IfNoneMatch: '*' })
    await expect(client.send(create)).rejects.toMatchObject({ name: 'PreconditionFailed', $metadata: { attempts: 2 } })
    const { Body } = await client.send(new GetObjectCommand({ ...where, Key: 'b' }))
    expect(await Body?.transformToString()).toBe('mine')
  })

  test('a server that is gone answers 502, a body beyond the limit 413', async () => {
    await start({ maxBodyBytes: 10 })
    expect(await post('x'.repeat(11))).toMatch(/^413/)
    await server.close()
    expect(await post('x')).toMatch(/^502/)
  })
})
