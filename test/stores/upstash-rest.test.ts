import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Redis } from '@upstash/redis'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

interface Received {
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const THERE = JSON.stringify({ result: [1_700_000_000_000, ['there', '=tag', '=body']] })

let server: Server
let url = ''
let received: Received[] = []
let sockets = new Set<unknown>()
let answer: (response: ServerResponse) => void

beforeEach(async () => {
  received = []
  sockets = new Set()
  answer = (response) => void response.end(THERE)
  server = createServer(async (request, response) => {
    const pieces: Uint8Array[] = []
    for await (const piece of request) pieces.push(piece as Uint8Array)
    sockets.add(request.socket)
    received.push({ url: request.url, headers: request.headers, body: Buffer.concat(pieces).toString('utf8') })
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

function how(signal = AbortSignal.timeout(10_000)) {
  return { signal, consistent: true }
}
function storeAt(address = url) {
  return upstashStore({ url: address, token: 'marked-token' })
}
function faultOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    () => Promise.reject(new Error('it did not reject')),
    (error: Error) => error,
  )
}
function shown(error: Error): string {
  return `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`
}

describe('the store without a client', () => {
  it('asks by the names of its scripts, with the token, on one connection', async () => {
    const store = storeAt()
    for (const key of ['ä~1', 'b~2']) {
      const seen = await store.read(key, how())
      expect(seen).toEqual({ image: { tag: 'tag', body: 'body' }, time: { at: 1_700_000_000_000, precision: 1 } })
    }
    expect(received.map(({ body }) => JSON.parse(body))).toEqual([
      ['evalsha', expect.stringMatching(/^[0-9a-f]{40}$/), 1, 'warmtoken:ä~1'],
      ['evalsha', expect.stringMatching(/^[0-9a-f]{40}$/), 1, 'warmtoken:b~2'],
    ])
    for (const { headers } of received) expect(headers.authorization).toBe('Bearer marked-token')
    expect(sockets.size).toBe(1)
  })

  it('shows the database what it was last told to have written, so that a replica waits for it', async () => {
    const store = storeAt()
    let count = 0
    answer = (response) => void response.setHeader('upstash-sync-token', `seen-${++count}`).end(THERE)
    for (let n = 0; n < 3; n += 1) await store.read('key', how())
    expect(received.map(({ headers }) => headers['upstash-sync-token'])).toEqual(['', 'seen-1', 'seen-2'])
  })

  it('keeps the path of its URL', async () => {
    await storeAt(`${url}/behind/a/proxy`).read('key', how())
    expect(received[0]?.url).toBe('/behind/a/proxy')
  })

  it.each([
    ['without an answer', (response: ServerResponse) => void response.destroy()],
    [
      'with half an answer',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-length': THERE.length })
        response.write(THERE.slice(0, 20), () => response.destroy())
      },
    ],
  ])('repeats a request %s, once', async (_name, broken) => {
    const store = storeAt()
    answer = (response) => (received.length === 1 ? broken(response) : void response.end(THERE))
    expect((await store.read('key', how())).image?.tag).toBe('tag')
    expect(received).toHaveLength(2)
    expect(received[1]?.body).toBe(received[0]?.body)
    answer = broken
    await expect(store.read('key', how())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    expect(received).toHaveLength(4)
  })

  it.each([
    ['refused', (response: ServerResponse) => void response.writeHead(401).end('{"error":"WRONGPASS"}')],
    ['too long', (response: ServerResponse) => void response.writeHead(400).end('{"error":"ERR max request size"}')],
  ])('does not know of a write that got no answer when its repeat is %s', async (_name, refuse) => {
    const swap = { expected: undefined, body: 'body', tag: 'tag', keepUntil: Date.now() + 60_000 }
    answer = (response) => (received.length === 1 ? void response.destroy() : refuse(response))
    const signal = AbortSignal.timeout(10_000)
    expect(await storeAt().swap('key', swap, { signal })).toMatchObject({ outcome: 'unknown' })
    // Its first attempt answered: then it was not done.
    await expect(storeAt().swap('key', swap, { signal })).rejects.toMatchObject({ retryable: false })
  })

  it('does not know of a write that got no answer when Redis did not know the script then', async () => {
    const swap = { expected: undefined, body: 'body', tag: 'tag', keepUntil: Date.now() + 60_000 }
    const steps = [
      (response: ServerResponse) => void response.destroy(),
      (response: ServerResponse) => void response.writeHead(400).end('{"error":"NOSCRIPT No matching script"}'),
      (response: ServerResponse) => void response.writeHead(401).end('{"error":"WRONGPASS"}'),
    ]
    answer = (response) => steps[received.length - 1]?.(response)
    const signal = AbortSignal.timeout(10_000)
    expect(await storeAt().swap('key', swap, { signal })).toMatchObject({ outcome: 'unknown' })
    expect(received).toHaveLength(3)
  })

  it('takes an error that is null for none', async () => {
    answer = (response) => void response.end(THERE.replace('}', ',"error":null}'))
    expect((await storeAt().read('key', how())).image?.tag).toBe('tag')
  })

  it.each([
    [401, '{"error":"WRONGPASS marked-record"}', 'STORE_DENIED', false],
    [401, '{"error":"invalid auth, marked-token"}', 'STORE_DENIED', false],
    [401, '<html>marked-token</html>', 'STORE_DENIED', false],
    [400, '{"error":"NOPERM marked-record"}', 'STORE_DENIED', false],
    [400, '{"error":"ERR max request size exceeded. marked-record"}', 'STORE_REFUSED', false],
    [400, '{"error":"ERR max daily request limit exceeded. marked-record"}', 'STORE_UNAVAILABLE', true],
    [200, '{"error":"ERR marked-record"}', 'STORE_UNAVAILABLE', true],
    [502, '<html>marked-record</html>', 'STORE_UNAVAILABLE', true],
    [302, THERE, 'STORE_UNAVAILABLE', true],
    [200, 'marked-record', 'STORE_UNAVAILABLE', true],
    [200, '"marked-record"', 'STORE_UNAVAILABLE', true],
    [200, '{"result":"marked-record"}', 'STORE_UNAVAILABLE', true],
    [200, '{"result":[1e999,["absent","=","="]]}', 'STORE_UNAVAILABLE', true],
  ])(
    'answered by %i %s asks no second time, says %s, and shows nothing of it',
    async (status, body, code, retryable) => {
      answer = (response) => void response.writeHead(status, { location: `${url}/elsewhere` }).end(body)
      const error = await faultOf(storeAt().read('key', how()))
      expect(error).toMatchObject({ name: 'StoreFault', code, retryable })
      expect(shown(error)).not.toMatch(/marked/)
      expect(received).toHaveLength(1)
    },
  )

  it.each([
    [429, '{"error":"slow down, marked-record"}', 'Upstash: UpstashError (HTTP 429)'],
    [500, '{"error":"ERR marked-record"}', 'Upstash: UpstashError (ERR)'],
    [502, '<html>marked-record</html>', 'Upstash: AnswerNotJson (HTTP 502)'],
  ])('answered by %i %s says %s', async (status, body, message) => {
    answer = (response) => void response.writeHead(status).end(body)
    await expect(storeAt().read('key', how())).rejects.toMatchObject({ message })
  })

  it('ends when the server wants to speak something else', async () => {
    answer = (response) =>
      void response.socket?.write('HTTP/1.1 101 Other\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n')
    await expect(storeAt().read('key', how())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  it('reads no answer without end', async () => {
    answer = (response) => {
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(1024 * 1024), more)
      }
      more()
    }
    await expect(storeAt().read('key', how())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  it('ends with its signal, and asks no more', async () => {
    const controller = new AbortController()
    answer = () => controller.abort()
    const store = storeAt()
    await expect(store.read('key', how(controller.signal))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(store.read('key', how(controller.signal))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(received).toHaveLength(1)
  })

  it.each(['marked-token\n', 'marked-\u2603'])('says that a token with %j in it is none', async (token) => {
    const error = await faultOf(upstashStore({ url, token }).read('key', how()))
    expect(error).toMatchObject({ code: 'STORE_REFUSED', retryable: false, message: expect.stringMatching(/"token"/) })
    expect(shown(error)).not.toMatch(/marked/)
    expect(received).toHaveLength(0)
  })
})

describe('the store with a client', () => {
  it('does not know of a write whose repeat by the client is refused', async () => {
    const client = new Redis({ url, token: 'marked-token', retry: { retries: 1, backoff: () => 0 } })
    const swap = { expected: undefined, body: 'body', tag: 'tag', keepUntil: Date.now() + 60_000 }
    answer = (response) =>
      received.length === 1 ? void response.destroy() : void response.writeHead(401).end('{"error":"WRONGPASS"}')
    const swapped = await upstashStore({ client }).swap('key', swap, { signal: AbortSignal.timeout(10_000) })
    expect(swapped).toMatchObject({ outcome: 'unknown', cause: { code: 'STORE_DENIED' } })
    expect(received).toHaveLength(2)
    // A read changes nothing, so it says what was said.
    await expect(upstashStore({ client }).read('key', how())).rejects.toMatchObject({ code: 'STORE_DENIED' })
  })
})
