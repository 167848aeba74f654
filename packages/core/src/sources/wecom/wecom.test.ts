import { afterEach, describe, expect, it } from 'vitest'
import { fingerprint } from '../../lib/hash.ts'
import { makeKey } from '../../lib/key.ts'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { rejectionOf, shown } from '../shared/shown.test-data.ts'
import { type WeComOptions, weCom } from './index.ts'

/** In the secret, and in all that the issuer writes: nothing that comes out may contain them. */
const SECRET = 'MARKED&secret+of/é'
const BODY = 'MARKED-body'
const GOOD = { errcode: 0, errmsg: 'ok', access_token: 'a-token', expires_in: 7200 }

const running: ScriptedIssuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

/** Answers by one script after another; the last stays. */
async function start(...scripts: readonly Script[]): Promise<ScriptedIssuer> {
  const left = [...scripts]
  const issuer = await startScriptedIssuer((response, received) => {
    const script = left.length > 1 ? left.shift() : left[0]
    script?.(response, received)
  })
  running.push(issuer)
  return issuer
}

function sourceFor(url: string, more: Partial<WeComOptions> = {}) {
  return weCom({
    corpId: 'ww1',
    application: 'one',
    corpSecret: () => SECRET,
    baseUrl: url,
    allowInsecure: true,
    ...more,
  })
}

describe('the token of a company', () => {
  it('is asked for by one GET, each value encoded, and lives as long as the answer says', async () => {
    const issuer = await start(answer({ ...GOOD, expires_in: 1234 }))
    const issued = await sourceFor(issuer.url).fetch(fetchRequest(undefined))
    expect(issued).toEqual({ value: { value: 'a-token', type: 'Bearer' }, lifetime: 1_234_000 })
    const [{ method, path } = { path: '' }] = issuer.received
    const url = new URL(path, issuer.url)
    expect([method, url.pathname, issuer.received.length]).toEqual(['GET', '/cgi-bin/gettoken', 1])
    expect(Object.fromEntries(url.searchParams)).toEqual({ corpid: 'ww1', corpsecret: SECRET })
  })

  it.each([0, 1])('that ends in %s s is waited for to end, and asked for once more', async (rest) => {
    const ending = answer({ ...GOOD, expires_in: rest })
    const issuer = await start(ending, answer({ ...GOOD, access_token: 'next' }))
    const issued = await sourceFor(issuer.url).fetch(fetchRequest(undefined))
    expect([issued.value.value, issued.lifetime, issuer.received.length]).toEqual(['next', 7_200_000, 2])
  })

  it('that ends again and again is a typed error, not a loop', async () => {
    const issuer = await start(answer({ ...GOOD, expires_in: 0 }))
    const error = await rejectionOf(sourceFor(issuer.url).fetch(fetchRequest(undefined)))
    expect(error).toMatchObject({ code: 'BAD_LIFE' })
    expect(issuer.received.length).toBe(2)
  })

  it('that is about to end is waited for no longer than there is time', async () => {
    const issuer = await start(answer({ ...GOOD, expires_in: 1 }))
    const signal = AbortSignal.timeout(300)
    expect(await rejectionOf(sourceFor(issuer.url).fetch(fetchRequest(undefined, { signal })))).toBe(signal.reason)
    expect(issuer.received.length).toBe(1)
  })

  it('is renewed only when it is about to end, for until then the same comes back', () => {
    expect(sourceFor('http://127.0.0.1').traits?.reuseWindow).toBe(5_000)
  })

  it.each([40001, 40014, 42001])('is refused by the API with errcode %s and HTTP 200', async (errcode) => {
    const judge = (status: number, body: unknown): unknown =>
      sourceFor('http://127.0.0.1').traits?.isRejection?.({ status, headers: new Headers(), json: async () => body })
    expect(await judge(200, { errcode })).toBe(true)
    expect(await judge(200, { errcode: 60011 })).toBe(false)
  })
})

describe('an error in the answer', () => {
  const failureOf = async (script: Script): Promise<unknown> => {
    const issuer = await start(script)
    const error = await rejectionOf(sourceFor(issuer.url).fetch(fetchRequest(undefined)))
    expect(issuer.received.length).toBe(1)
    expect(shown(error)).not.toMatch(/MARKED|corpsecret=|corpid=/)
    return error
  }
  const coded = (errcode: unknown): Script => answer({ errcode, errmsg: BODY })

  it.each([40001, 40013, 60020, 301002])('%s is final, and known by its code', async (errcode) => {
    expect(await failureOf(coded(errcode))).toMatchObject({
      name: 'SourceRefusedError',
      code: `WECOM_${errcode}`,
      retryable: false,
    })
  })

  it('-1 is a busy issuer, soon asked again; 45009 asks for patience', async () => {
    expect(await failureOf(coded(-1))).toMatchObject({ code: 'WECOM_-1', kind: 'unavailable', retryable: true })
    expect(await failureOf(coded(45009))).toMatchObject({ code: 'WECOM_45009', kind: 'throttled', retryAfter: 60_000 })
  })

  it.each<[string, Script, string]>([
    ['is not JSON', answer(`<html>${BODY}`), 'BAD_ANSWER'],
    ['lacks a token', answer({ ...GOOD, errmsg: BODY, access_token: undefined }), 'BAD_TOKEN'],
    ['lacks a life', answer({ ...GOOD, access_token: BODY, expires_in: undefined }), 'BAD_LIFE'],
    ['is a status 500', answer(BODY, 500), 'HTTP_500'],
    ['is a redirect to another host', answer(BODY, 307, { location: 'http://127.0.0.2/' }), 'SOURCE_REDIRECT'],
    [
      'is a redirect that repeats the address',
      (response, { path }) => answer('', 302, { location: path })(response, {} as never),
      'SOURCE_REDIRECT',
    ],
    ['breaks off', (response) => response.destroy(), 'SOURCE_UNREACHABLE'],
  ])('that %s is a typed error, and the address with the secret is nowhere in it', async (_what, script, code) => {
    expect(await failureOf(script)).toMatchObject({ code })
  })

  it('that never comes ends with the time for it, without the address', async () => {
    const abort = new AbortController()
    const issuer = await start(() => abort.abort())
    const request = fetchRequest(undefined, { signal: abort.signal })
    const error = await rejectionOf(sourceFor(issuer.url).fetch(request))
    expect(error).toMatchObject({ name: 'SourceUnavailableError' })
    expect(shown(error)).not.toMatch(/MARKED|corpsecret=/)
  })

  it('because nobody is there comes without the address', async () => {
    const issuer = await startScriptedIssuer(answer(GOOD))
    await issuer.close()
    const error = await rejectionOf(sourceFor(issuer.url).fetch(fetchRequest(undefined)))
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE' })
    expect(shown(error)).not.toMatch(/MARKED|corpsecret=/)
  })
})

describe('the key', () => {
  const keyOf = (change: Partial<WeComOptions>): string =>
    makeKey('wecom', '', weCom({ corpId: 'ww1', corpSecret: 'x', ...change }).identity(undefined))

  it('differs by company, application, secret and address', () => {
    const changes = [
      {},
      { corpId: 'ww2' },
      { application: 'one' },
      { corpSecret: 'y' },
      { baseUrl: 'https://wecom.example.com' },
    ]
    expect(new Set(changes.map(keyOf)).size).toBe(changes.length)
  })

  it('tells two applications of a company apart although their secrets must be fetched', () => {
    const corpSecret = (): string => 'x'
    expect(keyOf({ application: 'one', corpSecret })).not.toBe(keyOf({ application: 'two', corpSecret }))
  })

  it('shows no secret', async () => {
    const source = weCom({ corpId: 'ww1', corpSecret: SECRET })
    expect(JSON.stringify(source.identity(undefined))).not.toContain('MARKED')
    expect(await source.secretFingerprint?.()).toBe(fingerprint(SECRET))
  })
})

describe('wrong options', () => {
  it.each<[object, string]>([
    [{ corpSecret: 'x' }, 'corpId'],
    [{ corpId: 'ww1' }, 'corpSecret'],
    [{ corpId: 'ww1', corpSecret: '' }, 'corpSecret'],
    [{ corpId: 'ww1', corpSecret: () => 'x' }, 'application'],
    [{ corpId: 'ww1', corpSecret: 'x', application: 7 }, 'application'],
    [{ corpId: 'ww1', corpSecret: 'x', baseUrl: 'http://127.0.0.1' }, 'baseUrl'],
    [{ corpId: 'ww1', corpSecret: 'x', allowInsecure: 'yes' }, 'allowInsecure'],
    [{ corpId: 'ww1', corpSecret: 'x', agentId: 'x' }, 'agentId'],
  ])('%j are a TypeError that names "%s"', (options, option) => {
    const build = (): unknown => weCom(options as WeComOptions)
    expect(build).toThrow(TypeError)
    expect(build).toThrow(`"${option}"`)
  })
})
