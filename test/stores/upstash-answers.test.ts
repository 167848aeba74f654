import { createServer, type Server, type Socket } from 'node:net'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** A server that answers with the very bytes, in the very pieces, that a test names. */
let server: Server
let url = ''
let connections: Socket[] = []
let requests: string[] = []
let answer: (socket: Socket) => void

beforeEach(async () => {
  connections = []
  requests = []
  server = createServer((socket) => {
    connections.push(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      requests.push(piece.toString())
      answer(socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterEach(async () => {
  for (const socket of connections) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

const TIME = 1_700_000_000_000
const bodyOf = (tag: string): string => JSON.stringify({ result: [TIME, ['there', `=${tag}`, '=bödy ☃']] })
const BODY = bodyOf('tag')
const LENGTH = `content-length: ${Buffer.byteLength(BODY)}`
const FIRST = 'HTTP/1.1 200 OK\r\n'
const chunk = (text: string, extra = ''): string => `${Buffer.byteLength(text).toString(16)}${extra}\r\n${text}\r\n`
const CHUNKS = `${chunk(BODY.slice(0, 7))}${chunk(BODY.slice(7, -3), ';a=b')}${chunk(BODY.slice(-3))}`
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n'

const signal = () => AbortSignal.timeout(10_000)
const read = (store = upstashStore({ url, token: 'token' })) =>
  store.read('key', { signal: signal(), consistent: true })
const IMAGE = { image: { tag: 'tag', body: 'bödy ☃' } }

/** Each byte alone, so that every way of cutting an answer in two comes up. */
const drip = async (socket: Socket, text: string): Promise<void> => {
  for (const byte of Buffer.from(text)) {
    await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => setImmediate(resolve)))
  }
}

const WHOLE = [
  ['with its length', `${FIRST}${LENGTH}\r\n\r\n${BODY}`],
  ['with names in capitals and no space', `${FIRST}${LENGTH.toUpperCase().replace(' ', '')}\r\n\r\n${BODY}`],
  ['in chunks', `${FIRST}${CHUNKED}${CHUNKS}0\r\n\r\n`],
  ['in chunks, with headers behind them', `${FIRST}${CHUNKED}${CHUNKS}0\r\nx-one: 1\r\nx-two: 2\r\n\r\n`],
  ['after word that it is on its way', `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${FIRST}${LENGTH}\r\n\r\n${BODY}`],
] as const

describe('an answer of the REST API', () => {
  it.each(WHOLE)(
    'is read %s, in one piece and in pieces of a byte, and the connection is used again',
    async (_n, text) => {
      const store = upstashStore({ url, token: 'token' })
      answer = (socket) => void socket.write(text)
      expect(await read(store)).toMatchObject(IMAGE)
      answer = (socket) => void drip(socket, text)
      expect(await read(store)).toMatchObject(IMAGE)
      expect(connections).toHaveLength(1)
    },
  )

  it.each([
    ['that ends with the connection', `${FIRST}\r\n${BODY}`],
    ['of HTTP/1.0', `HTTP/1.0 200 OK\r\n\r\n${BODY}`],
  ])('is read %s', async (_name, text) => {
    answer = (socket) => void socket.end(text)
    expect(await read()).toMatchObject(IMAGE)
    expect(requests).toHaveLength(1)
  })

  it.each([
    ['says so', `${FIRST}Connection: Close\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['sends more than was asked for', `${FIRST}${LENGTH}\r\n\r\n${BODY}${FIRST}`],
    ['speaks HTTP/1.0', `HTTP/1.0 200 OK\r\n${LENGTH}\r\n\r\n${BODY}`],
  ])('is the last on its connection when the server %s', async (_name, text) => {
    const store = upstashStore({ url, token: 'token' })
    answer = (socket) => void socket.write(text)
    for (let n = 1; n <= 2; n += 1) {
      expect(await read(store)).toMatchObject(IMAGE)
      expect(connections).toHaveLength(n)
    }
  })

  it.each([
    ['is none', 'SSH-2.0-marked\r\n\r\n'],
    ['has a first line of its own', 'HTTP/2 200\r\n\r\n'],
    ['has no status', 'HTTP/1.1 ok\r\n\r\n'],
    ['has two lengths', `${FIRST}${LENGTH}\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has a length that is none', `${FIRST}content-length: -1\r\n\r\n${BODY}`],
    ['has a length and chunks', `${FIRST}${LENGTH}\r\n${CHUNKED}${CHUNKS}0\r\n\r\n`],
    ['is packed', `${FIRST}transfer-encoding: gzip, chunked\r\n\r\n${CHUNKS}0\r\n\r\n`],
    ['has a chunk without a length', `${FIRST}${CHUNKED}marked\r\n`],
    ['has a chunk that is longer than it says', `${FIRST}${CHUNKED}1\r\nmarked\r\n0\r\n\r\n`],
    ['has a line of a chunk without end', `${FIRST}${CHUNKED}${'1'.repeat(300)}`],
    ['has a head without end', `${FIRST}${'x: marked\r\n'.repeat(4_000)}`],
    ['is never more than on its way', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)],
    ['says that it is longer than anything', `${FIRST}content-length: 999999999999\r\n\r\n${'x'.repeat(17 << 20)}`],
  ])('that %s is no answer, and shows nothing of it', async (_name, text) => {
    answer = (socket) => void socket.write(text)
    const error: unknown = await read().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'StoreFault', code: 'STORE_UNAVAILABLE', retryable: true })
    expect(String((error as Error).stack)).not.toMatch(/marked/)
  })

  it('is taken of the request that it follows: what comes unasked ends the connection', async () => {
    const store = upstashStore({ url, token: 'token' })
    answer = (socket) => void socket.write(`${FIRST}${LENGTH}\r\n\r\n${BODY}`)
    await read(store)
    const [first] = connections
    const closed = new Promise((resolve) => first?.once('close', resolve))
    const stray = bodyOf('stray')
    first?.write(`${FIRST}content-length: ${Buffer.byteLength(stray)}\r\n\r\n${stray}`)
    await closed
    expect(await read(store)).toMatchObject(IMAGE)
    expect(connections).toHaveLength(2)
  })

  it('comes on a new connection when those kept have died unseen', async () => {
    const store = upstashStore({ url, token: 'token' })
    const asked: Socket[] = []
    answer = (socket) => {
      asked.push(socket)
      // Both at once, so that there are two connections.
      if (asked.length === 2) for (const each of asked) each.write(`${FIRST}${LENGTH}\r\n\r\n${BODY}`)
    }
    await Promise.all([read(store), read(store)])
    answer = (socket) => {
      if (asked.includes(socket)) socket.destroy()
      else socket.write(`${FIRST}${LENGTH}\r\n\r\n${BODY}`)
    }
    expect(await read(store)).toMatchObject(IMAGE)
    expect(connections).toHaveLength(3)
  })

  it('is waited for by fifty requests at once, and the next have their turn', async () => {
    const store = upstashStore({ url, token: 'token' })
    const open: Socket[] = []
    const fifty = Promise.withResolvers<void>()
    answer = (socket) => {
      if (open.push(socket) === 50) fifty.resolve()
    }
    const reads = Array.from({ length: 70 }, () => read(store))
    await fifty.promise
    answer = (socket) => void socket.write(`${FIRST}${LENGTH}\r\n\r\n${BODY}`)
    for (const socket of open) answer(socket)
    for (const seen of await Promise.all(reads)) expect(seen).toMatchObject(IMAGE)
    expect(requests).toHaveLength(70)
    expect(connections).toHaveLength(50)
  })

  it('cannot put a line of its own into the next request', async () => {
    const store = upstashStore({ url, token: 'token' })
    answer = (socket) => void socket.write(`${FIRST}upstash-sync-token: a\nx-evil: 1\r\n${LENGTH}\r\n\r\n${BODY}`)
    await read(store)
    await read(store)
    expect(requests[1]).not.toContain('evil')
  })
})
