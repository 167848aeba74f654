import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader, exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
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

  it('by HTTP Basic with - . _ * as they are, which issuers that do not decode rely on', async () => {
    const clientId = '5e0c9d0a-7f57-4a43-9d2e-0123456789ab'
    const { request } = await sent({ clientId, clientSecret: 'a-b.c_d*e~' })
    const header = request.headers.authorization?.replace('Basic ', '') ?? ''
    expect(Buffer.from(header, 'base64').toString('utf8')).toBe(`${clientId}:a-b.c_d*e%7E`)
  })

  it('by HTTP Basic without any encoding where the issuer wants that (basic-plain)', async () => {
    const options = { clientId: 'crm+north', clientSecret: 'p%a:s=/é', authentication: 'basic-plain' } as const
    const { request } = await sent(options)
    const header = request.headers.authorization?.replace('Basic ', '') ?? ''
    expect(Buffer.from(header, 'base64').toString('utf8')).toBe('crm+north:p%a:s=/é')
  })

  it('with parameters and headers of the issuer’s own', async () => {
    const { request } = await sent({
      clientId: 'crm',
      clientSecret: 'x',
      parameters: { box_subject_type: 'enterprise', box_subject_id: '42' },
      headers: { 'X-Api-Key': 'gateway-key', accept: 'application/vnd.issuer+json' },
    })
    expect(Object.fromEntries(request.body)).toMatchObject({ box_subject_type: 'enterprise', box_subject_id: '42' })
    expect(request.headers).toMatchObject({ 'x-api-key': 'gateway-key', accept: 'application/vnd.issuer+json' })
  })

  it('never with a parameter or header of the options in place of what the grant itself sends', async () => {
    const parameters = { grant_type: 'password', scope: 'admin', client_secret: 'other', more: 'yes' }
    const headers = { Authorization: 'Basic x', 'Content-Type': 'text/plain' }
    const { request } = await sent({ clientId: 'crm', clientSecret: 'x', scope: ['read'], parameters, headers })
    expect(Object.fromEntries(request.body)).toMatchObject({
      grant_type: 'client_credentials',
      scope: 'read',
      more: 'yes',
    })
    expect(basicHalves(request.headers.authorization)).toEqual(['crm', 'x'])
    expect(request.headers['content-type']).toBe('application/x-www-form-urlencoded')
  })

  it('never with a header that HTTP does not allow, and the error does not show it', async () => {
    const promise = sent({ clientId: 'crm', clientSecret: 'x', headers: { 'x-api-key': 'MARKED\nx' } })
    const error = await promise.catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'SourceRefusedError', code: 'BAD_HEADERS' })
    expect(String((error as Error).stack)).not.toContain('MARKED')
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
          expect((payload.exp ?? Number.NaN) - Date.now() / 1_000).toBeLessThanOrEqual(50)
          expect(payload.iat).toBeLessThanOrEqual(Date.now() / 1_000 - 10)
          return payload.jti
        }),
      )
      expect(new Set(ids).size).toBe(2)
    },
  )
})

describe('an assertion of a client', () => {
  const HOUR = 3_600_000
  const now = Date.parse('2026-11-21T12:00:00Z')
  const claimsOf = ({ received }: ScriptedIssuer) =>
    received.map(({ body }) => decodeJwt(body.get('client_assertion') ?? ''))
  /** An issuer that refuses what its own clock does not like, and a source of this key. */
  async function setUp(options: Partial<ClientCredentialsOptions> = {}) {
    const issuer = await start((response, received) => {
      const { iat = 0, exp = 0 } = decodeJwt(received.body.get('client_assertion') ?? '')
      const isGood = iat * 1_000 <= now && now < exp * 1_000
      const date = { date: new Date(now).toUTCString() }
      answer(isGood ? GOOD : { error: 'invalid_client' }, isGood ? 200 : 401, date)(response, received)
    })
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const pem = await exportPKCS8(privateKey)
    const base = { tokenEndpoint: `${issuer.url}/token`, allowInsecure: true, clientId: 'crm' }
    return { issuer, source: clientCredentials({ ...base, privateKey: pem, algorithm: 'ES256', ...options }) }
  }

  it('is dated by the time of the store’s server, and a little back', async () => {
    const { issuer, source } = await setUp()
    await source.fetch(fetchRequest(undefined, { serverTime: now }))
    expect(claimsOf(issuer)).toMatchObject([{ iat: now / 1_000 - 10, exp: now / 1_000 + 50 }])
  })

  it.each([-HOUR, HOUR])('from a clock that is wrong by %i ms is signed once more by the issuer’s', async (error) => {
    const { issuer, source } = await setUp()
    const { value } = await source.fetch(fetchRequest(undefined, { serverTime: now + error }))
    expect(value.value).toBe('abc')
    expect(claimsOf(issuer).map(({ iat }) => iat)).toEqual([(now + error) / 1_000 - 10, now / 1_000 - 10])
  })

  it('that is refused by the right clock is not sent again', async () => {
    const { source } = await setUp()
    const issuer = await start(answer({ error: 'invalid_client' }, 401, { date: new Date(now).toUTCString() }))
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const options = { tokenEndpoint: issuer.url, allowInsecure: true, clientId: 'crm', algorithm: 'ES256' } as const
    const other = clientCredentials({ ...options, privateKey: await exportPKCS8(privateKey) })
    await expect(other.fetch(fetchRequest(undefined, { serverTime: now }))).rejects.toMatchObject({
      code: 'invalid_client',
    })
    expect(issuer.received.length).toBe(1)
    expect(await source.secretFingerprint?.()).toMatch(/^[0-9a-f]{8}$/)
  })

  it('has the audience and the header fields of the options, and a change of them is tried at once', async () => {
    const assertionHeader = { 'x5t#S256': 'abc', typ: 'client-authentication+jwt' }
    const { issuer, source } = await setUp({ assertionAudience: 'https://aud.example.com', assertionHeader })
    await source.fetch(fetchRequest(undefined, { serverTime: now }))
    const [{ body } = { body: new URLSearchParams() }] = issuer.received
    const assertion = body.get('client_assertion') ?? ''
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'ES256', ...assertionHeader })
    expect(decodeJwt(assertion).aud).toBe('https://aud.example.com')
    const base = { issuer: 'https://login.example.com', clientId: 'crm', privateKey: 'x' }
    const fingerprints = [{}, { assertionHeader }, { assertionAudience: 'a' }, { assertionAudience: 'b' }].map((more) =>
      clientCredentials({ ...base, ...more }).secretFingerprint?.(),
    )
    expect(new Set(await Promise.all(fingerprints)).size).toBe(4)
  })
})

describe('a private key', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  const pem = rsa.export({ type: 'pkcs8', format: 'pem' }).toString()
  const der = rsa.export({ type: 'pkcs8', format: 'der' }).toString('base64')

  it.each([
    ['as it is', pem],
    ['in PKCS #1', rsa.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['with line breaks as two characters', pem.replaceAll('\n', '\\n')],
    ['with carriage returns', pem.replaceAll('\n', '\r\n')],
    ['in double quotes', `"${pem.replaceAll('\n', '\\n')}"`],
    ['in single quotes', `'${pem}'`],
    ['in base64', Buffer.from(pem).toString('base64')],
    ['in base64, quoted, with a line break behind', `"${Buffer.from(pem).toString('base64')}"\n`],
    ['in base64 of its own form, without PEM', der],
  ])('is accepted %s', async (_name, privateKey) => {
    const { request } = await sent({ clientId: 'crm', privateKey })
    const { protectedHeader } = await jwtVerify(request.body.get('client_assertion') ?? '', createPublicKey(rsa))
    expect(protectedHeader.alg).toBe('RS256')
  })

  it('that does not fit the algorithm is refused before anything is sent', async () => {
    const issuer = await start(answer(GOOD))
    const options = { tokenEndpoint: issuer.url, allowInsecure: true, clientId: 'crm', algorithm: 'ES256' } as const
    const error = await clientCredentials({ ...options, privateKey: pem })
      .fetch(fetchRequest(undefined))
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'BAD_KEY', retryable: false })
    expect(issuer.received).toEqual([])
  })
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
    [
      'no JSON',
      answer('<html>MARKED</html>', 200, { 'content-type': 'text/html' }),
      'METADATA_NOT_JSON',
      'is not a JSON object (200, content type text/html)',
      2,
    ],
    ['another issuer', answer(metadata('https://other.example.com')), 'METADATA_ISSUER', 'other.example.com', 2],
    ['without an issuer', answer({ token_endpoint: 'https://x.example.com' }), 'METADATA_ISSUER', 'names no issuer', 2],
    ['missing', answer('MARKED', 404), 'METADATA_MISSING', 'answered 404', 2],
    ['throttled', answer('MARKED', 429), 'HTTP_429', 'answered 429', 1],
    ['down', answer('MARKED', 503), 'HTTP_503', 'answered 503', 1],
    ['elsewhere', answer('MARKED', 301, { location: 'https://o.example.com' }), 'SOURCE_REDIRECT', 'redirect', 1],
    ['larger than 64 KB', answer({ filler: 'MARKED'.repeat(20_000) }), 'SOURCE_TOO_LARGE', 'larger', 1],
  ])('whose metadata is %s is an error that says so, and is asked again next time', async (...row) => {
    const [, script, code, words, requests] = row
    const issuer = await start(script)
    const source = clientCredentials({ issuer: issuer.url, allowInsecure: true, clientId: 'crm', clientSecret: 'x' })
    for (const asked of [1, 2]) {
      const error = await source.fetch(fetchRequest(undefined)).catch((cause: unknown) => cause)
      expect(error).toMatchObject({ name: 'SourceUnavailableError', code, nothingDone: true })
      expect((error as Error).message).toContain(words)
      expect(String((error as Error).stack)).not.toContain('MARKED')
      expect(issuer.received.length).toBe(asked * requests)
    }
  })

  it.each([
    ['', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'],
    ['/tenant', '/tenant/.well-known/openid-configuration', '/.well-known/oauth-authorization-server/tenant'],
  ])('with the path "%s" is found by RFC 8414 where OpenID Connect has nothing', async (path, first, second) => {
    const issuer = await start((response, received) => {
      const isThere = received.path === second
      const body =
        received.path === '/t' ? GOOD : metadata(`${issuer.url}${path}`, { token_endpoint: `${issuer.url}/t` })
      answer(body, isThere || received.path === '/t' ? 200 : 404)(response, received)
    })
    const options = { issuer: issuer.url + path, allowInsecure: true, clientId: 'crm', clientSecret: 'x' }
    await clientCredentials(options).fetch(fetchRequest(undefined))
    expect(issuer.received.map((one) => one.path)).toEqual([first, second, '/t'])
  })

  it('and written with another slash than its metadata has is told which name to use', async () => {
    const issuer = await start((response, received) => answer(metadata(`${issuer.url}/t/`))(response, received))
    const options = { issuer: `${issuer.url}/t`, allowInsecure: true, clientId: 'crm', clientSecret: 'x' }
    const error = await clientCredentials(options)
      .fetch(fetchRequest(undefined))
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'METADATA_ISSUER' })
    expect((error as Error).message).toContain(`"${issuer.url}/t/", which differs by the slash at its end`)
  })

  it.each([
    ['no address', 7, 'has no "token_endpoint"'],
    ['not http', 'ftp://x.example.com', 'not https'],
  ])('whose token endpoint is %s is an error that says so', async (_name, endpoint, words) => {
    const issuer = await start((response, received) =>
      answer(metadata(issuer.url, { token_endpoint: endpoint }))(response, received),
    )
    const options = { issuer: issuer.url, allowInsecure: true, clientId: 'crm', clientSecret: 'x' }
    const error = await clientCredentials(options)
      .fetch(fetchRequest(undefined))
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'METADATA_ENDPOINT' })
    expect((error as Error).message).toContain(words)
  })

  it('whose name has control characters is shown without them, and cut', async () => {
    const issuer = await start(answer(metadata(`https://other.example.com/\r\nset-cookie: a${'x'.repeat(500)}`)))
    const options = { issuer: issuer.url, allowInsecure: true, clientId: 'crm', clientSecret: 'x' }
    const { message } = await clientCredentials(options)
      .fetch(fetchRequest(undefined))
      .then(
        () => new Error('resolved'),
        (cause: unknown) => cause as Error,
      )
    expect(message).toContain('other.example.com')
    expect(message).not.toMatch(/\p{C}/u)
    expect(message.length).toBeLessThan(1_000)
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
      { authentication: 'basic-plain' },
      { parameters: { organization: 'a' } },
      { parameters: { organization: 'b' } },
      { headers: { organization: 'a' } },
      { tokenField: 'id_token' },
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
    [{ ...base, parameters: { a: 1 } }, 'parameters'],
    [{ ...base, parameters: [] }, 'parameters'],
    [{ ...base, tokenField: '' }, 'tokenField'],
    [{ ...base, maxLifetime: 0 }, 'maxLifetime'],
    [{ ...base, assertionAudience: '' }, 'assertionAudience'],
    [{ ...base, headers: 'x' }, 'headers'],
    [{ ...base, scheme: '' }, 'scheme'],
    [{ ...base, assertionHeader: 'x5t' }, 'assertionHeader'],
  ])('%j are a TypeError at construction that names "%s"', (options, name) => {
    const make = (): unknown => clientCredentials(options as unknown as ClientCredentialsOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`"${name}"`)
  })

  it.each([undefined, null, 'x', []])('that are no object at all (%j) are a TypeError', (options) => {
    expect(() => clientCredentials(options as unknown as ClientCredentialsOptions)).toThrow(TypeError)
  })
})
