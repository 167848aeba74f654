import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPost, type PostOptions, type PostRequest } from './post.ts'
import { inPieces, type RawServer, startRaw } from './raw.test-server.ts'

let raw: RawServer
beforeEach(async () => {
  raw = await startRaw()
})
afterEach(async () => {
  vi.useRealTimers()
  await raw.close()
})

const BODY = '{"text":"bödy ☃"}'
const LENGTH = `content-length: ${Buffer.byteLength(BODY)}`
const FIRST = 'HTTP/1.1 200 OK\r\n'
const PLAIN = `${FIRST}${LENGTH}\r\n\r\n${BODY}`
const OK = `${FIRST}content-length: 2\r\n\r\nok`
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n'
const REQUEST: PostRequest = { headers: {}, body: 'asked' }

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}
function soon(): AbortSignal {
  return AbortSignal.timeout(10_000)
}
function client(options: PostOptions = {}) {
  const post = createPost(raw.url, options)
  return (signal = soon()) => post(REQUEST, signal)
}
/** The name of the error, once it is certain that the error shows nothing of the answer. */
async function nameOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => new Error('it did not reject'),
    (thrown: unknown) => thrown,
  )
  expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(/marked/)
  return (error as Error).name
}
function gone(socket: Socket | undefined): Promise<void> {
  return new Promise<void>((resolve) => {
    if (socket === undefined || socket.destroyed) resolve()
    else socket.on('close', () => resolve())
  })
}

describe('a request', () => {
  it('has the path, headers and body that it is given', async () => {
    raw.answer = (socket) => void socket.write(OK)
    await createPost(raw.url)({ path: '/@connections/a%3D?b=c', headers: { 'x-one': '1' }, body: 'bödy' }, soon())
    expect(raw.received[0]).toMatch(/^POST \/@connections\/a%3D\?b=c HTTP\/1\.1\r\n/)
    expect(raw.received[0]).toMatch(/\r\nx-one: 1\r\n/)
    expect(raw.received[0]).toMatch(/\r\ncontent-length: 5\r\n/)
    expect(raw.received[0]).toMatch(/\r\n\r\nbödy$/)
  })

  it('goes to the path of the URL by default, and to IPv6 hosts', async () => {
    const other = await startRaw('::1')
    try {
      other.answer = (socket) => void socket.write(OK)
      expect((await createPost(new URL('/base?x=1', other.url))(REQUEST, soon())).text).toBe('ok')
      expect(other.received[0]).toMatch(/^POST \/base\?x=1 HTTP/)
    } finally {
      await other.close()
    }
  })

  it.each<[string, Partial<PostRequest>]>([
    ['a line break in a header', { headers: { 'x-one': 'marked\r\nx-two: 1' } }],
    ['a line feed in a header', { headers: { 'x-one': 'marked\n' } }],
    ['a NUL in a header', { headers: { 'x-one': 'marked\0' } }],
    ['a character beyond ASCII in a header', { headers: { 'x-one': 'marked\xe9' } }],
    ['a line break in the name of a header', { headers: { 'x-one: marked\r\nx-two': '1' } }],
    ['a header without a name', { headers: { '': 'marked' } }],
    ['a line break in its path', { path: '/ HTTP/1.1\r\nmarked: 1\r\n\r\n' }],
    ['a blank in its path', { path: '/marked marked' }],
  ])('with %s is refused and not sent, and the error shows nothing of it', async (_name, part) => {
    expect(await nameOf(createPost(raw.url)({ ...REQUEST, ...part }, soon()))).toBe('RequestRefused')
    expect(raw.connections).toHaveLength(0)
  })

  it('goes to http and https URLs only', () => {
    expect(() => createPost(new URL('ftp://127.0.0.1'))).toThrow(TypeError)
  })

  it('that nobody listens for tells the code of the system', async () => {
    await raw.close()
    const error = await client()().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'NetworkError', code: 'ECONNREFUSED', message: /ECONNREFUSED/ })
    raw = await startRaw()
  })

  it('is seen by what instruments node:http', async () => {
    const seen: string[] = []
    const see = (message: unknown): void => {
      const { request } = message as { readonly request: { readonly method: string; readonly path: string } }
      seen.push(`${request.method} ${request.path}`)
    }
    raw.answer = (socket) => void socket.write(OK)
    subscribe('http.client.request.start', see)
    try {
      await createPost(raw.url)({ ...REQUEST, path: '/seen' }, soon())
    } finally {
      unsubscribe('http.client.request.start', see)
    }
    expect(seen).toEqual(['POST /seen'])
  })

  it('goes through the agent that is handed in', async () => {
    const asked: unknown[] = []
    class ProxyAgent extends Agent {
      override createConnection(...args: Parameters<Agent['createConnection']>) {
        asked.push((args[0] as { readonly host?: unknown }).host)
        return super.createConnection(...args)
      }
    }
    const agent = new ProxyAgent({ keepAlive: true })
    raw.answer = (socket) => void socket.write(OK)
    const post = client({ agent })
    for (let n = 0; n < 2; n += 1) expect((await post()).text).toBe('ok')
    expect(asked).toEqual(['127.0.0.1'])
    agent.destroy()
  })
})

describe('an answer', () => {
  it.each([
    ['with a length', PLAIN],
    ['in chunks', `${FIRST}${CHUNKED}${chunk(BODY.slice(0, 7))}${chunk(BODY.slice(7))}0\r\n\r\n`],
    ['after an early hint', `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${PLAIN}`],
  ])('%s is read in one piece and in pieces of a byte, and the connection is used again', async (_name, text) => {
    const post = client()
    raw.answer = (socket) => void socket.write(text)
    expect(await post()).toMatchObject({ status: 200, text: BODY })
    const bytes = [...Buffer.from(text)].map((byte) => Buffer.from([byte]))
    raw.answer = (socket) => void inPieces(socket, bytes)
    expect(await post()).toMatchObject({ status: 200, text: BODY })
    expect(raw.connections).toHaveLength(1)
  })

  it('has its status and its headers', async () => {
    raw.answer = (socket) => void socket.write(`HTTP/1.1 503 Slow\r\nX-One: a\r\n${LENGTH}\r\n\r\n${BODY}`)
    expect(await client()()).toMatchObject({ status: 503, headers: { 'x-one': 'a' }, text: BODY })
  })

  it.each([
    ['is not HTTP', 'SSH-2.0-marked\r\n\r\n'],
    ['has two lengths', `${FIRST}${LENGTH}\r\ncontent-length: 1\r\n\r\n${BODY}`],
    ['has a length and chunks', `${FIRST}${LENGTH}\r\n${CHUNKED}${chunk(BODY)}0\r\n\r\n`],
    ['has a chunk without a length', `${FIRST}${CHUNKED}marked\r\n`],
    ['has a chunk that is longer than it says', `${FIRST}${CHUNKED}1\r\nmarked\r\n0\r\n\r\n`],
    ['has a head without end', `${FIRST}${'x: marked\r\n'.repeat(4_000)}`],
    ['has a header without a colon', `${FIRST}marked\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has a bare carriage return in a header', `${FIRST}x: marked\ry: 1\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has a NUL in a header', `${FIRST}x: marked\0\r\n${LENGTH}\r\n\r\n${BODY}`],
  ])('that %s is an error that shows nothing of it, and its connection is not used again', async (_name, text) => {
    const post = client()
    raw.answer = (socket) => void socket.write(Buffer.from(text, 'latin1'))
    expect(await nameOf(post())).toBe('AnswerUnreadable')
    raw.answer = (socket) => void socket.write(PLAIN)
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(2)
  })

  it('that switches the protocol is an error', async () => {
    const text = 'HTTP/1.1 101 Other\r\nconnection: upgrade\r\nupgrade: marked\r\n\r\n'
    raw.answer = (socket) => void socket.write(text)
    expect(await nameOf(client()())).toMatch(/AnswerBroken|NetworkError/)
  })

  it.each([
    ['announces', `${FIRST}content-length: 1000\r\n\r\n`],
    ['has', `${FIRST}\r\n${'x'.repeat(1_000)}`],
    ['has, in many chunks,', `${FIRST}${CHUNKED}${chunk('xxxxx').repeat(200)}`],
  ])('that %s more bytes than allowed is refused at once, and its connection is closed', async (_name, text) => {
    raw.answer = (socket) => void socket.write(text)
    expect(await nameOf(client({ maxAnswer: 999 })())).toBe('AnswerTooLong')
    await gone(raw.connections[0])
  })

  it.each([
    ['before it began', ''],
    ['in its head', PLAIN.slice(0, 20)],
    ['in its body', PLAIN.slice(0, -1)],
    ['in a chunk', `${FIRST}${CHUNKED}a\r\nmarked`],
    ['between chunks', `${FIRST}${CHUNKED}${chunk(BODY)}`],
    ['before the end of its chunks', `${FIRST}${CHUNKED}${chunk(BODY)}0\r\n`],
  ])('that ends %s is an error', async (_name, text) => {
    raw.answer = (socket) => void socket.end(text)
    expect(await nameOf(client()())).toMatch(/AnswerBroken|NetworkError|AnswerUnreadable/)
  })

  it('that ends with a reset is an error, even when only the end of the connection ends it', async () => {
    raw.answer = (socket) => void socket.write(`${FIRST}\r\n${BODY}`, () => socket.resetAndDestroy())
    expect(await nameOf(client()())).toMatch(/AnswerBroken|NetworkError/)
  })
})

describe('an idle connection', () => {
  it('is closed when the server sends something unasked', async () => {
    const post = client()
    raw.answer = (socket) => void socket.write(PLAIN)
    await post()
    const [first] = raw.connections
    first?.write(`${FIRST}content-length: 5\r\n\r\nstray`)
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect((await post()).text).toBe(BODY)
  })

  it.each<[string, (socket: Socket) => unknown]>([
    ['said what nobody asked for', (socket) => socket.write(`${FIRST}content-length: 5\r\n\r\nstray`)],
    ['said that it was idle for too long', (socket) => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n')],
    ['ended', (socket) => socket.end()],
    ['was reset', (socket) => socket.resetAndDestroy()],
  ])('is not used when it %s and nobody has read that yet', async (_name, act) => {
    const post = client()
    raw.answer = (socket) => void socket.write(PLAIN)
    await post()
    // In one turn of the event loop: what the server does has arrived, but is not read when the request is made.
    for (const socket of raw.connections) act(socket)
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(2)
  })

  it('is not used after 4 s, by the larger of the two clocks: a freeze may have killed it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const post = client()
    raw.answer = (socket) => void socket.write(PLAIN)
    await Promise.all([post(), post()])
    vi.setSystemTime(Date.now() + 3_900)
    await post()
    expect(raw.connections).toHaveLength(2)
    vi.setSystemTime(Date.now() + 4_001)
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(3)
  })

  it('is closed with the others when one of them turns out to be dead', async () => {
    const post = client()
    const asked: Socket[] = []
    raw.answer = (socket) => {
      // Both at once, so that there are two connections.
      if (asked.push(socket) === 2) for (const each of asked) each.write(PLAIN)
    }
    await Promise.all([post(), post()])
    raw.answer = (socket) => {
      if (asked.includes(socket)) socket.destroy()
      else socket.write(PLAIN)
    }
    expect(await nameOf(post())).toMatch(/AnswerBroken|NetworkError/)
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(3)
  })
})

describe('many requests at once', () => {
  it('share 50 connections', async () => {
    const post = client()
    const open: Socket[] = []
    const fifty = Promise.withResolvers<void>()
    raw.answer = (socket) => {
      if (open.push(socket) === 50) fifty.resolve()
    }
    const calls = Array.from({ length: 120 }, () => post())
    await fifty.promise
    raw.answer = (socket) => void socket.write(OK)
    for (const socket of open) socket.write(OK)
    for (const { text } of await Promise.all(calls)) expect(text).toBe('ok')
    expect(raw.connections).toHaveLength(50)
    expect(raw.received.join('').match(/POST/g)).toHaveLength(120)
  })

  it('that wait for a connection end at once when they are aborted, and are not sent', async () => {
    const post = client()
    const open: Socket[] = []
    const fifty = Promise.withResolvers<void>()
    raw.answer = (socket) => {
      if (open.push(socket) === 50) fifty.resolve()
    }
    const early = Array.from({ length: 50 }, () => post())
    const controller = new AbortController()
    const late = Array.from({ length: 10 }, () => post(controller.signal))
    await fifty.promise
    controller.abort()
    expect(new Set(await Promise.all(late.map(nameOf)))).toEqual(new Set(['AbortError']))
    for (const socket of open) socket.write(OK)
    await Promise.all(early)
    expect(raw.received.join('').match(/POST/g)).toHaveLength(50)
  })
})

describe('an abort', () => {
  it('before the request sends nothing', async () => {
    expect(await nameOf(client()(AbortSignal.abort()))).toBe('AbortError')
    expect(raw.connections).toHaveLength(0)
  })

  it('before the connection is made sends nothing', async () => {
    const controller = new AbortController()
    const post = client()
    const call = post(controller.signal)
    controller.abort()
    expect(await nameOf(call)).toBe('AbortError')
    raw.answer = (socket) => void socket.write(OK)
    expect((await post()).text).toBe('ok')
    expect(raw.received.join('').match(/POST/g)).toHaveLength(1)
  })

  it.each([
    ['when the request has arrived', ''],
    ['in the head', OK.slice(0, 10)],
    ['in the body', OK.slice(0, -1)],
  ])('%s closes the connection, and the next request has its own answer', async (_name, started) => {
    const controller = new AbortController()
    const post = client()
    raw.answer = (socket) => void socket.write(started, () => controller.abort())
    expect(await nameOf(post(controller.signal))).toBe('AbortError')
    await gone(raw.connections[0])
    raw.answer = (socket) => void socket.write(OK)
    expect((await post()).text).toBe('ok')
    expect(raw.connections).toHaveLength(2)
  })

  it('after the answer changes nothing, and no listener is left', async () => {
    const controller = new AbortController()
    const post = client()
    raw.answer = (socket) => void socket.write(OK)
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    await post(controller.signal)
    expect(remove).toHaveBeenCalledOnce()
    controller.abort()
    expect((await post()).text).toBe('ok')
    expect(raw.connections).toHaveLength(1)
  })
})

describe('a timeout', () => {
  const LIMITS = { connectTimeout: 300, answerTimeout: 800 }

  it('ends a request that is not answered, and leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const post = client(LIMITS)
    const { signal } = new AbortController()
    const asked = Promise.withResolvers<void>()
    raw.answer = () => asked.resolve()
    const call = nameOf(post(signal))
    await asked.promise
    await vi.advanceTimersByTimeAsync(800)
    expect(await call).toBe('TimeoutError')
    raw.answer = (socket) => void socket.write(OK)
    expect((await post(signal)).text).toBe('ok')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends a request whose connection is not made in time, and it is not sent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const post = client(LIMITS)
    const { signal } = new AbortController()
    // The name is never resolved, so the connection stays in the making.
    const agent = new Agent({ lookup: () => {} })
    const call = createPost(new URL('http://host.test'), { ...LIMITS, agent })(REQUEST, signal)
    const ended = expect(call).rejects.toMatchObject({ name: 'TimeoutError', message: 'no connection in time' })
    await vi.advanceTimersByTimeAsync(300)
    await ended
    raw.answer = (socket) => void socket.write(OK)
    expect((await post(signal)).text).toBe('ok')
  })

  it('does not count a TLS handshake as connecting, and ends a request that stays in one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const url = new URL(`https://127.0.0.1:${raw.url.port}`)
    const greeted = Promise.withResolvers<void>()
    raw.answer = () => greeted.resolve()
    const call = createPost(url, LIMITS)(REQUEST, new AbortController().signal)
    let error: unknown
    const ended = call.catch((thrown: unknown) => {
      error = thrown
    })
    // The client greets when it is connected.
    await greeted.promise
    await vi.advanceTimersByTimeAsync(799)
    expect(error).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    await ended
    expect(error).toMatchObject({ name: 'TimeoutError', message: 'no answer in time' })
    expect(vi.getTimerCount()).toBe(0)
  })
})
