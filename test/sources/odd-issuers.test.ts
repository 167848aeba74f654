import { clientCredentials } from '@warmtoken/core/oauth2'
import { refreshToken } from '@warmtoken/core/refresh-token'
import { type OddVendor, startOddIssuer } from '@warmtoken/local/issuers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFleet } from './fleet.ts'

async function setUp(vendor: OddVendor, clientId = 'local') {
  const issuer = await startOddIssuer({ vendor, clientId })
  onTestFinished(() => issuer.close())
  const client = {
    tokenEndpoint: issuer.tokenEndpoint,
    allowInsecure: true,
    clientId,
    clientSecret: 'local-secret',
  }
  return { issuer, client, fleet: createFleet() }
}

describe('tokens of an issuer with odd answers', () => {
  it.each<[OddVendor, object]>([
    ['shopify', { authentication: 'body' }],
    ['apigee', {}],
    ['box', { parameters: { box_subject_type: 'enterprise', box_subject_id: '42' } }],
    ['wso2', {}],
    ['supabase', {}],
  ])('such as %s are shared and renewed like any other', async (vendor, options) => {
    const { issuer, client, fleet } = await setUp(vendor, '5e0c9d0a-7f57-4a43-9d2e-0123456789ab')
    const source = clientCredentials({ ...client, ...options })
    const [first, second] = [fleet.enter(source), fleet.enter(source)]
    const token = await first.get()
    expect(token.headers().authorization).toBe(`Bearer ${token.value}`)
    expect(issuer.isValid(token.value)).toBe(true)
    expect((await second.get()).value).toBe(token.value)
    expect(issuer.requests).toBe(1)
    fleet.advance(3_599_500, issuer)
    const later = await second.get()
    expect(later.value).not.toBe(token.value)
    expect(issuer.isValid(later.value)).toBe(true)
  })

  it.each<OddVendor>(['box', 'supabase'])('such as %s keep their chain of refresh tokens', async (vendor) => {
    const { issuer, client, fleet } = await setUp(vendor)
    const handle = fleet.enter(refreshToken({ ...client, account: 'ada', refreshToken: issuer.signIn() }))
    for (const issued of [1, 2, 3]) {
      expect(issuer.isValid((await handle.get()).value)).toBe(true)
      expect(issuer.issued).toBe(issued)
      fleet.advance(3_600_000, issuer)
    }
  })
})
