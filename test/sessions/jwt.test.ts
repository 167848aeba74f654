import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import middy from '@middy/core'
import { createTokens } from '@warmtoken/core'
import { authenticate } from '@warmtoken/core/authenticate'
import { jwks, jwksCache, verifyJwt } from '@warmtoken/core/jwt'
import { memoryStore } from '@warmtoken/core/memory'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { startIssuer as startOpenIdProvider } from '@warmtoken/local'
import { JwtVerifier } from 'aws-jwt-verify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** An issuer that counts who asks for its keys. */
async function startIssuer() {
  const pairs: { kid: string; privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']; jwk: object }[] =
    []
  const addKey = async (kid: string) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    pairs.push({ kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } })
  }
  await addKey('first')
  let [fetches, status] = [0, 200]
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url === '/.well-known/openid-configuration')
      return response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }))
    fetches += 1
    response.statusCode = status
    const secret = { kty: 'oct', kid: 'shared', k: 'c2VjcmV0', alg: 'HS256' }
    return response.end(JSON.stringify({ keys: [...pairs.map(({ jwk }) => jwk), secret], note: 'é' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    addKey,
    removeKey: (kid: string) => void pairs.splice(0, pairs.length, ...pairs.filter((one) => one.kid !== kid)),
    fetches: () => fetches,
    fail: (code: number) => {
      status = code
    },
    async sign(claims: { aud?: string; iss?: string; exp?: string | number } = {}, kid = 'first') {
      const { privateKey } = pairs.find((one) => one.kid === kid) ?? (await generateKeyPair('RS256'))
      return new SignJWT({ scope: 'read' })
        .setProtectedHeader({ alg: 'RS256', kid })
        .setSubject('ann')
        .setIssuedAt()
        .setIssuer(claims.iss ?? url)
        .setAudience(claims.aud ?? 'api')
        .setExpirationTime(claims.exp ?? '1h')
        .sign(privateKey)
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

let issuer: Awaited<ReturnType<typeof startIssuer>>
beforeEach(async () => {
  issuer = await startIssuer()
})
afterEach(() => issuer.close())

/** An environment whose clocks are moved on. */
function environment(store = memoryStore()) {
  let ahead = 0
  const runtime = {
    wall: () => Date.now() + ahead,
    monotonic: () => performance.now() + ahead,
    random: Math.random,
    unique: () => crypto.randomUUID(),
    after(ms: number, callback: () => void) {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
  }
  const keys = jwks(createTokens({ store, directory: false, runtime }), { issuer: issuer.url, allowInsecure: true })
  const reasons: string[] = []
  const verifier = verifyJwt(keys, {
    issuer: issuer.url,
    audience: 'api',
    algorithms: ['RS256'],
    wall: runtime.wall,
    onEvent: (event) => event.type === 'session-refused' && reasons.push(event.reason),
  })
  return {
    keys,
    verifier,
    reasons,
    advance(ms: number) {
      ahead += ms
    },
  }
}

describe('a JWT of another issuer', () => {
  it('is verified, remembered, and found in memory', async () => {
    const { verifier } = environment()
    const token = await issuer.sign()
    expect(verifier.peek(token)).toBeUndefined()
    expect(await verifier.verify(token)).toMatchObject({ sub: 'ann', scope: 'read' })
    expect(verifier.peek(token)).toMatchObject({ sub: 'ann' })
    expect(issuer.fetches()).toBe(1)
  })

  it('costs one fetch of keys for the whole fleet', async () => {
    const store = memoryStore()
    const fleet = Array.from({ length: 20 }, () => environment(store))
    const token = await issuer.sign()
    const found = await Promise.all(fleet.map(({ verifier }) => verifier.verify(token)))
    expect(found.every((one) => one?.sub === 'ann')).toBe(true)
    expect(issuer.fetches()).toBe(1)
  })

  it('with a new key causes one fetch for the fleet; an unknown one no more than one in 30 s', async () => {
    const store = memoryStore()
    const fleet = Array.from({ length: 5 }, () => environment(store))
    const first = await issuer.sign()
    for (const { verifier } of fleet) await verifier.verify(first)
    await issuer.addKey('second')
    const second = await issuer.sign({}, 'second')
    const found = await Promise.all(fleet.map(({ verifier }) => verifier.verify(second)))
    expect(found.map((one) => one?.sub)).toEqual(Array(5).fill('ann'))
    expect(issuer.fetches()).toBe(2)
    for (let n = 0; n < 20; n += 1) {
      const unknown = await issuer.sign({}, `unknown-${n}`)
      for (const { verifier } of fleet) expect(await verifier.verify(unknown)).toBeUndefined()
    }
    expect(issuer.fetches()).toBe(2)
  })

  it('is refused, with the reason in the event only', async () => {
    const { verifier, reasons } = environment()
    const good = await issuer.sign()
    const [head = '', body = '', sum = ''] = good.split('.')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
    const hs = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256', kid: 'shared' })
      .setIssuer(issuer.url)
      .setAudience('api')
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode('secret'))
    const refused = [
      'x',
      'a.b.c',
      'x'.repeat(9_000),
      none,
      hs,
      `${head}.${Buffer.from('{"sub":"eve"}').toString('base64url')}.${sum}`,
      await issuer.sign({ aud: 'other' }),
      await issuer.sign({ iss: 'https://evil.example' }),
      await issuer.sign({ exp: 1_000 }),
    ]
    for (const token of refused) expect([await verifier.verify(token), token]).toEqual([undefined, token])
    expect(reasons).toHaveLength(refused.length)
    expect(reasons.at(-1)).toBe('absolute')
    expect(await verifier.verify(good)).toBeDefined()
  })

  it('is refused from memory once it has expired, or once its key is gone from the set', async () => {
    let now = 0
    const store = memoryStore({ wall: () => Date.now() + now })
    const env = environment(store)
    const [short, long] = [await issuer.sign({ exp: '1m' }), await issuer.sign({ exp: '5h' })]
    for (const token of [short, long]) expect(await env.verifier.verify(token)).toBeDefined()
    const move = (ms: number) => {
      now += ms
      env.advance(ms)
    }
    move(61_000)
    expect(env.verifier.peek(short)).toBeUndefined()
    expect(await env.verifier.verify(short)).toBeUndefined()
    await issuer.addKey('second')
    issuer.removeKey('first')
    move(3_600_000)
    expect(env.verifier.peek(long)).toBeUndefined()
    expect(await env.verifier.verify(long)).toBeUndefined()
  })

  it('makes authenticate answer 503 while the issuer gives no keys, and let it in after', async () => {
    issuer.fail(500)
    const { verifier } = environment()
    const handler = middy()
      .use(authenticate(verifier, { cookie: false }))
      .handler(async (_event, { session }) => ({ statusCode: 200, body: String(session.sub) }))
    const headers = { authorization: `Bearer ${await issuer.sign()}` }
    const ask = () => handler({ headers, requestContext: { http: { method: 'GET' } } } as never, {} as never)
    expect(await ask()).toMatchObject({ statusCode: 503 })
    issuer.fail(200)
    await expect.poll(ask, { timeout: 20_000, interval: 200 }).toMatchObject({ statusCode: 200, body: 'ann' })
  })
})

describe('a JWT of a real OpenID provider', () => {
  it('that our own client fetched is verified, and one for another API or another issuer is not', async () => {
    const provider = await startOpenIdProvider()
    const other = await startOpenIdProvider()
    try {
      const tokens = createTokens({ store: memoryStore(), directory: false })
      const handleOf = (url: string) =>
        tokens.use(
          clientCredentials({ issuer: url, clientId: 'local', clientSecret: 'local-secret', allowInsecure: true }),
        )
      const keys = jwks(tokens, { issuer: provider.url, allowInsecure: true })
      const verifierOf = (audience: string) =>
        verifyJwt(keys, { issuer: provider.url, audience, algorithms: ['ES256'] })
      const token = await handleOf(provider.url).get()
      expect(await verifierOf(provider.audience).verify(token.value)).toMatchObject({
        iss: provider.url,
        client_id: 'local',
      })
      expect(await verifierOf('urn:another:api').verify(token.value)).toBeUndefined()
      const foreign = await handleOf(other.url).get()
      expect(await verifierOf(provider.audience).verify(foreign.value)).toBeUndefined()
    } finally {
      await Promise.all([provider.close(), other.close()])
    }
  })
})

describe('aws-jwt-verify with warm keys', () => {
  it('verifies, one fetch for the fleet, and without a promise once the keys are there', async () => {
    const store = memoryStore()
    const token = await issuer.sign()
    for (let n = 0; n < 3; n += 1) {
      const { keys } = environment(store)
      const verifier = JwtVerifier.create(
        { issuer: issuer.url, audience: 'api', jwksUri: `${issuer.url}/keys` },
        { jwksCache: jwksCache(keys) as never },
      )
      expect((await verifier.verify(token)).sub).toBe('ann')
      expect(verifier.verifySync(token).sub).toBe('ann')
      await expect(verifier.verify(await issuer.sign({}, 'unknown'))).rejects.toMatchObject({ code: 'JWT_KEY_UNKNOWN' })
    }
    // The second is for the unknown key.
    expect(issuer.fetches()).toBe(2)
  })
})

describe('verifyJwt and jwks at construction', () => {
  const tokens = createTokens({ directory: false })
  const keys = jwks(tokens, { jwksUri: 'https://example.com/keys' })
  const good = { issuer: 'https://example.com', audience: 'api', algorithms: ['RS256'] }
  it.each([
    ['issuer', { ...good, issuer: '' }],
    ['audience', { ...good, audience: [] }],
    ['algorithms', { ...good, algorithms: ['HS256'] }],
    ['algorithms', { ...good, algorithms: ['none'] }],
    ['algorithms', { ...good, algorithms: [] }],
    ['remember', { ...good, remember: 0 }],
    ['leeway', { ...good, leeway: 1 }],
  ])('names the option "%s"', (option, options) => {
    expect(() => verifyJwt(keys, options as never)).toThrow(new RegExp(`^verifyJwt: .*"${option}"`))
  })

  it.each([
    ['issuer', { issuer: 'http://example.com' }],
    ['jwksUri', { jwksUri: 'http://example.com/keys' }],
    ['issuer', {}],
    ['issuer', { issuer: 'https://example.com', jwksUri: 'https://example.com/keys' }],
    ['lifetime', { issuer: 'https://example.com', lifetime: 0 }],
  ])('names the option "%s" of jwks', (option, options) => {
    expect(() => jwks(tokens, options as never)).toThrow(new RegExp(`^jwks: .*"${option}"`))
  })

  it('need what they stand on', () => {
    expect(() => jwks({} as never, { issuer: 'https://example.com' })).toThrow(/createTokens/)
    expect(() => verifyJwt({} as never, good)).toThrow(/give the keys first/)
    expect(() => jwksCache({} as never)).toThrow(/give what jwks/)
  })
})
