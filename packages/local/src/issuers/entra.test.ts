import { describe, expect, it, onTestFinished } from 'vitest'
import { type EntraImitationOptions, startEntra } from './entra.ts'

async function setUp(options: EntraImitationOptions = {}) {
  const entra = await startEntra(options)
  onTestFinished(() => entra.close())
  const form = {
    grant_type: 'client_credentials',
    client_id: entra.clientId,
    client_secret: 'local-secret',
    scope: 'https://graph.microsoft.com/.default',
  }
  const ask = async (changed: Partial<typeof form> = {}, tenant = 'tenant-1', headers: Record<string, string> = {}) => {
    const body = new URLSearchParams({ ...form, ...changed })
    const response = await fetch(`${entra.url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', headers, body })
    return { status: response.status, ...((await response.json()) as { access_token: string; error?: string }) }
  }
  return { entra, ask }
}

describe('the imitation of Entra', () => {
  it('gives a new token for every request, of the tenant that is asked, for an hour', async () => {
    const { entra, ask } = await setUp()
    const given = [await ask(), await ask(), await ask({}, 'tenant-2')]
    expect(given[0]).toMatchObject({ status: 200, token_type: 'Bearer', expires_in: 3_599, ext_expires_in: 3_599 })
    expect(given.map(({ access_token }) => entra.tenantOf(access_token))).toEqual(['tenant-1', 'tenant-1', 'tenant-2'])
    expect([entra.requests, entra.issued]).toEqual([3, 3])
    entra.advance(3_600_000)
    expect(entra.tenantOf(given[0]?.access_token ?? '')).toBeUndefined()
  })

  it('takes the client by HTTP Basic too', async () => {
    const { entra, ask } = await setUp({ clientSecret: 'with space:+%' })
    const halves = [entra.clientId, 'with space:+%'].map((half) => encodeURIComponent(half).replaceAll('%20', '+'))
    const authorization = `Basic ${btoa(halves.join(':'))}`
    expect(await ask({}, 'tenant-1', { authorization })).toMatchObject({ status: 200 })
    expect(await ask({}, 'tenant-1')).toMatchObject({ status: 401 })
  })

  it.each([
    [{ client_secret: 'wrong' }, 'tenant-1', 401, 'invalid_client'],
    [{ client_id: 'wrong' }, 'tenant-1', 400, 'unauthorized_client'],
    [{ scope: 'User.Read' }, 'tenant-1', 400, 'invalid_scope'],
    [{ grant_type: 'password' }, 'tenant-1', 400, 'unsupported_grant_type'],
    [{}, 'tenant-9', 400, 'invalid_request'],
  ])('refuses %j of %s with %d %s', async (changed, tenant, status, error) => {
    const { ask, entra } = await setUp()
    expect(await ask(changed, tenant)).toMatchObject({ status, error })
    expect(entra.issued).toBe(0)
  })

  it('tells the metadata of a tenant by https, and counts only token requests', async () => {
    const { entra } = await setUp()
    const response = await fetch(`${entra.url}/tenant-1/v2.0/.well-known/openid-configuration`)
    const base = `https://${entra.host}/tenant-1`
    expect(await response.json()).toMatchObject({
      issuer: `${base}/v2.0`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
    })
    expect(entra.requests).toBe(0)
  })
})
