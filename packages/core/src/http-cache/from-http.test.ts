import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Kept } from '../data/types.ts'
import { type FromHttpOptions, fromHttp, type HttpLoadContext } from './from-http.ts'

type Headers = { readonly [name: string]: string }
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** An API that answers as it is told, and keeps what it was asked. */
async function startApi(answer: (response: ServerResponse, headers: IncomingHttpHeaders) => void) {
  const asked: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = []
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers })
    answer(response, request.headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** What the loader does with its context, as data. */
function context<V = unknown>(previous?: {
  readonly value: unknown
  readonly mark: string | undefined
}): HttpLoadContext<V> {
  const told = (data: object) => data as Kept<never>
  return {
    previous,
    signal: new AbortController().signal,
    keep: (value, options) => told({ keep: value, ...options }),
    unchanged: (lives) => told({ unchanged: true, ...lives }),
    skip: (value) => told({ skip: value }),
  }
}

async function load(headers: Headers, options: FromHttpOptions<unknown, unknown> = {}, status = 200): Promise<unknown> {
  const { url } = await startApi((response) => response.writeHead(status, headers).end('{"a":1}'))
  return fromHttp<unknown, unknown>(url, options)({}, context())
}

const VALUE = { a: 1 }
const ago = (ms: number): string => new Date(Date.now() - ms).toUTCString()

describe('the lives that an API tells', () => {
  it.each<[string, Headers, object]>([
    ['a max-age', { 'cache-control': 'max-age=60' }, { keep: VALUE, fresh: 60_000, usable: 60_000 }],
    [
      'less the time that it has been in a cache',
      { 'cache-control': 'max-age=60', age: '20' },
      { keep: VALUE, fresh: 40_000, usable: 40_000 },
    ],
    [
      'stale-while-revalidate',
      { 'cache-control': 'max-age=60, stale-while-revalidate=30' },
      { keep: VALUE, fresh: 60_000, usable: 90_000 },
    ],
    [
      'stale-if-error',
      { 'cache-control': 'max-age=60, stale-if-error=600' },
      { keep: VALUE, fresh: 60_000, usable: 660_000 },
    ],
    [
      'must-revalidate',
      { 'cache-control': 'max-age=60, must-revalidate, stale-if-error=600' },
      { keep: VALUE, fresh: 60_000, usable: 60_000 },
    ],
    [
      's-maxage for shared caches',
      { 'cache-control': 'max-age=5, s-maxage=60' },
      { keep: VALUE, fresh: 60_000, usable: 60_000 },
    ],
    ['no-store', { 'cache-control': 'no-store' }, { skip: VALUE }],
    ['private', { 'cache-control': 'private, max-age=60' }, { skip: VALUE }],
    ['no-cache', { 'cache-control': 'no-cache' }, { skip: VALUE }],
    ['max-age=0', { 'cache-control': 'max-age=0' }, { skip: VALUE }],
    ['an answer that differs by everything', { 'cache-control': 'max-age=60', vary: 'accept, *' }, { skip: VALUE }],
    ['an Expires that is over', { expires: ago(60_000) }, { skip: VALUE }],
    ['nothing', {}, { keep: VALUE }],
    [
      'nothing but validators',
      { etag: '"x"', 'last-modified': 'Fri, 01 Jan 2027 00:00:00 GMT' },
      { keep: VALUE, mark: JSON.stringify({ etag: '"x"', modified: 'Fri, 01 Jan 2027 00:00:00 GMT' }) },
    ],
    [
      'a hundred years',
      { 'cache-control': 'max-age=3153600000' },
      { keep: VALUE, fresh: 400 * 86_400_000, usable: 400 * 86_400_000 },
    ],
  ])('%s', async (_what, headers, expected) => {
    expect(await load(headers)).toEqual(expected)
  })

  it('are those for a private cache where the value is not shared', async () => {
    expect(await load({ 'cache-control': 'private, max-age=60' }, { shared: false })).toMatchObject({ fresh: 60_000 })
    const headers = { authorization: 'Bearer x' }
    expect(await load({ 'cache-control': 'max-age=60' }, { headers })).toEqual({ skip: VALUE })
    expect(await load({ 'cache-control': 'public, max-age=60' }, { headers })).toMatchObject({ fresh: 60_000 })
    expect(await load({ 'cache-control': 'max-age=60' }, { headers, shared: false })).toMatchObject({ fresh: 60_000 })
  })
})

describe('the next load', () => {
  it('sends the validators back, and a 304 renews the value with the lives that it tells', async () => {
    const { url, asked } = await startApi((response, headers) => {
      const isKnown = headers['if-none-match'] === '"v1"'
      response
        .writeHead(isKnown ? 304 : 200, { etag: '"v1"', 'cache-control': 'max-age=30' })
        .end(isKnown ? undefined : '{"a":1}')
    })
    const loader = fromHttp<{ id: string }, unknown>(`${url}/projects/{id}?x=1`)
    const first = (await loader({ id: 'a/b ?' }, context())) as { readonly mark: string }
    expect(asked[0]?.url).toBe('/projects/a%2Fb%20%3F?x=1')
    expect(await loader({ id: '1' }, context({ value: VALUE, mark: first.mark }))).toEqual({
      unchanged: true,
      fresh: 30_000,
      usable: 30_000,
    })
    expect(asked[1]?.headers['if-none-match']).toBe('"v1"')
  })

  it('ignores a mark that is none of its own', async () => {
    const { url, asked } = await startApi((response) => response.end('{"a":1}'))
    await fromHttp<unknown, unknown>(url)({}, context({ value: VALUE, mark: 'garbage' }))
    expect(asked[0]?.headers['if-none-match']).toBeUndefined()
  })
})

describe('an answer without a value', () => {
  it.each([404, 410])('%i means that there is none', async (status) => {
    expect(await load({}, {}, status)).toBeUndefined()
  })

  it.each<[number, Headers, object]>([
    [503, { 'retry-after': '7' }, { code: 'HTTP_503', retryable: true, retryAfter: 7_000 }],
    [429, {}, { code: 'HTTP_429', retryable: true, kind: 'throttled' }],
    [403, {}, { code: 'HTTP_403', retryable: false }],
  ])('%i rejects with its code', async (status, headers, error) => {
    await expect(load(headers, {}, status)).rejects.toMatchObject(error)
  })

  it('that is not JSON, too large or never comes rejects without its text', async () => {
    const { url } = await startApi((response) => response.end('secret text'))
    const refused = await fromHttp(url)({}, context()).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'BAD_ANSWER' })
    expect(String((refused as Error).stack)).not.toContain('secret text')
    await expect(fromHttp(url, { maxBytes: 5 })({}, context())).rejects.toMatchObject({
      code: 'SOURCE_TOO_LARGE',
    })
    await expect(fromHttp('http://127.0.0.1:1/?key=secret')({}, context())).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: 'the API cannot be reached',
    })
  })
})

describe('wrong use', () => {
  it('is refused with a message that names it', async () => {
    expect(() => fromHttp('projects/{id}')).toThrow('give an absolute URL')
    expect(() => fromHttp('https://example.com', { maxBytes: 0 })).toThrow('option "maxBytes"')
    expect(() => fromHttp('https://example.com', { ttl: 1 } as object)).toThrow('unknown option "ttl"')
    await expect(fromHttp('https://example.com/{id}')({}, context())).rejects.toThrow('the parameter "id" is missing')
  })
})
