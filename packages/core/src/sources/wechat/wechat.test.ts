import { afterEach, describe, expect, it } from 'vitest'
import { fingerprint } from '../../lib/hash.ts'
import { makeKey } from '../../lib/key.ts'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { rejectionOf, shown } from '../shared/shown.test-data.ts'
import { type WeChatLegacyOptions, type WeChatOptions, weChat, weChatLegacy } from './index.ts'

/** In the secret, and in all that the issuer writes: nothing that comes out may contain them. */
const SECRET = 'MARKED&secret+of/é'
const BODY = 'MARKED-body'
const GOOD = { access_token: 'a-token', expires_in: 7200 }

const running: ScriptedIssuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

async function start(...scripts: readonly Script[]): Promise<ScriptedIssuer> {
  const left = [...scripts]
  const issuer = await startScriptedIssuer((response, received) => {
    const script = left.length > 1 ? left.shift() : left[0]
    script?.(response, received)
  })
  running.push(issuer)
  return issuer
}

function optionsFor(url: string): WeChatOptions {
  return {
    appId: 'wx1',
    secret: () => SECRET,
    baseUrl: url,
    allowInsecure: true,
  }
}
const factories = [
  ['weChat', weChat],
  ['weChatLegacy', weChatLegacy],
] as const

describe('the stable token', () => {
  it('is asked for by one POST with the account in its body, and lives as long as the answer says', async () => {
    const issuer = await start(answer({ ...GOOD, expires_in: 1234 }))
    const issued = await weChat(optionsFor(issuer.url)).fetch(fetchRequest(undefined))
    expect(issued).toEqual({ value: { value: 'a-token', type: 'Bearer' }, lifetime: 1_234_000 })
    const [{ method, path, text } = { text: '' }] = issuer.received
    expect([method, path, issuer.received.length]).toEqual(['POST', '/cgi-bin/stable_token', 1])
    expect(JSON.parse(text)).toEqual({ grant_type: 'client_credential', appid: 'wx1', secret: SECRET })
  })

  it('is renewed within the last five minutes only, and the old one is good for five more', () => {
    expect(weChat(optionsFor('http://127.0.0.1')).traits).toMatchObject({ reuseWindow: 300_000, overlap: 300_000 })
  })

  it('is not forced when the plain answer is another one than the refused', async () => {
    const issuer = await start(answer(GOOD))
    const rejected = fingerprint('an-older-token')
    await weChat(optionsFor(issuer.url)).fetch(fetchRequest(undefined, { rejected }))
    expect(issuer.received.length).toBe(1)
  })

  it('is forced, once, when the plain answer is the refused one again', async () => {
    const issuer = await start(answer(GOOD), answer({ ...GOOD, access_token: 'another' }))
    const rejected = fingerprint(GOOD.access_token)
    const issued = await weChat(optionsFor(issuer.url)).fetch(fetchRequest(undefined, { rejected }))
    expect(issued.value.value).toBe('another')
    const bodies = issuer.received.map(({ text }) => (JSON.parse(text) as { force_refresh?: unknown }).force_refresh)
    expect(bodies).toEqual([undefined, true])
  })

  it('is forced no second time when the issuer, asked too soon, repeats it anyway', async () => {
    const issuer = await start(answer(GOOD))
    const rejected = fingerprint(GOOD.access_token)
    const issued = await weChat(optionsFor(issuer.url)).fetch(fetchRequest(undefined, { rejected }))
    expect([issued.value.value, issuer.received.length]).toEqual(['a-token', 2])
  })
})

describe('the older token', () => {
  it('is asked for by one GET, each value encoded', async () => {
    const issuer = await start(answer(GOOD))
    const source = weChatLegacy(optionsFor(issuer.url))
    await source.fetch(fetchRequest(undefined, { rejected: fingerprint(GOOD.access_token) }))
    const [{ method, path } = { path: '' }] = issuer.received
    const url = new URL(path, issuer.url)
    expect([method, url.pathname, issuer.received.length]).toEqual(['GET', '/cgi-bin/token', 1])
    expect(Object.fromEntries(url.searchParams)).toEqual({
      grant_type: 'client_credential',
      appid: 'wx1',
      secret: SECRET,
    })
  })

  it('is exclusive: whatever comes before, the next fetch spends the same, and may be repeated after a crash', async () => {
    const { exclusive, traits } = weChatLegacy(optionsFor('http://127.0.0.1'))
    const spent = await exclusive?.spends(undefined)
    expect(spent).toMatch(/^[0-9a-f]{8}$/)
    expect(await exclusive?.spends({ value: 'x', type: 'Bearer' })).toBe(spent)
    expect(exclusive?.afterCrash).toBe('repeat')
    expect(traits?.overlap).toBe(0)
    const other = weChatLegacy({ ...optionsFor('http://127.0.0.1'), appId: 'wx2', overlap: 300_000 })
    expect(await other.exclusive?.spends(undefined)).not.toBe(spent)
    expect(other.traits?.overlap).toBe(300_000)
  })

  it('is not the stable one: neither exclusive nor key are shared', () => {
    expect(weChat(optionsFor('http://127.0.0.1')).exclusive).toBeUndefined()
    const keys = factories.map(([, make]) => {
      const { kind, identity } = make(optionsFor('http://127.0.0.1'))
      return makeKey(kind, '', identity(undefined))
    })
    expect(new Set(keys).size).toBe(2)
  })
})

describe.each(factories)('an error in the answer to %s', (_name, make) => {
  const failureOf = async (script: Script): Promise<unknown> => {
    const issuer = await start(script)
    const error = await rejectionOf(make(optionsFor(issuer.url)).fetch(fetchRequest(undefined)))
    expect(issuer.received.length).toBe(1)
    expect(shown(error)).not.toMatch(/MARKED|appid|secret=/)
    return error
  }
  const coded = (errcode: unknown, headers = {}): Script => answer({ errcode, errmsg: BODY }, 200, headers)

  it.each([40013, 40125, 40164, 40001, 40002, 40243, 1])('%s is final, and known by its code', async (errcode) => {
    expect(await failureOf(coded(errcode))).toMatchObject({
      name: 'SourceRefusedError',
      code: `WECHAT_${errcode}`,
      retryable: false,
    })
  })

  it('-1 is a busy issuer, soon asked again', async () => {
    expect(await failureOf(coded(-1))).toMatchObject({
      name: 'SourceUnavailableError',
      code: 'WECHAT_-1',
      kind: 'unavailable',
      retryAfter: undefined,
    })
  })

  it('45011 asks for patience until the next minute', async () => {
    expect(await failureOf(coded(45011))).toMatchObject({ code: 'WECHAT_45011', kind: 'throttled', retryAfter: 60_000 })
  })

  it.each([
    ['an hour by day', 'Sat, 21 Nov 2026 02:00:00 GMT', 3_600_000],
    ['until midnight in China', 'Sat, 21 Nov 2026 15:50:00 GMT', 600_000],
  ])('45009, the quota of the day, asks for patience: %s', async (_when, date, retryAfter) => {
    const error = await failureOf(coded(45009, { date }))
    expect(error).toMatchObject({ code: 'WECHAT_45009', kind: 'throttled', retryAfter })
  })

  it.each<[string, Script, string]>([
    ['has a code that is not a number', coded(BODY), 'BAD_ANSWER'],
    ['has a code that is a fraction', coded(0.5), 'BAD_ANSWER'],
    ['is not JSON', answer(`<html>${BODY}`), 'BAD_ANSWER'],
    ['lacks a token', answer({ errcode: 0, errmsg: BODY, expires_in: 7200 }), 'BAD_TOKEN'],
    ['has a token that no header takes', answer({ ...GOOD, access_token: `${BODY}\n` }), 'BAD_TOKEN'],
    ['lacks a life', answer({ access_token: BODY }), 'BAD_LIFE'],
    ['has a life in words', answer({ ...GOOD, access_token: BODY, expires_in: 'two hours' }), 'BAD_LIFE'],
    ['is a status 500', answer(BODY, 500), 'HTTP_500'],
    ['is a status 429', answer(BODY, 429), 'HTTP_429'],
    ['is a status 403', answer({ note: BODY }, 403), 'HTTP_403'],
    ['is a redirect', answer(BODY, 302, { location: `/${BODY}` }), 'SOURCE_REDIRECT'],
    ['breaks off', (response) => response.writeHead(200, { 'content-length': 9 }).destroy(), 'SOURCE_UNREACHABLE'],
    ['is too large', answer({ ...GOOD, filler: BODY.repeat(10_000) }), 'SOURCE_TOO_LARGE'],
  ])('that %s is a typed error', async (_what, script, code) => {
    expect(await failureOf(script)).toMatchObject({ code })
  })

  it('that never comes ends with the time for it, and quotes nothing', async () => {
    const abort = new AbortController()
    const issuer = await start(() => abort.abort())
    const error = await rejectionOf(
      make(optionsFor(issuer.url)).fetch(fetchRequest(undefined, { signal: abort.signal })),
    )
    expect(error).toMatchObject({ name: 'SourceUnavailableError' })
    expect(shown(error)).not.toMatch(/MARKED|secret=/)
  })

  it('because nobody is there quotes nothing', async () => {
    const issuer = await startScriptedIssuer(answer(GOOD))
    await issuer.close()
    const error = await rejectionOf(make(optionsFor(issuer.url)).fetch(fetchRequest(undefined)))
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE' })
    expect(shown(error)).not.toMatch(/MARKED|secret=/)
  })

  it('is not waited for when the secret is none', async () => {
    const issuer = await start(answer(GOOD))
    const source = make({ ...optionsFor(issuer.url), secret: () => '' })
    expect(await rejectionOf(source.fetch(fetchRequest(undefined)))).toMatchObject({ code: 'BAD_SECRET' })
    expect(issuer.received).toEqual([])
  })
})

describe('an answer of the API', () => {
  const isRejection = (status: number, body: unknown): unknown =>
    weChat(optionsFor('http://127.0.0.1')).traits?.isRejection?.({
      status,
      headers: new Headers(),
      json: async () => body,
    })

  it.each([40001, 40014, 42001])('with errcode %s and HTTP 200 is a refusal of the token', async (errcode) => {
    expect(await isRejection(200, { errcode, errmsg: BODY })).toBe(true)
  })

  it.each([
    ['another code', 200, { errcode: 48001 }],
    ['no code', 200, { ip_list: [] }],
    ['the code as text', 200, { errcode: '40001' }],
    ['no JSON', 200, undefined],
    ['a list', 200, [40001]],
    ['another status', 500, { errcode: 40001 }],
  ])('with %s is none', async (_name, status, body) => {
    expect(await isRejection(status, body)).toBe(false)
  })
})

describe.each(factories)('the key of %s', (_name, make) => {
  const keyOf = (change: Partial<WeChatOptions>): string => {
    const { kind, identity } = make({ appId: 'wx1', secret: 'x', ...change })
    return makeKey(kind, '', identity(undefined))
  }

  it('differs by account, secret and address', () => {
    const changes = [{}, { appId: 'wx2' }, { secret: 'y' }, { baseUrl: 'https://api2.weixin.qq.com' }]
    expect(new Set(changes.map(keyOf)).size).toBe(changes.length)
  })

  it('is the same for one address written in two ways, and with the default written out', () => {
    expect(keyOf({ baseUrl: 'https://API.weixin.qq.com:443/' })).toBe(keyOf({}))
  })

  it('shows no secret, which is read only when it is needed', async () => {
    const source = make({ appId: 'wx1', secret: SECRET })
    expect(JSON.stringify(source.identity(undefined))).not.toContain('MARKED')
    expect(await source.secretFingerprint?.()).toBe(fingerprint(SECRET))
    const never = make({ appId: 'wx1', secret: () => Promise.reject(new Error(SECRET)) })
    expect(never.identity(undefined)).toMatchObject({ secret: null })
  })
})

describe.each(factories)('wrong options of %s', (name, make) => {
  it.each<[object, string]>([
    [{ secret: 'x' }, 'appId'],
    [{ appId: '', secret: 'x' }, 'appId'],
    [{ appId: 'wx1' }, 'secret'],
    [{ appId: 'wx1', secret: 1 }, 'secret'],
    [{ appId: 'wx1', secret: 'x', baseUrl: 'ftp://x' }, 'baseUrl'],
    [{ appId: 'wx1', secret: 'x', baseUrl: 'http://127.0.0.1' }, 'baseUrl'],
    [{ appId: 'wx1', secret: 'x', baseUrl: 'https://a:b@example.com' }, 'baseUrl'],
    [{ appId: 'wx1', secret: 'x', baseUrl: 'https://example.com?x' }, 'baseUrl'],
    [{ appId: 'wx1', secret: 'x', allowInsecure: 1 }, 'allowInsecure'],
    [{ appId: 'wx1', secret: 'x', appSecret: 'x' }, 'appSecret'],
    [{ appId: 'wx1', secret: 'x', overlap: name === 'weChat' ? 0 : -1 }, 'overlap'],
  ])('%j are a TypeError that names "%s"', (options, option) => {
    const build = (): unknown => make(options as WeChatLegacyOptions)
    expect(build).toThrow(TypeError)
    expect(build).toThrow(`${name}: `)
    expect(build).toThrow(`"${option}"`)
  })
})
