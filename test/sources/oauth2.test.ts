import { clientCredentials, dpopProof } from '@warmtoken/core/oauth2'
import { type Issuer, type IssuerOptions, startIssuer } from '@warmtoken/local'
import { calculateJwkThumbprint, createRemoteJWKSet, EmbeddedJWK, exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRequest } from './fetch-request.ts'

const running: Issuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

async function start(options?: IssuerOptions): Promise<Issuer> {
  const issuer = await startIssuer(options)
  running.push(issuer)
  return issuer
}

/** What the provider signed into an access token. */
async function claimsOf(issuer: Issuer, token: string): Promise<{ readonly [name: string]: unknown }> {
  return (await jwtVerify(token, createRemoteJWKSet(new URL(`${issuer.url}/jwks`)), { audience: issuer.audience }))
    .payload
}

describe('a real OpenID provider', () => {
  it.each(['basic', 'post', 'jwt'] as const)(
    'takes the secret of a client that uses it as %s',
    async (authentication) => {
      const clientSecret = 'a secret of at least thirty-two bytes'
      const issuer = await start({ clients: [{ id: 'crm', secret: clientSecret, authentication }] })
      const ours = { basic: 'basic', post: 'body', jwt: 'client_secret_jwt' } as const
      const source = clientCredentials({
        issuer: issuer.url,
        allowInsecure: true,
        clientId: 'crm',
        clientSecret,
        authentication: ours[authentication],
      })
      for (const requests of [1, 2]) {
        const { value } = await source.fetch(fetchRequest(undefined))
        expect(await claimsOf(issuer, value.value)).toMatchObject({ client_id: 'crm' })
        expect(issuer.requestsOf('crm')).toBe(requests)
      }
    },
  )

  it.each([
    [false, 1],
    [true, 2],
  ])(
    'binds the token to the key (nonce wanted: %j), and the API can hold each request against it',
    async (dpopNonce, asked) => {
      const issuer = await start({ dpopNonce })
      const privateKey = await exportPKCS8((await generateKeyPair('ES256', { extractable: true })).privateKey)
      const source = clientCredentials({
        issuer: issuer.url,
        allowInsecure: true,
        clientId: 'local',
        clientSecret: 'local-secret',
        dpop: { privateKey },
      })
      const { value } = await source.fetch(fetchRequest(undefined))
      expect(value.type).toBe('DPoP')
      expect(issuer.tokenRequests).toBe(asked)
      const { cnf } = await claimsOf(issuer, value.value)

      const url = 'https://api.example.com/contacts'
      const proof = await dpopProof({ token: value, method: 'GET', url, privateKey: async () => privateKey })
      const { protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt' })
      expect(cnf).toEqual({ jkt: await calculateJwkThumbprint(protectedHeader.jwk ?? { kty: '' }) })

      // The nonce is remembered, so the next token takes one request.
      await source.fetch(fetchRequest(undefined))
      expect(issuer.tokenRequests).toBe(asked + 1)
    },
  )
})
