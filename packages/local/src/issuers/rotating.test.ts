import { afterEach, describe, expect, it } from 'vitest'
import { type RotatingIssuer, type RotatingIssuerOptions, startRotatingIssuer } from './rotating.ts'

const running: RotatingIssuer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

async function start(options?: RotatingIssuerOptions): Promise<RotatingIssuer> {
  const issuer = await startRotatingIssuer(options)
  running.push(issuer)
  return issuer
}

async function exchange(issuer: RotatingIssuer, token: string, fields: Record<string, string> = {}) {
  const client = { client_id: 'mailer', client_secret: 'mailer-secret' }
  const body = new URLSearchParams({ ...client, grant_type: 'refresh_token', refresh_token: token, ...fields })
  const response = await fetch(issuer.tokenEndpoint, { method: 'POST', body })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

async function statusOf(issuer: RotatingIssuer, token: string | undefined): Promise<number> {
  return (await fetch(issuer.apiUrl, { headers: { authorization: `Bearer ${token}` } })).status
}

describe('a rotating issuer', () => {
  it('gives a new pair for each refresh token, and the API takes every access token until it expires', async () => {
    const issuer = await start({ tokenLifetime: 60_000 })
    const first = await exchange(issuer, issuer.signIn('ada'))
    const second = await exchange(issuer, first.body['refresh_token'] ?? '')
    expect(second.body).toMatchObject({ token_type: 'Bearer', expires_in: 60 })
    expect(await statusOf(issuer, first.body['access_token'])).toBe(200)
    issuer.advance(60_000)
    expect(await statusOf(issuer, second.body['access_token'])).toBe(401)
    expect([issuer.exchanges, issuer.reuses, issuer.requests]).toEqual([2, 0, 2])
  })

  it('revokes the family of a refresh token that comes twice, and no other', async () => {
    const issuer = await start()
    const [ada, bob] = [issuer.signIn('ada'), issuer.signIn('bob')]
    const first = await exchange(issuer, ada)
    expect(await exchange(issuer, ada)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await exchange(issuer, first.body['refresh_token'] ?? '')).toMatchObject({ status: 400 })
    expect(await statusOf(issuer, first.body['access_token'])).toBe(401)
    expect((await exchange(issuer, bob)).status).toBe(200)
    expect([issuer.reuses, issuer.livingFamilies]).toEqual([1, 1])
  })

  it('tolerates a repeat within the grace, counted from the first use', async () => {
    const issuer = await start({ reuse: { grace: 10_000 } })
    const seed = issuer.signIn()
    expect((await exchange(issuer, seed)).status).toBe(200)
    issuer.advance(5_000)
    expect((await exchange(issuer, seed)).status).toBe(200)
    issuer.advance(6_000)
    expect((await exchange(issuer, seed)).status).toBe(400)
    expect(issuer.reuses).toBe(2)
  })

  it('gives no refresh token when it does not rotate', async () => {
    const issuer = await start({ rotates: false })
    const seed = issuer.signIn()
    for (const exchanges of [1, 2]) {
      expect((await exchange(issuer, seed)).body).not.toHaveProperty('refresh_token')
      expect([issuer.exchanges, issuer.reuses]).toEqual([exchanges, 0])
    }
  })

  it('spends nothing for a wrong client or another grant, nor when it is made to fail', async () => {
    const issuer = await start()
    const seed = issuer.signIn()
    expect(await exchange(issuer, seed, { client_secret: 'x' })).toMatchObject({ status: 401 })
    expect(await exchange(issuer, seed, { grant_type: 'password' })).toMatchObject({ status: 400 })
    issuer.failNext({ status: 429, body: {} })
    expect(await exchange(issuer, seed)).toMatchObject({ status: 429 })
    expect(await exchange(issuer, seed)).toMatchObject({ status: 200 })
    expect([issuer.exchanges, issuer.requests]).toEqual([1, 4])
  })

  it('spends although the answer is lost, when told to lose it', async () => {
    const issuer = await start()
    const seed = issuer.signIn()
    issuer.loseNext()
    await expect(exchange(issuer, seed)).rejects.toThrow()
    expect(issuer.exchanges).toBe(1)
    expect((await exchange(issuer, seed)).body['error']).toBe('invalid_grant')
  })

  it('ends the sign-ins of an account, or of all', async () => {
    const issuer = await start()
    const [ada, bob] = [issuer.signIn('ada'), issuer.signIn('bob')]
    issuer.revoke('ada')
    expect([(await exchange(issuer, ada)).status, (await exchange(issuer, bob)).status]).toEqual([400, 200])
    issuer.revoke()
    expect(issuer.livingFamilies).toBe(0)
  })
})
