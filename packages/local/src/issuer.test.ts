import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, expect, test, vi } from 'vitest'
import { type Issuer, type IssuerOptions, startIssuer } from './issuer.ts'
import { type ProtectedApi, startProtectedApi } from './protected-api.ts'

const running: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function start(options?: IssuerOptions): Promise<{ issuer: Issuer; api: ProtectedApi }> {
  const issuer = await startIssuer(options)
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  running.push(issuer, api)
  return { issuer, api }
}

function basic(secret: string) {
  return { authorization: `Basic ${btoa(`local:${secret}`)}` }
}

async function ask(issuer: Issuer, headers: Record<string, string>, fields: Record<string, string> = {}) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'contacts:read', ...fields })
  const response = await fetch(`${issuer.url}/token`, { method: 'POST', headers, body })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

function bearer(token: unknown) {
  return { headers: { authorization: `Bearer ${token}` } }
}

// First, because the provider prints each of its warnings once a process.
test('starting and serving prints nothing', async () => {
  const spies = (['log', 'info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name))
  const { issuer } = await start()
  await ask(issuer, basic('local-secret'))
  for (const spy of spies) expect(spy).not.toHaveBeenCalled()
})

test('a token of the issuer opens the API, with the life asked for', async () => {
  const { issuer, api } = await start({ tokenLifetime: 90_000 })
  const { status, body } = await ask(issuer, basic('local-secret'))
  expect(status).toBe(200)
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 90 })
  const response = await fetch(`${api.url}/contacts`, bearer(body['access_token']))
  expect(response.status).toBe(200)
  expect(await response.json()).toHaveLength(3)
  expect(api.accepted).toBe(1)
})

test('every token request is counted, per client and over HTTP, a refused one too', async () => {
  const { issuer } = await start()
  await ask(issuer, basic('local-secret'))
  expect((await ask(issuer, basic('wrong'))).body['error']).toBe('invalid_client')
  expect(issuer.tokenRequests).toBe(2)
  expect(issuer.requestsOf('nobody')).toBe(0)
  const count = (await (await fetch(`${issuer.url}/_count`)).json()) as { tokenRequests: number }
  expect(count.tokenRequests).toBe(2)
})

test('a client may send its secret in the body or sign an assertion, once each', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const key = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }
  const { issuer } = await start({
    clients: [
      { id: 'post', secret: 'in-the-body', authentication: 'post' },
      { id: 'signs', jwks: { keys: [key] } },
    ],
  })
  expect((await ask(issuer, {}, { client_id: 'post', client_secret: 'in-the-body' })).status).toBe(200)

  const assertion = await new SignJWT({ jti: 'unique' })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer('signs')
    .setSubject('signs')
    .setAudience(issuer.url)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey)
  const fields = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
  expect((await ask(issuer, {}, fields)).status).toBe(200)
  expect((await ask(issuer, {}, fields)).body['error']).toBe('invalid_client')
  expect(issuer.requestsOf('post')).toBe(1)
})

test('the API refuses what is absent, forged or revoked, and says so the standard way', async () => {
  const { issuer, api } = await start()
  const anonymous = await fetch(`${api.url}/contacts`)
  expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  const forged = await fetch(`${api.url}/contacts`, bearer('no.such.token'))
  expect([forged.status, forged.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"'])

  const { body } = await ask(issuer, basic('local-secret'))
  expect(api.refuseLast()).toBe(false)
  expect((await fetch(`${api.url}/contacts`, bearer(body['access_token']))).status).toBe(200)
  expect(await (await fetch(`${api.url}/_refuse`, { method: 'POST' })).json()).toEqual({ refused: true })
  expect((await fetch(`${api.url}/contacts`, bearer(body['access_token']))).status).toBe(401)
  expect(api.refused).toBe(3)
})
