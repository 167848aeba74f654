import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Issued, TokenValue } from '../../contracts.ts'
import { makeKey } from '../../lib/key.ts'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { rejectionOf, shown } from '../shared/shown.test-data.ts'
import { type GitHubInstallationOptions, gitHubInstallation, type Installation } from './index.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PKCS8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const PKCS1 = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
/** In all that the issuer writes: nothing that comes out may contain it. */
const BODY = 'MARKED-body'

const running: ScriptedIssuer[] = []
afterEach(async () => {
  vi.useRealTimers()
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

const NOON = Date.parse('2026-11-21T12:00:00Z')
function at(ms: number): { readonly date: string } {
  return { date: new Date(ms).toUTCString() }
}
const GOOD = { token: 'ghs_abc', expires_at: '2026-11-21T13:00:00Z', permissions: { contents: 'read' } }
function good(more: object = {}): Script {
  return answer({ ...GOOD, ...more }, 201, at(NOON))
}

function sourceFor(url: string, more: Partial<GitHubInstallationOptions> = {}) {
  return gitHubInstallation({ clientId: 'Iv1', privateKey: () => PKCS8, baseUrl: url, allowInsecure: true, ...more })
}

function fetchFrom(
  issuer: ScriptedIssuer,
  params: Installation = { installationId: 42 },
  more: Partial<GitHubInstallationOptions> = {},
): Promise<Issued<TokenValue>> {
  return sourceFor(issuer.url, more).fetch(fetchRequest(params))
}

/** Sets what `Date` says, and nothing else. */
function setClock(now: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now })
}

describe('an installation token', () => {
  it('is asked for by one POST that names installation, repositories and permissions', async () => {
    const issuer = await start(good())
    await fetchFrom(issuer, {
      installationId: 42,
      repositories: ['two', 'one', 'two'],
      repositoryIds: [10, 9],
      permissions: { contents: 'read', issues: 'write' },
    })
    const [{ method, path, headers, text } = { headers: {}, text: '' }] = issuer.received
    expect([method, path, issuer.received.length]).toEqual(['POST', '/app/installations/42/access_tokens', 1])
    expect(JSON.parse(text)).toEqual({
      repositories: ['one', 'two'],
      repository_ids: [9, 10],
      permissions: { contents: 'read', issues: 'write' },
    })
    expect(headers).toMatchObject({ accept: 'application/vnd.github+json', 'user-agent': 'warmtoken' })
  })

  it('is for all that is granted when nothing is chosen', async () => {
    const issuer = await start(good())
    await fetchFrom(issuer)
    expect(JSON.parse(issuer.received[0]?.text ?? '')).toEqual({})
  })

  it('lives by the issuer’s clock, whatever the clock here says', async () => {
    for (const here of [NOON, NOON - 7_200_000, NOON + 7_200_000]) {
      setClock(here)
      const { lifetime } = await fetchFrom(await start(good()))
      // The date was cut to a whole second.
      expect(lifetime).toBe(3_599_000)
    }
  })

  it('comes with the permissions that it has', async () => {
    const { value } = await fetchFrom(await start(good({ permissions: { contents: 'read', 'x y': 'read', odd: 1 } })))
    expect(value).toEqual({ value: 'ghs_abc', type: 'Bearer', extra: { permissions: { contents: 'read' } } })
  })

  it.each([
    ['short', 'x'],
    ['of another form', `v2.local.${'a.B-9_'.repeat(200)}`],
    ['with signs that are none of letters', 'a+b/c=~!'],
  ])('may be %s', async (_name, token) => {
    expect((await fetchFrom(await start(good({ token })))).value.value).toBe(token)
  })

  it('may be unknown to the API for some seconds', () => {
    expect(sourceFor('http://127.0.0.1').traits?.settleTime).toBe(5_000)
  })

  it('is asked for below the path of another host', async () => {
    const issuer = await start(good())
    await sourceFor(`${issuer.url}/api/v3/`).fetch(fetchRequest({ installationId: 1 }))
    expect(issuer.received[0]?.path).toBe('/api/v3/app/installations/1/access_tokens')
  })
})

describe('an assertion', () => {
  const assertionsOf = (issuer: ScriptedIssuer): readonly string[] =>
    issuer.received.map(({ headers }) => headers.authorization?.replace('Bearer ', '') ?? '')
  const claimsOf = async (assertion = '', now = Date.now()) =>
    (await jwtVerify(assertion, publicKey, { currentDate: new Date(now), algorithms: ['RS256'] })).payload

  it.each([
    ['PKCS #8', PKCS8],
    ['PKCS #1', PKCS1],
    ['PKCS #1 with its line breaks written out', PKCS1.replaceAll('\n', '\\n')],
  ])('is signed by a key in %s, dated a minute back, and lives nine more', async (_name, pem) => {
    const issuer = await start(good())
    setClock(NOON)
    await fetchFrom(issuer, undefined, { privateKey: pem })
    const [assertion = ''] = assertionsOf(issuer)
    const seconds = NOON / 1_000
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(await claimsOf(assertion)).toEqual({ iss: 'Iv1', iat: seconds - 60, exp: seconds + 540 })
  })

  it('names the App by its id where there is no client id', async () => {
    const issuer = await start(good())
    const { url } = issuer
    const source = gitHubInstallation({ appId: 7, privateKey: PKCS8, baseUrl: url, allowInsecure: true })
    await source.fetch(fetchRequest({ installationId: 1 }))
    expect((await claimsOf(assertionsOf(issuer)[0])).iss).toBe('7')
  })

  it('is signed again for every attempt, with the key of the moment', async () => {
    const issuer = await start(good())
    let reads = 0
    const source = sourceFor(issuer.url, { privateKey: async () => (reads++ === 0 ? PKCS8 : PKCS1) })
    for (const now of [NOON, NOON + 1_000]) {
      setClock(now)
      await source.fetch(fetchRequest({ installationId: 42 }))
    }
    const [first, second] = assertionsOf(issuer)
    expect([(await claimsOf(first)).iat, (await claimsOf(second)).iat]).toEqual([NOON / 1_000 - 60, NOON / 1_000 - 59])
    expect(reads).toBe(2)
  })

  it('that is refused because the clock here is wrong is signed once more by the issuer’s', async () => {
    const issuer = await start(answer({ message: BODY }, 401, at(NOON)), good())
    setClock(NOON + 600_000)
    expect((await fetchFrom(issuer)).value.value).toBe('ghs_abc')
    const claims = await claimsOf(assertionsOf(issuer)[1], NOON)
    expect(claims.iat).toBe(NOON / 1_000 - 60)
  })

  it('that is refused with the right clock, or twice, is not sent again', async () => {
    for (const [here, times] of [
      [NOON + 5_000, 1],
      [NOON + 600_000, 2],
    ] as const) {
      setClock(here)
      const issuer = await start(answer({ message: BODY }, 401, at(NOON)))
      expect(await rejectionOf(fetchFrom(issuer))).toMatchObject({ name: 'SourceRefusedError', code: 'GITHUB_401' })
      expect(issuer.received.length).toBe(times)
    }
  })

  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  it.each([
    ['nothing', '', 'BAD_SECRET'],
    ['no text', 42, 'BAD_SECRET'],
    ['no key', '-----BEGIN PRIVATE KEY-----\nMARKED\n-----END PRIVATE KEY-----', 'BAD_KEY'],
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'BAD_KEY'],
    ['a key that is too short', small.toString(), 'BAD_KEY'],
    ['a key of another kind', curve.toString(), 'BAD_KEY'],
  ])('cannot be signed with %s: a refusal that does not repeat it, and nobody is asked', async (_name, pem, code) => {
    const issuer = await start(good())
    const error = await rejectionOf(fetchFrom(issuer, undefined, { privateKey: () => pem as string }))
    expect(error).toMatchObject({ name: 'SourceRefusedError', code })
    expect(shown(error)).not.toMatch(/MARKED|BEGIN/)
    expect(issuer.received).toEqual([])
  })
})

describe('an answer that', () => {
  const failureOf = async (script: Script): Promise<unknown> => {
    const issuer = await start(script)
    const error = await rejectionOf(fetchFrom(issuer))
    expect(shown(error)).not.toMatch(/MARKED|eyJ/)
    return error
  }

  it.each([403, 404, 422, 400])('is a %s is final, and known by it', async (status) => {
    expect(await failureOf(answer({ message: BODY }, status))).toMatchObject({
      name: 'SourceRefusedError',
      code: `GITHUB_${status}`,
      retryable: false,
    })
  })

  const reset = String(NOON / 1_000 + 1_800)
  const spent = { ...at(NOON), 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }
  it.each<[string, Script, string, number]>([
    ['a 403 with Retry-After', answer(BODY, 403, { 'retry-after': '90' }), 'GITHUB_403', 90_000],
    ['a 429 with Retry-After', answer(BODY, 429, { 'retry-after': '5' }), 'GITHUB_429', 5_000],
    ['a 429 without', answer(BODY, 429), 'GITHUB_429', 60_000],
    ['a 403 that says when the limit ends', answer(BODY, 403, spent), 'GITHUB_403', 1_800_000],
    [
      'a 403 that tells the limit by its words alone',
      answer({ message: 'You have exceeded a secondary rate limit.', note: BODY }, 403),
      'GITHUB_403',
      60_000,
    ],
  ])('is %s asks for patience', async (_name, script, code, retryAfter) => {
    expect(await failureOf(script)).toMatchObject({ code, kind: 'throttled', retryAfter, retryable: true })
  })

  it.each<[string, Script, string]>([
    ['is a 500', answer(BODY, 500), 'HTTP_500'],
    ['is a redirect', answer(BODY, 301, { location: `/${BODY}` }), 'SOURCE_REDIRECT'],
    ['is not JSON', answer(BODY, 201), 'BAD_ANSWER'],
    ['lacks a token', good({ token: undefined, note: BODY }), 'BAD_TOKEN'],
    ['has a token that no header takes', good({ token: `${BODY}\n` }), 'BAD_TOKEN'],
    ['lacks its end', good({ token: BODY, expires_at: undefined }), 'BAD_LIFE'],
    ['has an end that is no instant', good({ token: BODY, expires_at: BODY }), 'BAD_LIFE'],
    ['has an end that is past', good({ token: BODY, expires_at: '2026-11-21T12:00:01Z' }), 'BAD_LIFE'],
    ['has an absurd end', good({ token: BODY, expires_at: '2036-11-21T12:00:01Z' }), 'BAD_LIFE'],
    [
      'lacks a date',
      (response) => {
        response.sendDate = false
        answer(GOOD, 201)(response, {} as never)
      },
      'BAD_LIFE',
    ],
    ['breaks off', (response) => response.destroy(), 'SOURCE_UNREACHABLE'],
  ])('%s is a typed error', async (_name, script, code) => {
    expect(await failureOf(script)).toMatchObject({ name: 'SourceUnavailableError', code })
  })

  it('never comes ends with the time for it', async () => {
    const abort = new AbortController()
    const issuer = await start(() => abort.abort())
    const request = fetchRequest({ installationId: 1 }, { signal: abort.signal })
    const error = await rejectionOf(sourceFor(issuer.url).fetch(request))
    expect(error).toMatchObject({ name: 'SourceUnavailableError' })
  })
})

describe('the key', () => {
  const keyOf = (params: Partial<Installation>, options: Partial<GitHubInstallationOptions> = {}): string => {
    const source = gitHubInstallation({ clientId: 'Iv1', privateKey: 'x', ...options })
    return makeKey(source.kind, '', source.identity({ installationId: 1, ...params }))
  }

  it('differs by installation, repositories, permissions, App, key and host', () => {
    const keys = [
      keyOf({}),
      keyOf({ installationId: 2 }),
      keyOf({ repositories: ['one'] }),
      keyOf({ repositories: ['one', 'two'] }),
      keyOf({ repositories: ['one,two'] }),
      keyOf({ repositories: ['1'] }),
      keyOf({ repositoryIds: [1] }),
      keyOf({ permissions: { contents: 'read' } }),
      keyOf({ permissions: { contents: 'write' } }),
      keyOf({ permissions: { contents: 'read', issues: 'read' } }),
      keyOf({}, { clientId: 'Iv2' }),
      keyOf({}, { privateKey: 'y' }),
      keyOf({}, { baseUrl: 'https://github.example.com/api/v3' }),
      keyOf({}, { baseUrl: 'https://other.example.com/api/v3' }),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('does not depend on how the same is written', () => {
    const one = keyOf({ repositories: ['b', 'a'], repositoryIds: [10, 9], permissions: { a: 'read', b: 'read' } })
    const two = keyOf({ permissions: { b: 'read', a: 'read' }, repositoryIds: [9, 10, 9], repositories: ['a', 'b'] })
    expect(two).toBe(one)
    expect(keyOf({}, { baseUrl: 'https://API.github.com/' })).toBe(keyOf({}))
  })

  it('shows no key', () => {
    const identity = sourceFor('http://127.0.0.1', { privateKey: PKCS1 }).identity({ installationId: 1 })
    expect(JSON.stringify(identity)).not.toMatch(/BEGIN|MII/)
  })
})

describe('wrong parameters', () => {
  it.each<[unknown, string]>([
    [undefined, 'options'],
    [{}, 'installationId'],
    [{ installationId: undefined }, 'installationId'],
    [{ installationId: 0 }, 'installationId'],
    [{ installationId: '1' }, 'installationId'],
    [{ installationId: 1.5 }, 'installationId'],
    [{ installationId: 1, repositories: [] }, 'repositories'],
    [{ installationId: 1, repositories: 'one' }, 'repositories'],
    [{ installationId: 1, repositories: ['owner/one'] }, 'repositories'],
    [{ installationId: 1, repositories: Array.from({ length: 501 }, String) }, 'repositories'],
    [{ installationId: 1, repositoryIds: [] }, 'repositoryIds'],
    [{ installationId: 1, repositoryIds: ['1'] }, 'repositoryIds'],
    [{ installationId: 1, permissions: {} }, 'permissions'],
    [{ installationId: 1, permissions: { contents: 'all' } }, 'permissions'],
    [{ installationId: 1, repository: 'one' }, 'repository'],
  ])('%j are a TypeError that names "%s"', (params, name) => {
    const identify = (): unknown => sourceFor('http://127.0.0.1').identity(params as Installation)
    expect(identify).toThrow(TypeError)
    expect(identify).toThrow(name)
  })

  it('do not compile without an installation', () => {
    // @ts-expect-error installationId is required
    expect(() => sourceFor('http://127.0.0.1').identity({ repositories: ['one'] })).toThrow(TypeError)
  })
})

describe('wrong options', () => {
  it.each<[object, string]>([
    [{ privateKey: 'x' }, 'clientId'],
    [{ clientId: 'Iv1', appId: 1, privateKey: 'x' }, 'clientId'],
    [{ clientId: 1, privateKey: 'x' }, 'clientId'],
    [{ appId: '1', privateKey: 'x' }, 'appId'],
    [{ clientId: 'Iv1' }, 'privateKey'],
    [{ clientId: 'Iv1', privateKey: 'x', baseUrl: 'http://127.0.0.1' }, 'baseUrl'],
    [{ clientId: 'Iv1', privateKey: 'x', baseUrl: 'github.example.com' }, 'baseUrl'],
    [{ clientId: 'Iv1', privateKey: 'x', allowInsecure: 1 }, 'allowInsecure'],
    [{ clientId: 'Iv1', privateKey: 'x', installationId: 1 }, 'installationId'],
  ])('%j are a TypeError that names "%s"', (options, name) => {
    const build = (): unknown => gitHubInstallation(options as GitHubInstallationOptions)
    expect(build).toThrow(TypeError)
    expect(build).toThrow(`"${name}"`)
  })
})
