import { describe, expect, it, onTestFinished } from 'vitest'
import { type OddVendor, startOddIssuer } from './odd.ts'

async function setUp(vendor: OddVendor, clientId = 'local') {
  const issuer = await startOddIssuer({ vendor, clientId })
  onTestFinished(() => issuer.close())
  const ask = async (form: { readonly [name: string]: string } = {}, headers: Record<string, string> = {}) => {
    const client = headers['authorization'] ? {} : { client_id: clientId, client_secret: 'local-secret' }
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...client, ...form })
    const response = await fetch(issuer.tokenEndpoint, { method: 'POST', headers, body })
    return { status: response.status, body: (await response.json()) as { readonly [name: string]: unknown } }
  }
  return { issuer, ask }
}

describe('the imitation of', () => {
  it('Shopify answers with three fields', async () => {
    const { issuer, ask } = await setUp('shopify')
    const { status, body } = await ask()
    expect([status, Object.keys(body).sort()]).toEqual([200, ['access_token', 'expires_in', 'scope']])
    expect(issuer.isValid(String(body['access_token']))).toBe(true)
    issuer.advance(3_600_000)
    expect(issuer.isValid(String(body['access_token']))).toBe(false)
  })

  it('Apigee writes numbers as strings, and does not decode HTTP Basic', async () => {
    const { ask } = await setUp('apigee', 'a-b')
    expect((await ask()).body).toMatchObject({ token_type: 'BearerToken', expires_in: '3600' })
    const basic = (id: string) => ({ authorization: `Basic ${btoa(`${id}:local-secret`)}` })
    expect((await ask({}, basic('a-b'))).status).toBe(200)
    expect((await ask({}, basic('a%2Db'))).status).toBe(401)
  })

  it('Box requires its own parameters for client credentials, and rotates its refresh tokens', async () => {
    const { issuer, ask } = await setUp('box')
    expect((await ask()).status).toBe(400)
    const subject = { box_subject_type: 'enterprise', box_subject_id: '1' }
    expect((await ask(subject)).body).toMatchObject({ token_type: 'bearer', restricted_to: [] })
    const first = issuer.signIn()
    const refreshed = await ask({ grant_type: 'refresh_token', refresh_token: first })
    expect(refreshed.body['refresh_token']).not.toBe(first)
    expect((await ask({ grant_type: 'refresh_token', refresh_token: first })).body).toEqual({ error: 'invalid_grant' })
  })

  it('WSO2 repeats its token with the lifetime that is left', async () => {
    const { issuer, ask } = await setUp('wso2')
    const first = await ask()
    issuer.advance(600_000)
    const second = await ask()
    expect(second.body['access_token']).toBe(first.body['access_token'])
    expect(Number(second.body['expires_in'])).toBeLessThanOrEqual(3_000)
    issuer.advance(3_600_000)
    expect((await ask()).body['access_token']).not.toBe(first.body['access_token'])
    expect(issuer.issued).toBe(2)
  })

  it('Supabase answers 201', async () => {
    const { issuer, ask } = await setUp('supabase')
    const refreshed = await ask({ grant_type: 'refresh_token', refresh_token: issuer.signIn() })
    expect(refreshed).toMatchObject({ status: 201, body: { token_type: 'Bearer', expires_in: 3_600 } })
  })

  it.each<OddVendor>(['shopify', 'apigee', 'box', 'wso2', 'supabase'])('%s refuses a wrong secret', async (vendor) => {
    const { issuer, ask } = await setUp(vendor)
    const { status, body } = await ask({ client_secret: 'wrong' })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(JSON.stringify(body)).toContain('invalid_client')
    expect((await ask({ grant_type: 'password' })).body).toEqual({ error: 'unsupported_grant_type' })
    expect((await fetch(`${issuer.url}/elsewhere`)).status).toBe(404)
  })
})
