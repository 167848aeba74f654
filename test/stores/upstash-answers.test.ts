import { createServer, type Server, type Socket } from 'node:net'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** A server that answers with the exact bytes, in the exact pieces, that a test names. */
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
function bodyOf(tag: string): string {
  return JSON.stringify({ result: [TIME, ['there', `=${tag}`, '=bödy ☃']] })
}
const BODY = bodyOf('tag')
const LENGTH = `content-length: ${Buffer.byteLength(BODY)}`
const FIRST = 'HTTP/1.1 200 OK\r\n'
function signal() {
  return AbortSignal.timeout(10_000)
}
function read(store = upstashStore({ url, token: 'token' })) {
  return store.read('key', { signal: signal(), consistent: true })
}
const IMAGE = { image: { tag: 'tag', body: 'bödy ☃' } }

/** How a server answers is tried with the HTTP client; here it is what the store makes of it. */
describe('an answer of the REST API', () => {
  it.each([
    ['is none', 'SSH-2.0-marked\r\n\r\n'],
    ['has two lengths', `${FIRST}${LENGTH}\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['has a line of its own in a header', `${FIRST}upstash-sync-token: marked\nx-evil: 1\r\n${LENGTH}\r\n\r\n${BODY}`],
    ['breaks off', `${FIRST}${LENGTH}\r\n\r\nmarked`],
    ['says that it is longer than anything', `${FIRST}content-length: 999999999999\r\n\r\n${'x'.repeat(17 << 20)}`],
  ])('that %s is not an answer, and shows nothing of it', async (_name, text) => {
    answer = (socket) => void socket.end(text)
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

  it('cannot put into the next request what no header may hold', async () => {
    const store = upstashStore({ url, token: 'token' })
    const text = `${FIRST}upstash-sync-token: a\xe9\r\n${LENGTH}\r\n\r\n`
    answer = (socket) => {
      socket.write(text, 'latin1')
      socket.write(BODY)
    }
    for (let n = 0; n < 2; n += 1) expect(await read(store)).toMatchObject(IMAGE)
    expect(requests[1]).toMatch(/^upstash-sync-token: \r$/m)
  })
})
