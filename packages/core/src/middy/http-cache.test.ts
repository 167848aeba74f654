import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { type CachedValue, type HttpCacheOptions, httpCache } from './http-cache.ts'

const VALUE: CachedValue = { fresh: 60_900, usable: 360_900, fingerprint: '0a1b2c3d' }
const PRIVATE = 'private, max-age=60, stale-while-revalidate=300, stale-if-error=300'
const ETAG = 'W/"0a1b2c3d"'

interface Answer {
  readonly statusCode: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

type Headers = { readonly [name: string]: string }

/** Sends a request of an HTTP API through a handler that returns this. */
async function ask(
  headers: Headers,
  response: object,
  { method = 'GET', ...options }: HttpCacheOptions & { readonly method?: string } = {},
): Promise<Answer> {
  const handler = middy()
    .use(httpCache(options))
    .handler(async () => response)
  const event = { requestContext: { http: { method, path: '/' } }, headers }
  return (await handler(event, {} as Context)) as Answer
}

const good = (more: object = {}) => ({
  statusCode: 200,
  headers: { 'content-type': 'text/plain' },
  body: 'hello',
  cached: VALUE,
  ...more,
})

describe('an answer', () => {
  it('says how long its value lives, and by which tag it is known', async () => {
    expect(await ask({}, good())).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'text/plain', 'cache-control': PRIVATE, etag: ETAG },
      body: 'hello',
    })
  })

  it.each<[string, CachedValue, HttpCacheOptions, string]>([
    [
      'that is stale may be served while it is refreshed',
      { ...VALUE, fresh: 0 },
      {},
      'private, max-age=0, stale-while-revalidate=360, stale-if-error=360',
    ],
    ['that has no stale time is fresh alone', { ...VALUE, usable: 60_900 }, {}, 'private, max-age=60'],
    [
      'for everyone is public',
      VALUE,
      { public: true },
      'public, max-age=60, stale-while-revalidate=300, stale-if-error=300',
    ],
    [
      'with an age counts from its beginning',
      { ...VALUE, age: 10_500 },
      { age: true },
      'private, max-age=70, stale-while-revalidate=300, stale-if-error=300',
    ],
    ['is never said to live longer than it does', { ...VALUE, fresh: 999, usable: 999 }, {}, 'private, max-age=0'],
  ])('%s', async (_what, cached, options, cacheControl) => {
    const { headers } = await ask({}, good({ cached }), options)
    expect(headers['cache-control']).toBe(cacheControl)
    expect(headers['age']).toBe(options.age === true ? '10' : undefined)
  })

  it('keeps the headers that the handler has set, in whatever case', async () => {
    const { headers } = await ask(
      {},
      good({ headers: { 'Cache-Control': 'no-cache', ETag: '"mine"', Vary: 'Origin' } }),
      { vary: ['Accept-Language'] },
    )
    expect(headers).toEqual({
      'Cache-Control': 'no-cache',
      ETag: '"mine"',
      Vary: 'Origin',
      vary: 'Origin, accept-language',
    })
  })

  it('of another language has another tag, and names the header', async () => {
    const vary = ['Accept-Language']
    const german = await ask({ 'Accept-Language': 'de' }, good(), { vary })
    const french = await ask({ 'accept-language': 'fr' }, good(), { vary })
    const again = await ask({ 'accept-language': 'de' }, good(), { vary })
    expect(german.headers['vary']).toBe('accept-language')
    expect(german.headers['etag']).not.toBe(french.headers['etag'])
    expect(german.headers['etag']).toBe(again.headers['etag'])
    expect((await ask({}, good(), { version: '2' })).headers['etag']).not.toBe(ETAG)
  })

  it.each<[string, object, HttpCacheOptions & { readonly method?: string }, string | undefined]>([
    ['that sets a cookie', good({ headers: { 'Set-Cookie': 'a=1' } }), { public: true }, 'no-store'],
    ['that sets a cookie as HTTP APIs do', good({ cookies: ['a=1'] }), { public: true }, 'no-store'],
    [
      'that sets a cookie among several values',
      good({ headers: {}, multiValueHeaders: { 'set-cookie': ['a=1'] } }),
      {},
      'no-store',
    ],
    ['that is an error of the server', good({ statusCode: 500 }), {}, 'no-store'],
    ['that refuses the caller', { statusCode: 403, body: '' }, {}, 'no-store'],
    [
      'for a value that is remembered to be absent',
      good({ statusCode: 404, cached: { ...VALUE, none: true } }),
      {},
      PRIVATE,
    ],
    ['404 for any other reason', good({ statusCode: 404 }), {}, 'no-store'],
    ['to HEAD', good(), { method: 'HEAD' }, PRIVATE],
    ['to POST', good(), { method: 'POST' }, undefined],
    ['in parts', good({ statusCode: 206 }), {}, undefined],
    ['that redirects', good({ statusCode: 302 }), {}, undefined],
    ['without an inspection', { statusCode: 200, body: 'x' }, {}, undefined],
  ])('%s', async (_what, response, options, cacheControl) => {
    expect((await ask({}, response, options)).headers['cache-control']).toBe(cacheControl)
  })

  it('that comes of an error is not stored either', async () => {
    const handler = middy()
      .use(httpCache())
      .use({
        onError: (request) => {
          request.response = { statusCode: 502, body: '' }
        },
      })
      .handler(async () => Promise.reject(new Error('no')))
    const answer = (await handler({ httpMethod: 'GET', headers: {} }, {} as Context)) as unknown as Answer
    expect(answer.headers).toEqual({ 'cache-control': 'no-store' })
  })

  it('that is not an HTTP answer is left alone', async () => {
    const handler = middy()
      .use(httpCache())
      .handler(async () => 'text')
    expect(await handler({}, {} as Context)).toBe('text')
  })
})

describe('a conditional request (RFC 9110 §13)', () => {
  it.each<[string, Headers, number]>([
    ['the tag of the answer', { 'if-none-match': ETAG }, 304],
    ['the tag in another case of the header', { 'If-None-Match': ETAG }, 304],
    ['the strong form of the tag: the comparison is weak (§13.1.2)', { 'if-none-match': '"0a1b2c3d"' }, 304],
    ['the tag among others', { 'if-none-match': '"x", W/"0a1b2c3d" ,"y"' }, 304],
    ['any tag', { 'if-none-match': '*' }, 304],
    ['another tag', { 'if-none-match': 'W/"ffffffff"' }, 200],
    ['a tag that only begins like it', { 'if-none-match': 'W/"0a1b2c3d4"' }, 200],
    ['an empty list', { 'if-none-match': '' }, 200],
    ['the tag without its quotes', { 'if-none-match': '0a1b2c3d' }, 200],
    [
      'another tag and a date that matches: the tag decides (§13.2.2)',
      { 'if-none-match': '"x"', 'if-modified-since': 'Fri, 01 Jan 2027 00:00:00 GMT' },
      200,
    ],
    [
      'the tag and a date that does not match',
      { 'if-none-match': ETAG, 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
      304,
    ],
    ['a date alone, and the answer has none', { 'if-modified-since': 'Fri, 01 Jan 2027 00:00:00 GMT' }, 200],
    ['the tag with a demand to load again', { 'if-none-match': ETAG, 'cache-control': 'no-cache' }, 200],
    ['nothing', {}, 200],
  ])('by %s', async (_what, headers, status) => {
    expect((await ask(headers, good())).statusCode).toBe(status)
  })

  it.each<[string, string, number]>([
    ['not earlier', 'Fri, 01 Jan 2027 00:00:00 GMT', 304],
    ['the same in the form of RFC 850 (§5.6.7)', 'Friday, 01-Jan-27 00:00:00 GMT', 304],
    ['earlier', 'Thu, 31 Dec 2026 23:59:59 GMT', 200],
    ['no date', 'yesterday', 200],
  ])('by a date that is %s, where the handler says when the value changed', async (_what, date, status) => {
    const changed = good({ headers: { 'last-modified': 'Fri, 01 Jan 2027 00:00:00 GMT' } })
    expect((await ask({ 'if-modified-since': date }, changed)).statusCode).toBe(status)
  })

  it.each<[string, object, string | undefined, number]>([
    ['HEAD', good(), 'HEAD', 304],
    ['POST', good(), 'POST', 200],
    ['an error', good({ statusCode: 503 }), 'GET', 503],
    ['a value that is absent', good({ statusCode: 404, cached: { ...VALUE, none: true } }), 'GET', 404],
    ['an answer that sets a cookie', good({ cookies: ['a=1'] }), 'GET', 200],
  ])('for %s', async (_what, response, method = 'GET', status = 200) => {
    expect((await ask({ 'if-none-match': ETAG }, response, { method })).statusCode).toBe(status)
  })

  it('gets a 304 with the headers that a cache renews its copy by, and nothing else (§15.4.5)', async () => {
    const headers = {
      'content-type': 'text/plain',
      Date: 'Fri, 01 Jan 2027 00:00:00 GMT',
      'content-length': '5',
      'x-more': '1',
    }
    const answer = await ask({ 'if-none-match': '*' }, good({ headers, isBase64Encoded: false }), { vary: ['accept'] })
    expect(answer).toMatchObject({ statusCode: 304, body: '' })
    expect(Object.keys(answer.headers).sort()).toEqual(['cache-control', 'date', 'etag', 'vary'])
  })

  it('is understood from a load balancer with several values for each header', async () => {
    const handler = middy()
      .use(httpCache())
      .handler(async () => ({ statusCode: 200, multiValueHeaders: { 'x-more': ['1', '2'] }, body: 'x', cached: VALUE }))
    const event = { httpMethod: 'GET', multiValueHeaders: { 'if-none-match': [ETAG] } }
    expect(await handler(event, {} as Context)).toEqual({
      statusCode: 304,
      multiValueHeaders: { 'cache-control': [PRIVATE], etag: [ETAG] },
      body: '',
    })
    expect(await handler({ ...event, multiValueHeaders: {} }, {} as Context)).toMatchObject({
      multiValueHeaders: { 'x-more': ['1', '2'], etag: [ETAG] },
    })
  })
})

describe('wrong use', () => {
  it.each<[string, object, string]>([
    ['an unknown option', { publik: true }, 'unknown option "publik"'],
    ['a vary that is a text', { vary: 'accept' }, 'option "vary" must be a list of names of headers'],
    ['a name that no header has', { vary: ['a b'] }, 'option "vary"'],
  ])('%s', (_what, options, message) => {
    expect(() => httpCache(options)).toThrow(message)
  })

  it('is refused where "cached" is no inspection', async () => {
    await expect(ask({}, good({ cached: { value: 1 } }))).rejects.toThrow('the field "cached" must be what inspect()')
    await expect(ask({}, good({ cached: { ...VALUE, fingerprint: '"\r\nx: 1' } }))).rejects.toThrow(
      'the field "cached"',
    )
  })
})
