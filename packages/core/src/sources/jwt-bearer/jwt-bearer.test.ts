import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { decodeJwt, decodeProtectedHeader, exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTokens } from '../../tokens/tokens.ts'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { type JwtBearerOptions, jwtBearer } from './index.ts'

const running: ScriptedIssuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

let keys: Awaited<ReturnType<typeof generateKeyPair>>
let privateKey = ''
beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true })
  privateKey = await exportPKCS8(keys.privateKey)
})

async function start(script: Script): Promise<ScriptedIssuer> {
  const issuer = await startScriptedIssuer(script)
  running.push(issuer)
  return issuer
}

function shortRsaKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 1_024 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
}

const GOOD = { access_token: 'abc', token_type: 'Bearer', expires_in: 3599 }
const BODY = 'MARKED-body'

/** The issuer, and a source whose tokens it gives. */
async function setUp(script: Script = answer(GOOD), more: Partial<JwtBearerOptions> = {}) {
  const issuer = await start(script)
  const options = { tokenEndpoint: `${issuer.url}/token`, allowInsecure: true, signer: 'robot', privateKey, ...more }
  return { issuer, options, fetch: () => jwtBearer(options).fetch(fetchRequest(undefined)) }
}

function assertionsOf({ received }: ScriptedIssuer): readonly string[] {
  return received.map(({ body }) => body.get('assertion') ?? '')
}

describe('a token by a signed assertion', () => {
  it('is asked for without any other proof of the client', async () => {
    const { fetch, issuer } = await setUp()
    expect(await fetch()).toEqual({ lifetime: 3_599_000, value: { value: 'abc', type: 'Bearer' } })
    const [request] = issuer.received
    expect(request?.headers.authorization).toBeUndefined()
    expect([...(request?.body.keys() ?? [])].sort()).toEqual(['assertion', 'grant_type'])
    expect(request?.body.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
  })

  it('has an assertion that the public key verifies, for the endpoint, of at most 60 s', async () => {
    const claims = { scope: 'https://www.googleapis.com/auth/spreadsheets', tenant: { id: 7 } }
    const { fetch, issuer } = await setUp(answer(GOOD), { claims, subject: 'ada@example.com', keyId: 'key-1' })
    await fetch()
    const [assertion = ''] = assertionsOf(issuer)
    const expected = { issuer: 'robot', subject: 'ada@example.com', audience: `${issuer.url}/token` }
    const { payload, protectedHeader } = await jwtVerify(assertion, keys.publicKey, expected)
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' })
    expect(payload).toMatchObject(claims)
    expect((payload.exp ?? Number.NaN) - (payload.iat ?? 0)).toBe(60)
  })

  it('has a new assertion for every attempt', async () => {
    const { fetch, issuer } = await setUp()
    await fetch()
    await fetch()
    expect(new Set(assertionsOf(issuer).map((one) => decodeJwt(one).jti)).size).toBe(2)
  })

  it('names no subject, key or scope that was not given', async () => {
    const { fetch, issuer } = await setUp()
    await fetch()
    const [assertion = ''] = assertionsOf(issuer)
    expect(Object.keys(decodeJwt(assertion)).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti'])
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'RS256', typ: 'JWT' })
  })

  it('is asked for with audience, life, scope, resource and client where they are given', async () => {
    const { fetch, issuer } = await setUp(answer(GOOD), {
      assertionAudience: 'https://audience.example.com',
      assertionLife: 180_000,
      clientId: 'crm',
      scope: ['b', 'a'],
      resource: ['https://one.example.com', 'https://two.example.com'],
    })
    await fetch()
    const { aud, exp = 0, iat = 0 } = decodeJwt(assertionsOf(issuer)[0] ?? '')
    expect([aud, exp - iat]).toEqual(['https://audience.example.com', 180])
    const body = issuer.received[0]?.body
    expect([body?.get('client_id'), body?.get('scope')]).toEqual(['crm', 'a b'])
    expect(body?.getAll('resource')).toEqual(['https://one.example.com', 'https://two.example.com'])
  })

  it('is for the identifier of an issuer that is known by its address', async () => {
    const issuer = await start((response, { path }) => {
      const metadata = { issuer: issuer.url, token_endpoint: `${issuer.url}/t`, response_types_supported: ['code'] }
      answer(path === '/t' ? GOOD : metadata)(response, issuer.received[0] as never)
    })
    await jwtBearer({ issuer: issuer.url, allowInsecure: true, signer: 'robot', privateKey }).fetch(
      fetchRequest(undefined),
    )
    expect(decodeJwt(assertionsOf(issuer)[1] ?? '').aud).toBe(issuer.url)
  })

  it('lives as long as the options say where the issuer does not', async () => {
    const { fetch } = await setUp(answer({ ...GOOD, expires_in: undefined }), { lifetime: 42_000 })
    expect((await fetch()).lifetime).toBe(42_000)
  })
})

describe('tokens of many people', () => {
  it('are asked for by their subject, and each has its own key', async () => {
    const issuer = await start(answer(GOOD))
    const tokens = createTokens({ directory: false })
    const options = { tokenEndpoint: `${issuer.url}/token`, allowInsecure: true, signer: 'robot', privateKey }
    const people = tokens.use(jwtBearer({ ...options, perSubject: true }))
    const ada = people.for({ subject: 'ada' })
    const bob = people.for({ subject: 'bob' })
    expect(ada.key).not.toBe(bob.key)
    await ada.get()
    await bob.get()
    expect(assertionsOf(issuer).map((one) => decodeJwt(one).sub)).toEqual(['ada', 'bob'])
  })

  it.each([undefined, {}, { subject: '' }, { subject: 7 }])('are refused for %j', (params) => {
    const people = jwtBearer({ issuer: 'https://a.example', signer: 'robot', privateKey: 'x', perSubject: true })
    expect(() => people.identity(params as never)).toThrow(TypeError)
    expect(() => people.identity(params as never)).toThrow('"subject"')
  })
})

describe('a failure', () => {
  it.each([
    [
      'a refusal',
      answer({ error: 'invalid_grant', error_description: BODY }, 400),
      'SourceRefusedError',
      'invalid_grant',
    ],
    ['a server error', answer(BODY, 503), 'SourceUnavailableError', 'HTTP_503'],
    ['no token', answer({ ...GOOD, access_token: undefined }), 'SourceUnavailableError', 'BAD_TOKEN'],
  ])('that is %s is a typed error without assertion, key or text', async (_name, script, name, code) => {
    const { fetch, issuer } = await setUp(script)
    const error = await fetch().catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name, code })
    const shown = inspect(error, { depth: 9, showHidden: true })
    for (const mark of [BODY, privateKey.slice(40, 80), assertionsOf(issuer)[0] ?? 'none'])
      expect(shown).not.toContain(mark)
  })

  it.each([
    ['is not a key', '-----BEGIN PRIVATE KEY-----\nMARKED\n-----END PRIVATE KEY-----', 'BAD_KEY'],
    [
      'is of another kind',
      async () => exportPKCS8((await generateKeyPair('ES256', { extractable: true })).privateKey),
      'BAD_KEY',
    ],
    ['is too short', shortRsaKey, 'BAD_KEY'],
    ['is not a string', () => 42 as never, 'BAD_SECRET'],
  ])('because the key %s is a refusal, and nobody is asked', async (_name, key, code) => {
    const { issuer, options } = await setUp()
    const source = jwtBearer({ ...options, privateKey: key })
    const error = await source.fetch(fetchRequest(undefined)).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'SourceRefusedError', code })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('MARKED')
    expect(issuer.received).toEqual([])
  })
})

describe('the identity', () => {
  const base = { issuer: 'https://a.example', signer: 'robot', privateKey: 'MARKED' }

  it('differs with whatever makes the token another one, and shows no key', () => {
    const changes: readonly Partial<JwtBearerOptions>[] = [
      {},
      { issuer: 'https://b.example' },
      { signer: 'other' },
      { subject: 'ada' },
      { privateKey: 'other' },
      { assertionAudience: 'x' },
      { claims: { scope: 'x' } },
      { clientId: 'x' },
      { keyId: 'x' },
      { scope: ['x'] },
      { resource: ['x'] },
    ]
    const all = changes.map((change) => JSON.stringify(jwtBearer({ ...base, ...change }).identity(undefined)))
    expect(new Set(all).size).toBe(changes.length)
    expect(all.join()).not.toContain('MARKED')
  })
})

describe('wrong options', () => {
  const base = { issuer: 'https://a.example', signer: 'robot', privateKey: 'x' }
  it.each([
    [{ ...base, signer: undefined }, 'signer'],
    [{ ...base, privateKey: undefined }, 'privateKey'],
    [{ ...base, issuer: undefined }, 'issuer'],
    [{ ...base, issuer: 'http://a.example' }, 'issuer'],
    [{ ...base, tokenEndpoint: 'https://a.example/token' }, 'tokenEndpoint'],
    [{ ...base, algorithm: 'HS256' }, 'algorithm'],
    [{ ...base, claims: { exp: 1 } }, 'claims'],
    [{ ...base, claims: 'x' }, 'claims'],
    [{ ...base, assertionLife: 999 }, 'assertionLife'],
    [{ ...base, assertionLife: 3_600_001 }, 'assertionLife'],
    [{ ...base, assertionLife: '1000' }, 'assertionLife'],
    [{ ...base, subject: '' }, 'subject'],
    [{ ...base, subject: 'ada', perSubject: true }, 'perSubject'],
    [{ ...base, perSubject: 'yes' }, 'perSubject'],
    [{ ...base, sub: 'ada' }, 'sub'],
  ])('%j are a TypeError at construction that names "%s"', (options, name) => {
    const make = (): unknown => jwtBearer(options as unknown as JwtBearerOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`"${name}"`)
  })
})
