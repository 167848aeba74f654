import fc from 'fast-check'
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import type { Json } from '../../contracts.ts'
import { createTokens } from '../../tokens/tokens.ts'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { type ClientCredentialsOptions, clientCredentials } from './index.ts'

const running: ScriptedIssuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

async function start(script: Script): Promise<ScriptedIssuer> {
  const issuer = await startScriptedIssuer(script)
  running.push(issuer)
  return issuer
}

const GOOD = { access_token: 'abc', token_type: 'Bearer', expires_in: 3600 }

/** The issuer, and what a source with these options sends to it for one token. */
async function sent(options: Omit<ClientCredentialsOptions, 'issuer' | 'tokenEndpoint'>) {
  const issuer = await start(answer(GOOD))
  const source = clientCredentials({ ...options, tokenEndpoint: `${issuer.url}/token`, allowInsecure: true })
  await source.fetch(fetchRequest(undefined))
  const [request] = issuer.received
  if (request === undefined) throw new Error('nothing was sent')
  return { issuer, source, request }
}

/** The halves of HTTP Basic, each form-decoded (RFC 6749 §2.3.1). */
function basicHalves(header: string | undefined): readonly string[] {
  return Buffer.from(header?.replace('Basic ', '') ?? '', 'base64')
    .toString('utf8')
    .split(':')
    .map((half) => decodeURIComponent(half.replaceAll('+', ' ')))
}

describe('client credentials are sent', () => {
  it('by HTTP Basic, each half form-encoded, with whatever characters', async () => {
    const clientId = 'crm:north & süd+1%2B'
    const clientSecret = 'pa:ss w+rd%/é€"\\'
    const { request } = await sent({ clientId, clientSecret })
    expect(basicHalves(request.headers.authorization)).toEqual([clientId, clientSecret])
    expect(Object.fromEntries(request.body)).toEqual({ grant_type: 'client_credentials' })
    expect([request.method, request.path]).toEqual(['POST', '/token'])
    expect(request.headers['content-type']).toContain('application/x-www-form-urlencoded')
  })

  it('in the body where the issuer wants that', async () => {
    const { request } = await sent({ clientId: 'crm', clientSecret: 'a b&c=d', authentication: 'body' })
    expect(request.headers.authorization).toBeUndefined()
    expect(Object.fromEntries(request.body)).toEqual({
      grant_type: 'client_credentials',
      client_id: 'crm',
      client_secret: 'a b&c=d',
    })
  })

  it('with nothing but the name of the client where a gateway proves it', async () => {
    const { request, source } = await sent({ clientId: 'crm', authentication: 'none' })
    expect(request.headers.authorization).toBeUndefined()
    expect(Object.fromEntries(request.body)).toEqual({ grant_type: 'client_credentials', client_id: 'crm' })
    expect(await source.secretFingerprint?.()).toMatch(/^[0-9a-f]{8}$/)
  })

  it('by an assertion signed with the secret (client_secret_jwt), a new one for each attempt', async () => {
    const clientSecret = 'a secret of at least thirty-two bytes'
    const { issuer, source } = await sent({ clientId: 'crm', clientSecret, authentication: 'client_secret_jwt' })
    await source.fetch(fetchRequest(undefined))
    const ids = await Promise.all(
      issuer.received.map(async ({ body, headers }) => {
        expect([headers.authorization, body.get('client_secret')]).toEqual([undefined, null])
        const expected = { issuer: 'crm', subject: 'crm', audience: `${issuer.url}/token`, algorithms: ['HS256'] }
        const assertion = body.get('client_assertion') ?? ''
        const { payload } = await jwtVerify(assertion, new TextEncoder().encode(clientSecret), expected)
        expect((payload.exp ?? Number.NaN) - Date.now() / 1_000).toBeLessThanOrEqual(60)
        return payload.jti
      }),
    )
    expect(new Set(ids).size).toBe(2)
  })

  it('with the secret of the moment, asked for at each fetch', async () => {
    let version = 0
    const { issuer, source } = await sent({ clientId: 'crm', clientSecret: async () => `secret-${++version}` })
    await source.fetch(fetchRequest(undefined))
    const secrets = issuer.received.map(({ headers }) => basicHalves(headers.authorization)[1])
    expect(secrets).toEqual(['secret-1', 'secret-2'])
  })

  it('with scope, audience and resources', async () => {
    const resource = ['https://one.example.com', 'https://two.example.com']
    const { request } = await sent({
      clientId: 'crm',
      clientSecret: 'x',
      scope: ['write', 'read'],
      audience: 'https://api.example.com',
      resource,
    })
    expect(request.body.get('scope')).toBe('read write')
    expect(request.body.get('audience')).toBe('https://api.example.com')
    expect(request.body.getAll('resource')).toEqual(resource)
  })
})

describe('a signed assertion (private_key_jwt)', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)(
    'by %s is verified by its public key, lives at most 60 s, and is a new one for each attempt',
    async (algorithm) => {
      const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
      const pem = await exportPKCS8(privateKey)
      const { issuer, source } = await sent({ clientId: 'crm', privateKey: pem, algorithm, keyId: 'key-1' })
      await source.fetch(fetchRequest(undefined))
      const ids = await Promise.all(
        issuer.received.map(async ({ body, headers }) => {
          expect(headers.authorization).toBeUndefined()
          expect(body.get('client_secret')).toBeNull()
          expect(body.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
          const expected = { issuer: 'crm', subject: 'crm', audience: `${issuer.url}/token` }
          const { payload, protectedHeader } = await jwtVerify(body.get('client_assertion') ?? '', publicKey, expected)
          expect(protectedHeader.kid).toBe('key-1')
          expect((payload.exp ?? Number.NaN) - Date.now() / 1_000).toBeLessThanOrEqual(60)
          return payload.jti
        }),
      )
      expect(new Set(ids).size).toBe(2)
    },
  )
})

describe('an issuer known by its address', () => {
  const metadata = (url: string, changed: object = {}): object => ({
    issuer: url,
    token_endpoint: `${url}/the/token`,
    response_types_supported: ['code'],
    ...changed,
  })

  it('tells its token endpoint, once for many fetches', async () => {
    const issuer = await start((response, { path }) =>
      answer(path === '/the/token' ? GOOD : metadata(issuer.url))(response, issuer.received[0] as never),
    )
    const source = clientCredentials({ issuer: issuer.url, allowInsecure: true, clientId: 'crm', clientSecret: 'x' })
    await source.fetch(fetchRequest(undefined))
    await source.fetch(fetchRequest(undefined))
    expect(issuer.received.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
      '/the/token',
      '/the/token',
    ])
  })

  it.each([
    ['no JSON', answer('<html>MARKED</html>'), 'BAD_ANSWER'],
    ['another issuer', answer(metadata('https://other.example.com')), 'BAD_ANSWER'],
    ['missing', answer('MARKED', 404), 'BAD_ANSWER'],
    ['throttled', answer('MARKED', 429), 'HTTP_429'],
    ['down', answer('MARKED', 503), 'HTTP_503'],
    ['elsewhere', answer('MARKED', 301, { location: 'https://other.example.com' }), 'SOURCE_REDIRECT'],
    ['larger than 64 KB', answer({ filler: 'MARKED'.repeat(20_000) }), 'SOURCE_TOO_LARGE'],
  ])('whose metadata is %s is a typed error, and is asked again next time', async (_name, script, code) => {
    const issuer = await start(script)
    const source = clientCredentials({ issuer: issuer.url, allowInsecure: true, clientId: 'crm', clientSecret: 'x' })
    for (const asked of [1, 2]) {
      const error = await source.fetch(fetchRequest(undefined)).catch((cause: unknown) => cause)
      expect(error).toMatchObject({ name: 'SourceUnavailableError', code })
      expect(String((error as Error).stack)).not.toContain('MARKED')
      expect(issuer.received.length).toBe(asked)
    }
  })
})

describe('the key of a client', () => {
  const base = { issuer: 'https://login.example.com', clientId: 'crm', clientSecret: 'x' }
  const keyOf = (options: ClientCredentialsOptions): string => {
    const tokens = createTokens({ directory: false })
    return tokens.use(clientCredentials(options)).key
  }
  const list = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 5 })

  it('does not depend on the order in which scopes, resources and options are written', () => {
    fc.assert(
      fc.property(list, list, (scope, resource) => {
        const written = keyOf({ ...base, scope, resource })
        expect(keyOf({ resource: resource.toReversed(), scope: scope.toReversed(), ...base })).toBe(written)
      }),
    )
  })

  it('differs with whatever makes the token another one', () => {
    const changes = [
      {},
      { issuer: 'https://other.example.com' },
      { clientId: 'crm2' },
      { clientSecret: 'y' },
      { authentication: 'body' },
      { scope: ['a'] },
      { scope: ['a', 'b'] },
      { scope: ['a b'] },
      { audience: 'a' },
      { resource: ['a'] },
      { dpop: { privateKey: 'one key' } },
      { dpop: { privateKey: 'another key' } },
      { issuer: undefined, tokenEndpoint: 'https://login.example.com' },
    ] as readonly Partial<ClientCredentialsOptions>[]
    expect(new Set(changes.map((change) => keyOf({ ...base, ...change }))).size).toBe(changes.length)
  })

  it('shows neither secret nor client', () => {
    const identity: Json = clientCredentials({ ...base, clientSecret: 'MARKED' }).identity(undefined)
    expect(JSON.stringify(identity)).not.toContain('MARKED')
    expect(keyOf({ ...base, clientId: 'MARKED' })).toMatch(/^oauth2~[0-9a-f]{40}$/)
  })
})

describe('wrong options', () => {
  const base = { issuer: 'https://login.example.com', clientId: 'crm', clientSecret: 'x' }
  it.each([
    [{ ...base, clientId: undefined }, 'clientId'],
    [{ ...base, clientId: '' }, 'clientId'],
    [{ ...base, clientSecrt: 'x' }, 'clientSecrt'],
    [{ ...base, clientSecret: undefined }, 'clientSecret'],
    [{ ...base, clientSecret: 42 }, 'clientSecret'],
    [{ ...base, issuer: undefined }, 'issuer'],
    [{ ...base, tokenEndpoint: 'https://login.example.com/token' }, 'tokenEndpoint'],
    [{ ...base, issuer: 'login.example.com' }, 'issuer'],
    [{ ...base, issuer: 'ftp://login.example.com' }, 'issuer'],
    [{ ...base, issuer: 'http://login.example.com' }, 'issuer'],
    [{ ...base, scope: 'a b' }, 'scope'],
    [{ ...base, scope: [''] }, 'scope'],
    [{ ...base, resource: [1] }, 'resource'],
    [{ ...base, audience: '' }, 'audience'],
    [{ ...base, lifetime: 0 }, 'lifetime'],
    [{ ...base, lifetime: '5m' }, 'lifetime'],
    [{ ...base, authentication: 'digest' }, 'authentication'],
    [{ ...base, authentication: 'private_key_jwt' }, 'privateKey'],
    [{ ...base, privateKey: 'x' }, 'clientSecret'],
    [{ ...base, authentication: 'none' }, 'clientSecret'],
    [{ ...base, clientSecret: undefined, authentication: 'client_secret_jwt' }, 'clientSecret'],
    [{ ...base, dpop: true }, 'dpop'],
    [{ ...base, dpop: {} }, 'dpop'],
    [{ ...base, dpop: { privateKey: '' } }, 'dpop'],
    [{ ...base, algorithm: 'HS256' }, 'algorithm'],
    [{ ...base, allowInsecure: 'yes' }, 'allowInsecure'],
    [{ ...base, acceptStringLife: 1 }, 'acceptStringLife'],
  ])('%j are a TypeError at construction that names "%s"', (options, name) => {
    const make = (): unknown => clientCredentials(options as unknown as ClientCredentialsOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`"${name}"`)
  })

  it.each([undefined, null, 'x', []])('that are no object at all (%j) are a TypeError', (options) => {
    expect(() => clientCredentials(options as unknown as ClientCredentialsOptions)).toThrow(TypeError)
  })
})
