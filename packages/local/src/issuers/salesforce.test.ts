import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type SalesforceImitation, startSalesforce } from './salesforce.ts'

const running: SalesforceImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

let keys: Awaited<ReturnType<typeof generateKeyPair>>
beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true })
})

async function start(): Promise<SalesforceImitation> {
  const server = await startSalesforce({ clientId: 'app', publicKey: await exportSPKI(keys.publicKey) })
  running.push(server)
  return server
}

interface Claims {
  readonly iss?: string
  readonly sub?: string
  readonly aud?: string
  readonly lifetime?: string
}

async function signIn(server: SalesforceImitation, claims: Claims = {}, key = keys.privateKey) {
  const { iss = 'app', sub = 'robot@example.com', aud = server.url, lifetime = '1m' } = claims
  const assertion = await new SignJWT({ iss, sub, aud })
    .setProtectedHeader({ alg: 'RS256' })
    .setExpirationTime(lifetime)
    .sign(key)
  const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
  const response = await fetch(`${server.url}/services/oauth2/token`, { method: 'POST', body })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

function call(server: SalesforceImitation, token: string | undefined) {
  return fetch(`${server.url}${server.apiPath}`, { headers: { authorization: `Bearer ${token}` } })
}

describe('the imitation of Salesforce', () => {
  it('gives a token with an address and without a life', async () => {
    const server = await start()
    const { status, body } = await signIn(server)
    expect(status).toBe(200)
    expect(Object.keys(body).sort()).toEqual(['access_token', 'instance_url', 'scope', 'token_type'])
    expect(await (await call(server, body['access_token'])).json()).toEqual({ username: 'robot@example.com' })
    expect([server.logins, server.requests]).toEqual([1, 1])
  })

  it('ends a session that nobody has used for two hours, and keeps one that is used', async () => {
    const server = await start()
    const { body } = await signIn(server)
    server.advance(7_000_000)
    expect((await call(server, body['access_token'])).status).toBe(200)
    server.advance(7_000_000)
    expect((await call(server, body['access_token'])).status).toBe(200)
    server.advance(7_200_000)
    const refused = await call(server, body['access_token'])
    expect(refused.status).toBe(401)
    expect(await refused.json()).toMatchObject([{ errorCode: 'INVALID_SESSION_ID' }])
  })

  it.each([
    ['of another app', { iss: 'other' }, 'invalid_client_id'],
    ['of a user who has not approved', { sub: 'eve@example.com' }, 'invalid_grant'],
    ['for another audience', { aud: 'https://login.salesforce.com' }, 'invalid_grant'],
    ['that is over', { lifetime: '-1s' }, 'invalid_grant'],
    ['that lives too long', { lifetime: '10m' }, 'invalid_grant'],
  ] as const)('refuses an assertion %s', async (_name, claims, error) => {
    const server = await start()
    expect(await signIn(server, claims)).toMatchObject({ status: 400, body: { error } })
    expect(server.logins).toBe(0)
  })

  it('refuses an assertion that another key signed', async () => {
    const server = await start()
    const other = await generateKeyPair('RS256')
    expect(await signIn(server, {}, other.privateKey)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })
})
