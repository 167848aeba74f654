import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectionsTo, type HttpOptions } from './index.ts'
import { inPieces, type RawServer, startRaw } from './raw.test-server.ts'

let raw: RawServer
beforeEach(async () => {
  raw = await startRaw()
})
afterEach(() => raw.close())

const BODY = '{"text":"bödy ☃"}'
const LENGTH = `content-length: ${Buffer.byteLength(BODY)}`
const FIRST = 'HTTP/1.1 200 OK\r\n'
const PLAIN = `${FIRST}${LENGTH}\r\n\r\n${BODY}`
function chunk(text: string, extra = ''): string {
  return `${Buffer.byteLength(text).toString(16)}${extra}\r\n${text}\r\n`
}
const CHUNKS = `${chunk(BODY.slice(0, 7))}${chunk(BODY.slice(7, -3), ';a=b')}${chunk(BODY.slice(-3))}`
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n'

function client(options: HttpOptions = {}) {
  const exchange = connectionsTo(raw.url, options)
  return (signal = AbortSignal.timeout(10_000)) =>
    exchange({ method: 'POST', path: '/', headers: {}, body: 'asked' }, signal)
}
/** The name of what a call rejects with, once it is sure that it shows nothing of the answer. */
async function failureOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => new Error('it did not reject'),
    (thrown: unknown) => thrown,
  )
  expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(/marked/)
  return (error as Error).name
}
function bytesOf(text: string): readonly Uint8Array[] {
  return [...Buffer.from(text)].map((byte) => Buffer.from([byte]))
}

describe('an answer', () => {
  it.each([
    ['with its length', PLAIN],
    ['with names in capitals and no space', `${FIRST}${LENGTH.toUpperCase().replace(' ', '')}\r\n\r\n${BODY}`],
    ['in chunks', `${FIRST}${CHUNKED}${CHUNKS}0\r\n\r\n`],
    ['in chunks, with headers behind them', `${FIRST}${CHUNKED}${CHUNKS}0\r\nx-one: 1\r\nx-two: 2\r\n\r\n`],
    ['after word that it is on its way', `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${PLAIN}`],
    ['without a word on its status', `HTTP/1.1 200\r\n${LENGTH}\r\n\r\n${BODY}`],
  ])('is read %s, in one piece and in pieces of a byte, and the connection is used again', async (_name, text) => {
    const post = client()
    raw.answer = (socket) => void socket.write(text)
    expect(await post()).toMatchObject({ status: 200, text: BODY, isLast: false })
    raw.answer = (socket) => void inPieces(socket, bytesOf(text))
    expect(await post()).toMatchObject({ status: 200, text: BODY, isLast: false })
    expect(raw.connections).toHaveLength(1)
  })

  it.each([
    ['that ends with the connection', `${FIRST}\r\n${BODY}`],
    ['of HTTP/1.0', `HTTP/1.0 200 OK\r\n\r\n${BODY}`],
  ])('is read %s', async (_name, text) => {
    raw.answer = (socket) => void socket.end(text)
    expect(await client()()).toMatchObject({ text: BODY, isLast: true })
  })

  it.each([
    ['says so', `${FIRST}Connection: Close\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['says so among other things', `${FIRST}connection: x, close\r\nconnection: y\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['sends more than was asked for', `${PLAIN}${FIRST}`],
    ['sends a body where there is none', `HTTP/1.1 204 No Content\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['sends more behind its chunks', `${FIRST}${CHUNKED}${CHUNKS}0\r\n\r\n0`],
    ['speaks HTTP/1.0', `HTTP/1.0 200 OK\r\n${LENGTH}\r\n\r\n${BODY}`],
  ])('is the last on its connection when the server %s', async (_name, text) => {
    const post = client()
    raw.answer = (socket) => void socket.write(text)
    for (let n = 1; n <= 2; n += 1) {
      expect(await post()).toMatchObject({ isLast: true })
      expect(raw.connections).toHaveLength(n)
    }
  })

  it('has the headers that are wanted, those of one name in one, and no others', async () => {
    const post = client({ headers: ['date', 'x-one', 'x-none'] })
    raw.answer = (socket) =>
      void socket.write(`${FIRST}X-One: \t a b\t\r\nDate:today\r\nx-other: c\r\nx-one: d\r\n${LENGTH}\r\n\r\n${BODY}`)
    expect((await post()).headers).toEqual({ date: 'today', 'x-one': 'a b, d' })
  })

  it.each([
    ['is none', 'SSH-2.0-marked\r\n\r\n'],
    ['has a first line of its own', 'HTTP/2 200\r\n\r\n'],
    ['has no status', 'HTTP/1.1 marked\r\n\r\n'],
    ['wants to speak something else', 'HTTP/1.1 101 Other\r\nconnection: upgrade\r\nupgrade: marked\r\n\r\n'],
    ['is on its way in HTTP/1.0', `HTTP/1.0 100 Continue\r\n\r\n${FIRST}${LENGTH}\r\n\r\n${BODY}`],
    ['has one length twice', `${FIRST}${LENGTH}\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has two lengths', `${FIRST}${LENGTH}\r\ncontent-length: 1\r\n\r\n${BODY}`],
    ['has two lengths in one', `${FIRST}content-length: 1, 1\r\n\r\n${BODY}`],
    ['has a length that is none', `${FIRST}content-length: -1\r\n\r\n${BODY}`],
    ['has a length and a blank that is none', `${FIRST}content-length: 1\xa0\r\n\r\n${BODY}`],
    ['has a length and chunks', `${FIRST}${LENGTH}\r\n${CHUNKED}${CHUNKS}0\r\n\r\n`],
    ['is packed', `${FIRST}transfer-encoding: gzip, chunked\r\n\r\n${CHUNKS}0\r\n\r\n`],
    ['is packed in two lines', `${FIRST}transfer-encoding: gzip\r\n${CHUNKED}${CHUNKS}0\r\n\r\n`],
    ['has chunks by a word with a tab', `${FIRST}${CHUNKED.replace('chunked', 'chunked\t')}${CHUNKS}0\r\n\r\n`],
    ['has chunks in HTTP/1.0', `HTTP/1.0 200 OK\r\n${CHUNKED}${CHUNKS}0\r\n\r\n`],
    ['has a chunk without a length', `${FIRST}${CHUNKED}marked\r\n`],
    ['has a chunk with a sign', `${FIRST}${CHUNKED}+1\r\nm\r\n0\r\n\r\n`],
    ['has a blank behind the length of a chunk', `${FIRST}${CHUNKED}1 \r\nm\r\n0\r\n\r\n`],
    ['has an extension without a name', `${FIRST}${CHUNKED}1;\r\nm\r\n0\r\n\r\n`],
    ['has a chunk that is longer than it says', `${FIRST}${CHUNKED}1\r\nmarked\r\n0\r\n\r\n`],
    ['has a chunk that is shorter than it says', `${FIRST}${CHUNKED}a\r\nmarked\r\n0\r\n\r\n0\r\n\r\n`],
    ['has a line of a chunk without end', `${FIRST}${CHUNKED}${'1'.repeat(300)}`],
    ['has a line of a chunk that ends in the middle', `${FIRST}${CHUNKED}1;\nx\r\nm\r\n0\r\n\r\n`],
    ['has a header behind its chunks that is none', `${FIRST}${CHUNKED}0\r\nmarked\r\n\r\n`],
    ['has headers behind its chunks without end', `${FIRST}${CHUNKED}0\r\n${'x: marked\r\n'.repeat(4_000)}`],
    ['has a head without end', `${FIRST}${'x: marked\r\n'.repeat(4_000)}`],
    ['has a header without end', `${FIRST}x:${' '.repeat(40_000)}`],
    ['has a header in two lines', `${FIRST}x: marked\r\n folded\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has a header without a name', `${FIRST}: marked\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has a header without a colon', `${FIRST}marked\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has a blank before a colon', `${FIRST}x : marked\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has half an end of a line in a header', `${FIRST}x: marked\ny: 1\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has the other half of it', `${FIRST}x: marked\ry: 1\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has a NUL in a header', `${FIRST}x: marked\0\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has half an end of a line after its status', `HTTP/1.1 200 OK\nx: marked\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['is never more than on its way', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)],
  ])('that %s is none, and shows nothing of it', async (_name, text) => {
    const post = client()
    raw.answer = (socket) => void socket.write(Buffer.from(text, 'latin1'))
    expect(await failureOf(post())).toBe('AnswerUnreadable')
    raw.answer = (socket) => void socket.write(PLAIN)
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(2)
  })

  it.each([
    ['says that it is', `${FIRST}content-length: 1000\r\n\r\n`],
    ['says so of a chunk', `${FIRST}${CHUNKED}ffffffff\r\n`],
    ['is', `${FIRST}\r\n${'x'.repeat(1_000)}`],
    ['is in many chunks', `${FIRST}${CHUNKED}${chunk('x').repeat(200)}`],
  ])('that %s longer than it may be is refused at once', async (_name, text) => {
    raw.answer = (socket) => void socket.write(text)
    expect(await failureOf(client({ maxAnswer: 999 })())).toBe('AnswerTooLong')
  })

  it.each([
    ['before it began', ''],
    ['in its head', PLAIN.slice(0, 20)],
    ['in its body', PLAIN.slice(0, -1)],
    ['in a chunk', `${FIRST}${CHUNKED}a\r\nmarked`],
    ['between chunks', `${FIRST}${CHUNKED}${CHUNKS}`],
    ['before the end of its chunks', `${FIRST}${CHUNKED}${CHUNKS}0\r\n`],
  ])('that ends %s is none', async (_name, text) => {
    raw.answer = (socket) => void socket.end(text)
    expect(await failureOf(client()())).toBe('AnswerBroken')
  })

  it('that ends with a reset is none, though its end should tell', async () => {
    raw.answer = (socket) => void socket.write(`${FIRST}\r\n${BODY}`, () => socket.resetAndDestroy())
    expect(await failureOf(client()())).toBe('NetworkError')
  })

  it('is taken of the request that it follows: what comes unasked ends the connection', async () => {
    const post = client()
    raw.answer = (socket) => void socket.write(PLAIN)
    await post()
    const [first] = raw.connections
    const closed = new Promise((resolve) => first?.once('close', resolve))
    first?.write(`${FIRST}content-length: 5\r\n\r\nstray`)
    await closed
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(2)
  })

  it('comes on a new connection when those kept have died unseen', async () => {
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
    expect(await failureOf(post())).toMatch(/AnswerBroken|NetworkError/)
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(3)
  })

  it('comes on a new connection when the server has ended an idle one', async () => {
    const post = client()
    raw.answer = (socket) => void socket.write(PLAIN)
    await post()
    const [first] = raw.connections
    const closed = new Promise((resolve) => first?.once('close', resolve))
    first?.end()
    await closed
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(2)
  })

  it.each<[string, (socket: Socket) => unknown]>([
    ['said what nobody asked for', (socket) => socket.write(`${FIRST}content-length: 5\r\n\r\nstray`)],
    ['said that it was idle for too long', (socket) => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n')],
    ['ended', (socket) => socket.end()],
    ['was reset', (socket) => socket.resetAndDestroy()],
  ])('comes on a new connection when the idle one %s and nobody has read it yet', async (_name, act) => {
    const post = client()
    raw.answer = (socket) => void socket.write(PLAIN)
    await post()
    // In one turn of the loop: what the server does is there, but not read when the request is made.
    for (const socket of raw.connections) act(socket)
    expect((await post()).text).toBe(BODY)
    expect(raw.connections).toHaveLength(2)
  })

  it('comes on a new connection when the idle ones are old: they may be gone without a word', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const post = client()
      raw.answer = (socket) => void socket.write(PLAIN)
      await Promise.all([post(), post()])
      vi.setSystemTime(Date.now() + 4_000)
      await post()
      expect(raw.connections).toHaveLength(2)
      vi.setSystemTime(Date.now() + 4_001)
      expect((await post()).text).toBe(BODY)
      expect(raw.connections).toHaveLength(3)
    } finally {
      vi.useRealTimers()
    }
  })
})
