import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NotReplayableError } from '../../errors.ts'
import { custom } from '../../sources/custom.ts'
import { createTokens } from '../tokens.ts'

interface Call {
  readonly authorization: string | undefined
  readonly method: string | undefined
  readonly body: string
  readonly extra: string | undefined
}

let server: Server
let url = ''
let calls: Call[] = []
/** The status for each call, by its token. */
let judge: (token: string | undefined) => number = () => 200

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

beforeEach(async () => {
  calls = []
  judge = (token) => (token === 'Bearer token-1' ? 401 : 200)
  server = createServer(async (request, response) => {
    const { authorization } = request.headers
    const body = await bodyOf(request)
    calls.push({ authorization, method: request.method, body, extra: request.headers['x-extra'] as string | undefined })
    response.writeHead(judge(authorization), { 'www-authenticate': 'Bearer error="insufficient_scope"' }).end('answer')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/contacts`
})
afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

function setUp() {
  let fetches = 0
  const source = custom({ identity: 'x', fetch: async () => ({ value: `token-${++fetches}`, lifetime: 3_600_000 }) })
  return { handle: createTokens({ directory: false }).use(source), fetches: () => fetches }
}

describe('fetch with a token', () => {
  it('sends the request once more, with a new token, when the API refuses the first', async () => {
    const { handle, fetches } = setUp()
    const response = await handle.fetch(url, { method: 'POST', body: 'hello', headers: { 'x-extra': '1' } })
    expect([response.status, await response.text()]).toEqual([200, 'answer'])
    expect(calls).toEqual([
      { authorization: 'Bearer token-1', method: 'POST', body: 'hello', extra: '1' },
      { authorization: 'Bearer token-2', method: 'POST', body: 'hello', extra: '1' },
    ])
    expect(fetches()).toBe(2)
  })

  it('sends it no third time when the new token is refused too', async () => {
    judge = () => 401
    const { handle } = setUp()
    expect((await handle.fetch(url)).status).toBe(401)
    expect(calls.length).toBe(2)
  })

  it('replaces the token once for many requests that are refused together', async () => {
    const { handle, fetches } = setUp()
    const all = await Promise.all(Array.from({ length: 20 }, () => handle.fetch(url)))
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(fetches()).toBe(2)
    await Promise.all(all.map((response) => response.text()))
  })

  it.each([403, 400, 404, 429, 500])('leaves a %s as it is: a new token would not help', async (status) => {
    judge = () => status
    const { handle, fetches } = setUp()
    const response = await handle.fetch(url)
    expect([response.status, await response.text(), calls.length, fetches()]).toEqual([status, 'answer', 1, 1])
  })

  const bodies: readonly (readonly [string, () => RequestInit])[] = [
    ['a text', () => ({ body: 'hello' })],
    ['bytes', () => ({ body: new TextEncoder().encode('hello') })],
    ['a buffer', () => ({ body: new TextEncoder().encode('hello').buffer })],
    ['a blob', () => ({ body: new Blob(['hello']) })],
    ['a form', () => ({ body: new URLSearchParams('hello') })],
  ]
  it.each(bodies)('sends %s twice', async (_name, init) => {
    const { handle } = setUp()
    expect((await handle.fetch(url, { method: 'POST', ...init() })).status).toBe(200)
    expect(calls.map(({ body }) => body.replace('=', ''))).toEqual(['hello', 'hello'])
  })

  const once: readonly (readonly [string, () => [string | Request, RequestInit?]])[] = [
    [
      'a stream',
      () => [url, { method: 'POST', body: new Blob(['hello']).stream(), duplex: 'half' } as unknown as RequestInit],
    ],
    [
      'a stream of Node',
      () => [url, { method: 'POST', body: Readable.from(['hello']), duplex: 'half' } as unknown as RequestInit],
    ],
    [
      'the body of a Request that is still being produced',
      () => {
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
        const writer = writable.getWriter()
        const finish = (): Promise<void> => writer.write(Buffer.from('lo')).then(() => writer.close())
        void writer.write(Buffer.from('hel'))
        // It ends only once the API sees the request.
        server.once('request', finish)
        return [new Request(url, { method: 'POST', body: readable, duplex: 'half' } as RequestInit)]
      },
    ],
  ]
  it.each(once)('does not pretend to send %s twice, and the next call has the new token', async (_name, request) => {
    const { handle } = setUp()
    const error = await handle.fetch(...request()).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(NotReplayableError)
    expect(error).toMatchObject({ code: 'NOT_REPLAYABLE', retryable: false, key: handle.key })
    expect(calls.length).toBe(1)
    expect((await handle.get()).value).toBe('token-2')
  })

  it.each(once)('sends %s where the first token is good', async (_name, request) => {
    judge = () => 200
    const { handle } = setUp()
    expect((await handle.fetch(...request())).status).toBe(200)
    expect(calls.map(({ body }) => body)).toEqual(['hello'])
  })

  it.each<readonly [string, () => Request]>([
    ['a text', () => new Request(url, { method: 'POST', body: 'hello', headers: { 'x-extra': '1' } })],
    [
      'a stream',
      () => {
        const body = new Blob(['hello']).stream()
        return new Request(url, { method: 'POST', body, duplex: 'half', headers: { 'x-extra': '1' } } as RequestInit)
      },
    ],
  ])('sends a Request with a small body once more, made of %s', async (_name, request) => {
    const { handle } = setUp()
    expect((await handle.fetch(request())).status).toBe(200)
    expect(calls).toEqual([
      { authorization: 'Bearer token-1', method: 'POST', body: 'hello', extra: '1' },
      { authorization: 'Bearer token-2', method: 'POST', body: 'hello', extra: '1' },
    ])
  })

  it('sends a Request with a large body whole, and once', async () => {
    const body = 'x'.repeat(2_000_000)
    const { handle } = setUp()
    const error = await handle.fetch(new Request(url, { method: 'PUT', body })).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(NotReplayableError)
    expect(calls.map((call) => call.body.length)).toEqual([2_000_000])
  })

  it('sends a Request with a form once more, with its boundary', async () => {
    const form = new FormData()
    form.set('name', 'hello')
    const { handle } = setUp()
    expect((await handle.fetch(new Request(url, { method: 'POST', body: form }))).status).toBe(200)
    const [first, second] = calls
    expect(first?.body).toContain('hello')
    expect(second?.body).toBe(first?.body)
  })

  it('refuses a Request whose body was read already like fetch does', async () => {
    const request = new Request(url, { method: 'POST', body: 'hello' })
    await request.text()
    await expect(setUp().handle.fetch(request)).rejects.toBeInstanceOf(TypeError)
  })

  it('takes method and headers of a Request without a body, twice', async () => {
    const { handle } = setUp()
    await handle.fetch(new Request(url, { method: 'DELETE', headers: { 'x-extra': '1' } }))
    expect(calls.map(({ method, extra, authorization }) => [method, extra, authorization])).toEqual([
      ['DELETE', '1', 'Bearer token-1'],
      ['DELETE', '1', 'Bearer token-2'],
    ])
  })

  it('ends with its signal', async () => {
    const { handle } = setUp()
    await expect(handle.fetch(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  })
})
