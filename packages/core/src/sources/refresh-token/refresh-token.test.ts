import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { Json, TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { type RefreshTokenOptions, refreshToken } from './index.ts'

const running: ScriptedIssuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

const SECRET = 'MARKED-secret'
const SEED = 'MARKED-seed'
const BODY = 'MARKED-body'
const GOOD = { access_token: 'access', token_type: 'Bearer', expires_in: 3600, refresh_token: 'second' }

async function setUp(script: Script, options: Partial<RefreshTokenOptions> = {}) {
  const issuer = await startScriptedIssuer(script)
  running.push(issuer)
  const source = refreshToken({
    tokenEndpoint: `${issuer.url}/token`,
    allowInsecure: true,
    clientId: 'mailer',
    clientSecret: SECRET,
    account: 'ada',
    refreshToken: SEED,
    ...options,
  })
  const fetch = (previous?: TokenValue, spends?: string) => source.fetch(fetchRequest(undefined, { previous, spends }))
  const spent = (): readonly (string | null)[] => issuer.received.map(({ body }) => body.get('refresh_token'))
  return { issuer, source, fetch, spent }
}

function valueWith(chain: Json): TokenValue {
  return { value: 'old', type: 'Bearer', chain }
}
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((cause: unknown) => cause)
}

describe('the chain of refresh tokens', () => {
  it('begins with the seed and continues with what the issuer gives', async () => {
    const { fetch, issuer, spent } = await setUp(answer(GOOD))
    const first = await fetch()
    expect(first).toEqual({
      lifetime: 3_600_000,
      value: { value: 'access', type: 'Bearer', chain: { token: 'second', seeds: [fingerprint(SEED)] } },
    })
    await fetch(first.value)
    expect(spent()).toEqual([SEED, 'second'])
    expect(issuer.received[0]?.body.get('grant_type')).toBe('refresh_token')
    expect(issuer.received[0]?.headers.authorization).toContain('Basic ')
  })

  it.each([
    ['nothing', {}],
    ['null', { refresh_token: null }],
    ['an empty text', { refresh_token: '' }],
    ['a number', { refresh_token: 7 }],
  ])('stays with the old refresh token when the issuer gives %s', async (_name, changed) => {
    const { refresh_token: _given, ...rest } = GOOD
    const { fetch, spent } = await setUp(answer({ ...rest, ...changed }))
    const seeds = [fingerprint(SEED)]
    const { value } = await fetch(valueWith({ token: 'newest', seeds }))
    expect(value.chain).toEqual({ token: 'newest', seeds })
    expect(spent()).toEqual(['newest'])
  })

  it('keeps a refresh token of any characters, because it is sent in a form', async () => {
    const { fetch, spent } = await setUp(answer({ ...GOOD, refresh_token: 'zwei ü+%&=\n' }))
    await fetch((await fetch()).value)
    expect(spent()[1]).toBe('zwei ü+%&=\n')
  })

  it('begins again with a seed that it has not seen, and no old seed brings it back', async () => {
    const { fetch, source } = await setUp(answer(GOOD), { refreshToken: 'seed-2' })
    const before = valueWith({ token: 'dead', seeds: [fingerprint('seed-1')] })
    expect(await source.exclusive?.spends(before)).toBe(fingerprint('seed-2'))
    const after = (await fetch(before)).value
    expect(after.chain).toEqual({ token: 'second', seeds: [fingerprint('seed-1'), fingerprint('seed-2')] })
    // An environment that still holds the first seed continues with the chain of the second.
    const old = await setUp(answer(GOOD), { refreshToken: 'seed-1' })
    await old.fetch(after)
    expect(old.spent()).toEqual(['second'])
  })

  it('remembers the last ten seeds', async () => {
    const seeds = Array.from({ length: 10 }, (_, i) => fingerprint(`seed-${i}`))
    const { fetch } = await setUp(answer(GOOD), { refreshToken: 'seed-10' })
    const { chain } = (await fetch(valueWith({ token: 'x', seeds }))).value
    expect(chain).toEqual({ token: 'second', seeds: [...seeds.slice(1), fingerprint('seed-10')] })
  })

  it.each<Json>([
    null,
    'text',
    [],
    {},
    { token: 'x' },
    { token: '', seeds: [fingerprint(SEED)] },
    { token: 7, seeds: [fingerprint(SEED)] },
    { token: 'x'.repeat(70_000), seeds: [fingerprint(SEED)] },
    { token: 'x', seeds: fingerprint(SEED) },
    { token: 'x', seeds: [fingerprint(SEED), 'ABCDEF01'] },
    { token: 'x', seeds: [fingerprint(SEED), 7] },
    { token: 'x', seeds: Array.from({ length: 11 }, () => fingerprint(SEED)) },
  ])('that comes back as %j is none, so the seed is spent', async (chain) => {
    const { fetch, source, spent } = await setUp(answer(GOOD))
    expect(await source.exclusive?.spends(valueWith(chain))).toBe(fingerprint(SEED))
    await fetch(valueWith(chain))
    expect(spent()).toEqual([SEED])
  })

  it('spends what it said it would, and else nothing', async () => {
    let seed = 'seed-1'
    const { fetch, source, spent } = await setUp(answer(GOOD), { refreshToken: async () => seed })
    const said = await source.exclusive?.spends(undefined)
    seed = 'seed-2'
    const error = await failureOf(fetch(undefined, said))
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code: 'SOURCE_CHANGED', nothingDone: true })
    await fetch(undefined, await source.exclusive?.spends(undefined))
    expect(spent()).toEqual(['seed-2'])
  })
})

describe('an issuer that does not rotate', () => {
  it('is sent the seed every time, keeps no chain and needs no lease', async () => {
    const { fetch, source, spent } = await setUp(answer(GOOD), { rotates: false })
    expect(source.exclusive).toBeUndefined()
    const { value } = await fetch()
    expect(value).toEqual({ value: 'access', type: 'Bearer' })
    await fetch(valueWith({ token: 'x', seeds: [fingerprint(SEED)] }))
    expect(spent()).toEqual([SEED, SEED])
  })
})

describe('an answer that has spent the refresh token', () => {
  it.each([
    ['no type', { token_type: undefined }, 3_600_000],
    ['a type that is no word', { token_type: 'a b' }, 3_600_000],
    ['its life as text', { expires_in: '60' }, 60_000],
    ['a life of null', { expires_in: null }, 170_000],
    ['a life below nothing', { expires_in: -1 }, 170_000],
    ['no life', { expires_in: undefined }, 170_000],
  ])('is not thrown away because it has %s', async (_name, changed, lifetime) => {
    const { fetch } = await setUp(answer({ ...GOOD, ...changed }), { lifetime: 170_000 })
    const issued = await fetch()
    expect(issued).toMatchObject({ lifetime, value: { type: 'Bearer', chain: { token: 'second' } } })
  })
})

describe('a refusal', () => {
  it.each([
    ['invalid_grant', 400],
    ['interaction_required', 400],
    ['bad_refresh_token', 200],
  ])('by %s means that the user must sign in', async (code, status) => {
    const { fetch } = await setUp(answer({ error: code, error_description: BODY }, status))
    const error = await failureOf(fetch())
    expect(error).toMatchObject({ name: 'SignInRequiredError', code: 'SIGN_IN_REQUIRED', retryable: false })
    expect(String(error)).toContain(code)
    for (const mark of [SECRET, SEED, BODY]) expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(mark)
  })

  it('of the client is one of the client', async () => {
    const { fetch } = await setUp(answer({ error: 'invalid_client' }, 401))
    expect(await failureOf(fetch())).toMatchObject({ name: 'SourceRefusedError', code: 'invalid_client' })
  })
})

describe('a failure', () => {
  const cases: readonly (readonly [string, Script, string, boolean])[] = [
    ['a call for patience', answer(BODY, 429), 'HTTP_429', true],
    ['a server error', answer(BODY, 500), 'HTTP_500', false],
    ['an error that may pass', answer({ error: 'temporarily_unavailable' }, 400), 'temporarily_unavailable', false],
    ['no JSON', answer(BODY), 'BAD_ANSWER', false],
    ['a connection that closes', (response) => response.destroy(), 'SOURCE_UNREACHABLE', false],
  ]
  it.each(cases)('that is %s says whether something may be spent', async (_name, script, code, nothingDone) => {
    const { fetch } = await setUp(script)
    const error = await failureOf(fetch())
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code, nothingDone })
    for (const mark of [SECRET, SEED, BODY]) expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(mark)
  })

  it('of a connection that is refused has spent nothing', async () => {
    const { fetch, issuer } = await setUp(answer(GOOD))
    await issuer.close()
    expect(await failureOf(fetch())).toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      systemCode: 'ECONNREFUSED',
      nothingDone: true,
    })
  })

  it('of the metadata has spent nothing', async () => {
    const { issuer } = await setUp(answer(BODY, 503))
    const source = refreshToken({
      issuer: issuer.url,
      allowInsecure: true,
      clientId: 'mailer',
      account: 'ada',
      refreshToken: SEED,
    })
    const error = await failureOf(source.fetch(fetchRequest(undefined)))
    expect(error).toMatchObject({ code: 'HTTP_503', nothingDone: true })
  })

  it.each(['refreshToken', 'clientSecret'] as const)('to read option "%s" has spent nothing', async (name) => {
    const { fetch, issuer } = await setUp(answer(GOOD), { [name]: () => Promise.reject(new Error(SECRET)) })
    const error = await failureOf(fetch())
    expect(error).toMatchObject({ code: 'SECRET_FAILED', nothingDone: true })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('MARKED')
    expect(issuer.received).toEqual([])
  })

  it.each([undefined, 42, ''])('because the seed is %j is a refusal, and nobody is asked', async (seed) => {
    const { fetch, issuer } = await setUp(answer(GOOD), { refreshToken: () => seed as string })
    expect(await failureOf(fetch())).toMatchObject({ name: 'SourceRefusedError', code: 'BAD_SECRET' })
    expect(issuer.received).toEqual([])
  })
})

describe('the identity', () => {
  const base = { issuer: 'https://login.example.com', clientId: 'mailer', account: 'ada', refreshToken: SEED }
  const of = (options: Partial<RefreshTokenOptions>): string =>
    JSON.stringify(refreshToken({ ...base, ...options }).identity(undefined))

  it('stays with a new seed and a new secret, so that the newest refresh token is still found', () => {
    const same = [{}, { refreshToken: 'x' }, { refreshToken: () => 'x' }, { clientSecret: 'x' }, { clientSecret: 'y' }]
    expect(new Set(same.map(of)).size).toBe(1)
    expect(of({})).not.toContain('MARKED')
  })

  it('differs by account, client, issuer and scope', () => {
    const others = [{}, { account: 'bob' }, { clientId: 'x' }, { issuer: 'https://b.example' }, { scope: ['a'] }]
    expect(new Set(others.map(of)).size).toBe(others.length)
  })

  it('has a pause that a new seed ends, and a new secret', async () => {
    const marks = [{}, { refreshToken: 'x' }, { clientSecret: 'y' }].map((changed) =>
      refreshToken({ ...base, ...changed }).secretFingerprint?.(),
    )
    expect(new Set(await Promise.all(marks)).size).toBe(3)
  })
})

describe('options', () => {
  const base = { issuer: 'https://login.example.com', clientId: 'mailer', account: 'ada', refreshToken: SEED }

  it('without secret and key are those of a public client', async () => {
    const { fetch, issuer } = await setUp(answer(GOOD), { clientSecret: undefined } as never)
    await fetch()
    expect(issuer.received[0]?.headers.authorization).toBeUndefined()
    expect(issuer.received[0]?.body.get('client_id')).toBe('mailer')
  })

  it.each(['retry-once', 'stop', 'repeat', { grace: 0 }, { grace: 2_000 }] as const)(
    'take %j for what to do after a crash',
    (afterCrash) => {
      expect(refreshToken({ ...base, afterCrash }).exclusive?.afterCrash).toEqual(afterCrash)
    },
  )

  it('say how long an old access token still works', () => {
    expect(refreshToken({ ...base, overlap: 0 }).traits).toEqual({ overlap: 0 })
    expect(refreshToken(base).traits).toBeUndefined()
  })

  it('retry once after a crash unless they say otherwise', () => {
    expect(refreshToken(base).exclusive?.afterCrash).toBe('retry-once')
  })

  it.each([
    [{ ...base, account: undefined }, 'account'],
    [{ ...base, account: '' }, 'account'],
    [{ ...base, refreshToken: undefined }, 'refreshToken'],
    [{ ...base, refreshToken: 42 }, 'refreshToken'],
    [{ ...base, clientId: undefined }, 'clientId'],
    [{ ...base, issuer: undefined }, 'issuer'],
    [{ ...base, issuer: 'http://login.example.com' }, 'issuer'],
    [{ ...base, rotates: 'yes' }, 'rotates'],
    [{ ...base, afterCrash: 'retry' }, 'afterCrash'],
    [{ ...base, afterCrash: { grace: -1 } }, 'afterCrash'],
    [{ ...base, afterCrash: {} }, 'afterCrash'],
    [{ ...base, afterCrash: null }, 'afterCrash'],
    [{ ...base, overlap: -1 }, 'overlap'],
    [{ ...base, authentication: 'basic' }, 'clientSecret'],
    [{ ...base, authentication: 'private_key_jwt' }, 'privateKey'],
    [{ ...base, audience: 'x' }, 'audience'],
  ])('%j are a TypeError at construction that names "%s"', (options, name) => {
    const make = (): unknown => refreshToken(options as unknown as RefreshTokenOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`"${name}"`)
  })
})
