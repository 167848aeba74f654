import { createHash, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  EmbeddedJWK,
  exportPKCS8,
  generateKeyPair,
  jwtVerify,
} from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import { clientCredentials, type DPoPProofOptions, dpopProof } from './index.ts'

const running: ScriptedIssuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

async function pemOf(algorithm: string, more: { readonly crv?: string } = {}): Promise<string> {
  return exportPKCS8((await generateKeyPair(algorithm, { ...more, extractable: true })).privateKey)
}

function shortRsaKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 1_024 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
}

const GOOD = { access_token: 'abc', token_type: 'dpop', expires_in: 3600 }
function wantsNonce(nonce: string): Script {
  return answer({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': nonce })
}

/** An issuer that answers by these scripts in turn, the last one forever, and a source bound to a key. */
async function setUp(...scripts: readonly Script[]) {
  const issuer = await startScriptedIssuer((response, received) =>
    (scripts[Math.min(issuer.received.length, scripts.length) - 1] ?? answer(GOOD))(response, received),
  )
  running.push(issuer)
  const privateKey = await pemOf('ES256')
  const source = clientCredentials({
    tokenEndpoint: `${issuer.url}/token?tenant=1`,
    allowInsecure: true,
    clientId: 'crm',
    privateKey: await pemOf('EdDSA'),
    algorithm: 'EdDSA',
    dpop: { privateKey: () => privateKey },
  })
  return { issuer, source, privateKey, fetch: () => source.fetch(fetchRequest(undefined)) }
}

function verify(proof: unknown) {
  return jwtVerify(String(proof), EmbeddedJWK, { typ: 'dpop+jwt' })
}

describe('a token bound to a key', () => {
  it('is asked for with a proof, and is presented as DPoP', async () => {
    const { issuer, fetch } = await setUp(answer(GOOD))
    const { value } = await fetch()
    expect(value).toEqual({ value: 'abc', type: 'DPoP' })
    const { payload, protectedHeader } = await verify(issuer.received[0]?.headers['dpop'])
    expect(payload).toMatchObject({ htm: 'POST', htu: `${issuer.url}/token` })
    expect(payload).not.toHaveProperty('nonce')
    expect(payload).not.toHaveProperty('ath')
    expect(Object.keys(protectedHeader.jwk ?? {}).sort()).toEqual(['crv', 'kty', 'x', 'y'])
  })

  it('is asked for once more with the nonce that the issuer wants, all made again, and the nonce is remembered', async () => {
    const { issuer, fetch } = await setUp(wantsNonce('first'), answer(GOOD, 200, { 'dpop-nonce': 'second' }))
    await fetch()
    await fetch()
    const proofs = await Promise.all(issuer.received.map(({ headers }) => verify(headers['dpop'])))
    expect(proofs.map(({ payload }) => payload['nonce'])).toEqual([undefined, 'first', 'second'])
    expect(new Set(proofs.map(({ payload }) => payload.jti)).size).toBe(3)
    const assertions = issuer.received.map(({ body }) => body.get('client_assertion'))
    expect(new Set(assertions).size).toBe(3)
  })

  it('is not asked for a third time when the issuer is never content with the nonce', async () => {
    const { issuer, fetch } = await setUp(wantsNonce('one'), wantsNonce('two'))
    await expect(fetch()).rejects.toMatchObject({ name: 'SourceRefusedError', code: 'use_dpop_nonce' })
    expect(issuer.received.length).toBe(2)
  })

  it.each([
    ['none', {}],
    ['an empty one', { 'dpop-nonce': '' }],
    ['one that is too long', { 'dpop-nonce': 'x'.repeat(1_025) }],
  ])(
    'is asked for once when the issuer requires a nonce and gives %s',
    async (_name, headers: Record<string, string>) => {
      const { issuer, fetch } = await setUp(answer({ error: 'use_dpop_nonce' }, 400, headers))
      await expect(fetch()).rejects.toMatchObject({ code: 'use_dpop_nonce' })
      expect(issuer.received.length).toBe(1)
    },
  )

  it('is not taken when the issuer did not bind it', async () => {
    const { fetch } = await setUp(answer({ ...GOOD, token_type: 'Bearer' }))
    await expect(fetch()).rejects.toMatchObject({ name: 'SourceUnavailableError', code: 'BAD_TOKEN' })
  })

  it('has a pause that a new key ends', async () => {
    const make = (privateKey: string) =>
      clientCredentials({ issuer: 'https://a.example', clientId: 'crm', clientSecret: 'x', dpop: { privateKey } })
    expect(await make('one').secretFingerprint?.()).not.toBe(await make('two').secretFingerprint?.())
  })
})

describe('the proof for a request to an API', () => {
  const token = { value: 'the-token' }
  const url = 'https://api.example.com/contacts?page=2#top'

  it.each([
    ['ES256', 'ES256'],
    ['ES384', 'ES384'],
    ['EdDSA', 'EdDSA'],
    ['RS256', 'RS256'],
  ])('with a key of %s names token, method, address and nonce, and shows only the public key', async (kind, alg) => {
    const privateKey = await pemOf(kind)
    const proof = await dpopProof({ token, method: 'get', url, privateKey, nonce: 'n-1' })
    const { payload, protectedHeader } = await verify(proof)
    expect(payload).toMatchObject({
      htm: 'GET',
      htu: 'https://api.example.com/contacts',
      ath: createHash('sha256').update('the-token').digest('base64url'),
      nonce: 'n-1',
    })
    expect(Math.abs((payload.iat ?? 0) - Date.now() / 1_000)).toBeLessThan(60)
    expect(protectedHeader.alg).toBe(alg)
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) expect(protectedHeader.jwk).not.toHaveProperty(secret)
  })

  it('is a new one each time, by the same key', async () => {
    const options = { token, method: 'POST', url: new URL(url), privateKey: await pemOf('ES256') }
    const proofs = [await dpopProof(options), await dpopProof(options)]
    const marks = await Promise.all(proofs.map(async (proof) => (await verify(proof)).payload.jti))
    const keys = proofs.map((proof) => calculateJwkThumbprint(decodeProtectedHeader(proof).jwk ?? { kty: '' }))
    expect(marks[0]).not.toBe(marks[1])
    expect(await keys[0]).toBe(await keys[1])
  })

  it.each([
    ['token', { token: undefined }],
    ['token', { token: null }],
    ['token', { token: { value: 'MARKED\n' } }],
    ['method', { method: '' }],
    ['url', { url: '/contacts' }],
    ['privateKey', { privateKey: undefined }],
    ['nonce', { nonce: 42 }],
    ['nonse', { nonse: 'x' }],
  ])('with a wrong "%s" is a TypeError that names it', async (name, wrong) => {
    const options = { token, method: 'GET', url, privateKey: 'x', ...wrong } as unknown as DPoPProofOptions
    const error = await dpopProof(options).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toContain(`"${name}"`)
    expect(String(error)).not.toContain('MARKED')
  })

  it.each([
    ['no key', async () => '-----BEGIN PRIVATE KEY-----\nMARKED\n-----END PRIVATE KEY-----'],
    ['on a curve that no server takes', () => pemOf('ES512')],
    ['not one that signs', () => pemOf('ECDH-ES', { crv: 'X25519' })],
    ['too short', async () => shortRsaKey()],
    ['empty', async () => ''],
  ])('with a key that is %s is a refusal that does not show it', async (_name, privateKey) => {
    const error = await dpopProof({ token, method: 'GET', url, privateKey }).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'SourceRefusedError', code: expect.stringMatching(/^BAD_(KEY|SECRET)$/) })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('MARKED')
  })
})
