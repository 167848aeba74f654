import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Traits } from '../../contracts.ts'
import { custom } from '../../sources/custom.ts'
import { createTokens } from '../tokens.ts'
import type { TokenHandle } from '../types.ts'
import { type Answer, type Received, type ScriptedApi, startScriptedApi } from './scripted-api.test-server.ts'

let api: ScriptedApi
let other: ScriptedApi
beforeEach(async () => {
  api = await startScriptedApi()
  other = await startScriptedApi()
})
afterEach(() => Promise.all([api.close(), other.close()]))

const HEADER = 'x-access-token'

/** The places where sources put their tokens, and where it then is in a request. */
const places: readonly (readonly [string, NonNullable<Traits['attach']>, (one: Received) => unknown])[] = [
  ['a header', ({ headers }, { value }) => headers.set(HEADER, value), ({ headers }) => headers[HEADER]],
  [
    'the query',
    ({ url }, { value }) => url.searchParams.set('token', value),
    ({ path }) => new URL(path, 'http://x').searchParams.get('token') ?? undefined,
  ],
]
const [, attach] = places[0] ?? []

function handleOf(put = attach): TokenHandle {
  let fetches = 0
  const fetch = async () => ({ value: `MARKED ${++fetches}`, lifetime: 3_600_000 })
  return createTokens({ directory: false }).use(custom({ identity: 'x', fetch, traits: put ? { attach: put } : {} }))
}

function to(location: string, status = 302): Answer {
  return { status, headers: { location }, body: 'moved' }
}
function pathOf({ path }: Received): string {
  return path.replace(/\?.*/, '')
}
function shownBy(error: unknown): string {
  return inspect(error, { depth: 20, showHidden: true })
}

describe.each(places)('a redirect of an API that takes its token in %s', (_place, put, tokenIn) => {
  it('within the origin is followed with the token', async () => {
    api.script = ({ path }) => (path.startsWith('/a') ? to('/b') : {})
    const response = await handleOf(put).fetch(`${api.url}/a`)
    expect([response.url, response.redirected]).toEqual([`${api.url}/b`, true])
    expect([response.clone().url, response.clone().redirected]).toEqual([`${api.url}/b`, true])
    expect([response.status, await response.text()]).toEqual([200, 'answer'])
    expect(api.received.map((one) => [pathOf(one), tokenIn(one)])).toEqual([
      ['/a', 'MARKED 1'],
      ['/b', 'MARKED 1'],
    ])
  })

  it('to another origin is followed without it', async () => {
    api.script = () => to(`${other.url}/b`)
    other.script = ({ path }) => (path === '/b' ? to('/c') : {})
    const response = await handleOf(put).fetch(`${api.url}/a`, { headers: { 'x-extra': '1' } })
    expect([response.status, response.url]).toEqual([200, `${other.url}/c`])
    expect(other.received.map(({ path, headers }) => [path, headers['x-extra']])).toEqual([
      ['/b', '1'],
      ['/c', '1'],
    ])
    expect(shownBy(other.received)).not.toContain('MARKED')
    await response.text()
  })

  it('to another origin and back is followed without it from there on', async () => {
    api.script = ({ path }) => (path.startsWith('/a') ? to(`${other.url}/b`) : path === '/c' ? to('/d') : {})
    other.script = () => to(`${api.url}/c`)
    await (await handleOf(put).fetch(`${api.url}/a`)).text()
    expect(api.received.map((one) => [pathOf(one), tokenIn(one)])).toEqual([
      ['/a', 'MARKED 1'],
      ['/c', undefined],
      ['/d', undefined],
    ])
  })

  it('that repeats the token does not carry it elsewhere either', async () => {
    api.script = () => to(`${other.url}/b?x=1&again=MARKED+1`)
    await (await handleOf(put).fetch(`${api.url}/a`)).text()
    expect(other.received.map(({ path }) => path)).toEqual(['/b?x=1'])
  })

  it.each(['away', 'away and back'])('that leads %s to a 401 says nothing about the token', async (where) => {
    api.script = (one) => (pathOf(one) === '/a' ? to(`${other.url}/b`) : { status: 401 })
    other.script = () => (where === 'away' ? { status: 401 } : to(`${api.url}/c`))
    const handle = handleOf(put)
    expect((await handle.fetch(`${api.url}/a`)).status).toBe(401)
    expect((await handle.get()).value).toBe('MARKED 1')
  })

  it('to where the token is refused begins again with a new one', async () => {
    api.script = (one) => (pathOf(one) === '/a' ? to('/b') : { status: tokenIn(one) === 'MARKED 1' ? 401 : 200 })
    expect((await handleOf(put).fetch(`${api.url}/a`)).status).toBe(200)
    expect(api.received.map((one) => [pathOf(one), tokenIn(one)])).toEqual([
      ['/a', 'MARKED 1'],
      ['/b', 'MARKED 1'],
      ['/a', 'MARKED 2'],
      ['/b', 'MARKED 2'],
    ])
  })

  it.each<[string, string]>([
    ['nowhere', 'http://['],
    ['no web address', 'ftp://127.0.0.1/x'],
    ['credentials', 'http://user:word@127.0.0.1:1/x'],
  ])('to %s is an error that does not show the token', async (_where, location) => {
    api.script = () => to(location)
    const error: unknown = await handleOf(put)
      .fetch(`${api.url}/a`)
      .catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(TypeError)
    expect(shownBy(error)).not.toContain('MARKED')
    expect(api.received.length).toBe(1)
  })

  it('is the answer where the caller wants to see it, and an error where it wants none', async () => {
    api.script = () => to(`${other.url}/b`)
    const handle = handleOf(put)
    const shown = await handle.fetch(`${api.url}/a`, { redirect: 'manual' })
    const asRequest = await handle.fetch(new Request(`${api.url}/a`, { redirect: 'manual' }))
    expect([shown.status, shown.url, asRequest.status]).toEqual([302, `${api.url}/a`, 302])
    await Promise.all([shown.text(), asRequest.text()])
    const error: unknown = await handle.fetch(`${api.url}/a`, { redirect: 'error' }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(TypeError)
    expect(shownBy(error)).not.toContain('MARKED')
    expect(other.received).toEqual([])
  })

  it('is refused an address with credentials before the token is asked for', async () => {
    const address = `${api.url.replace('//', '//user:word@')}/a`
    const handle = handleOf(put)
    const error: unknown = await handle.fetch(address).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(TypeError)
    expect(shownBy(error)).not.toMatch(/MARKED|word/)
    expect(handle.peek()).toBeUndefined()
  })
})

describe('a redirect', () => {
  it('keeps what the caller means for the first origin from another', async () => {
    api.script = () => to(`${other.url}/b`)
    const headers = { authorization: 'Basic 1', cookie: 'a=1', 'proxy-authorization': 'Basic 2', 'x-extra': '1' }
    await (await handleOf().fetch(`${api.url}/a`, { headers })).text()
    expect(Object.keys(other.received[0]?.headers ?? {})).toEqual(expect.arrayContaining(['x-extra', 'host']))
    const kept = ['authorization', 'cookie', 'proxy-authorization'].filter((name) => other.received[0]?.headers[name])
    expect([kept, other.received[0]?.headers.host]).toEqual([[], other.url.replace('http://', '')])
  })

  it('is followed twenty times and no more', async () => {
    api.script = ({ path }) => (path === '/0' ? {} : to(`/${Number(path.slice(1)) - 1}`))
    expect((await handleOf().fetch(`${api.url}/20`)).status).toBe(200)
    api.received.length = 0
    await expect(handleOf().fetch(`${api.url}/30`)).rejects.toThrow(TypeError)
    expect(api.received.length).toBe(21)
  })

  it('without a location is the answer', async () => {
    api.script = () => ({ status: 302, body: 'where?' })
    const response = await handleOf().fetch(`${api.url}/a`)
    expect([response.status, response.redirected, await response.text()]).toEqual([302, false, 'where?'])
  })

  it('to an address beyond ASCII is understood as UTF-8', async () => {
    const location = Buffer.from('/通讯录', 'utf8').toString('latin1')
    api.script = ({ path }) => (path === '/a' ? to(location) : {})
    await (await handleOf().fetch(`${api.url}/a`)).text()
    expect(api.received.map(({ path }) => decodeURIComponent(path))).toEqual(['/a', '/通讯录'])
  })

  it('that asks for a body that was read is a typed error, and one that does not is followed', async () => {
    const stream = () =>
      ({ method: 'POST', body: new Blob(['hello']).stream(), duplex: 'half' }) as unknown as RequestInit
    for (const status of [301, 302, 307, 308]) {
      api.script = ({ path }) => (path === '/a' ? to('/b', status) : {})
      const handle = handleOf()
      const error = { name: 'NotReplayableError', code: 'NOT_REPLAYABLE', key: handle.key }
      await expect(handle.fetch(`${api.url}/a`, stream())).rejects.toMatchObject(error)
    }
    api.script = ({ path }) => (path === '/a' ? to('/b', 303) : {})
    const request = new Request(`${api.url}/a`, { method: 'POST', body: 'hello' })
    for (const send of [() => handleOf().fetch(`${api.url}/a`, stream()), () => handleOf().fetch(request)]) {
      api.received.length = 0
      expect(await (await send()).text()).toBe('answer')
      expect(api.received.map(({ method, body }) => [method, body])).toEqual([
        ['POST', 'hello'],
        ['GET', ''],
      ])
    }
  })

  it('that asks for the small body of a Request is followed with it, and so is a new token', async () => {
    api.script = (one) =>
      pathOf(one) === '/a' ? to('/b', 307) : { status: one.headers[HEADER] === 'MARKED 1' ? 401 : 200 }
    const request = new Request(`${api.url}/a`, { method: 'POST', body: 'hello' })
    expect((await handleOf().fetch(request)).status).toBe(200)
    expect(api.received.map(({ path, body }) => [path, body])).toEqual([
      ['/a', 'hello'],
      ['/b', 'hello'],
      ['/a', 'hello'],
      ['/b', 'hello'],
    ])
  })

  const requests: readonly (readonly [string, RequestInit])[] = [
    ['GET', {}],
    ['HEAD', { method: 'HEAD' }],
    ['post', { method: 'post', body: 'hello', headers: { 'content-type': 'text/x', 'content-language': 'en' } }],
    ['POST with a form', { method: 'POST', body: new URLSearchParams('a=1') }],
    ['POST without a body', { method: 'POST' }],
    ['PUT', { method: 'PUT', body: 'hello', headers: { 'content-type': 'text/x' } }],
    ['DELETE', { method: 'DELETE' }],
  ]
  const all = requests.flatMap(([name, init]) => [301, 302, 303, 307, 308].map((code) => [name, code, init] as const))
  it.each(all)('makes of %s, with %i, what fetch makes of it', async (_name, status, init) => {
    api.script = ({ path }) => (path === '/a' ? to('/b', status) : path === '/b' ? to(`${other.url}/c`, status) : {})
    const sent = async (call: (url: string, init: RequestInit) => Promise<Response>): Promise<unknown> => {
      await (await call(`${api.url}/a`, init)).text()
      const seen = [...api.received.splice(0), ...other.received.splice(0)]
      return seen.map(({ method, path, body, headers: { [HEADER]: _token, ...headers } }) => [
        method,
        path,
        body,
        headers['content-type'],
        headers['content-language'],
        headers['content-length'],
      ])
    }
    expect(await sent(handleOf().fetch)).toEqual(await sent(fetch))
    if (init.body !== undefined) return
    const asRequest = (call: typeof fetch) => (url: string) => call(new Request(url, init))
    expect(await sent(asRequest(handleOf().fetch))).toEqual(await sent(asRequest(fetch)))
  })
})

describe('a redirect of an API that takes its token in the authorization header', () => {
  const plain = (): TokenHandle => {
    let fetches = 0
    const fetch = async () => ({ value: `token-${++fetches}`, lifetime: 3_600_000 })
    return createTokens({ directory: false }).use(custom({ identity: 'x', fetch }))
  }

  it('to another origin that answers 401 costs one token request for ten calls, and the caller sees the 401', async () => {
    api.script = () => to(`${other.url}/b`)
    other.script = () => ({ status: 401 })
    const handle = plain()
    for (let call = 0; call < 10; call += 1) expect((await handle.fetch(`${api.url}/a`)).status).toBe(401)
    expect((await handle.get()).value).toBe('token-1')
    expect(other.received.every(({ headers }) => headers.authorization === undefined)).toBe(true)
  })

  it('within the origin to a 401 replaces the token', async () => {
    api.script = (one) =>
      pathOf(one) === '/a' ? to('/b') : { status: one.headers.authorization === 'Bearer token-1' ? 401 : 200 }
    expect((await plain().fetch(`${api.url}/a`)).status).toBe(200)
  })
})
