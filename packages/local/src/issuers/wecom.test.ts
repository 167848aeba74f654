import { afterEach, describe, expect, it } from 'vitest'
import { startWeCom, type WeComImitation, type WeComImitationOptions } from './wecom.ts'

const running: WeComImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

interface Answered {
  readonly errcode: number
  readonly access_token?: string
  readonly expires_in?: number
}

async function setUp(options: WeComImitationOptions = {}) {
  const issuer = await startWeCom(options)
  running.push(issuer)
  const read = async (path: string, parameters: Record<string, string>): Promise<Answered> => {
    const response = await fetch(`${issuer.url}/cgi-bin/${path}?${new URLSearchParams(parameters)}`)
    expect(response.status).toBe(200)
    return (await response.json()) as Answered
  }
  const get = (more: Record<string, string> = {}): Promise<Answered> =>
    read('gettoken', { corpid: issuer.corpId, corpsecret: 'local-secret', ...more })
  const tryOut = async ({ access_token = '' }: Partial<Answered>): Promise<number> =>
    (await read('user/get', { access_token, userid: 'me' })).errcode
  return { issuer, get, tryOut }
}

describe('the token of a company', () => {
  it('is the same until it ends, with the life that is left, and then another', async () => {
    const { issuer, get, tryOut } = await setUp()
    const first = await get()
    issuer.advance(7_100_000)
    const again = await get()
    expect(again.access_token).toBe(first.access_token)
    expect(again.expires_in).toBeLessThanOrEqual(100)
    expect(await tryOut(again)).toBe(0)
    issuer.advance(100_000)
    const next = await get()
    expect([await tryOut(first), await tryOut(next)]).toEqual([42001, 0])
    expect([issuer.requests, issuer.issued, issuer.accepted]).toEqual([3, 2, 2])
  })

  it('is another for each application', async () => {
    const { get, tryOut } = await setUp({ secrets: ['local-secret', 'another'] })
    const one = await get()
    const two = await get({ corpsecret: 'another' })
    expect(two.access_token).not.toBe(one.access_token)
    expect([await tryOut(one), await tryOut(two)]).toEqual([0, 0])
  })

  it('is another when the platform has withdrawn the first', async () => {
    const { issuer, get, tryOut } = await setUp()
    const first = await get()
    issuer.revokeAll()
    expect([await tryOut(first), await tryOut(await get())]).toEqual([40001, 0])
  })

  it.each([
    [{ corpid: 'ww1' }, 40013],
    [{ corpsecret: 'wrong' }, 40001],
  ])('is refused for %j with HTTP 200', async (more, errcode) => {
    const { get } = await setUp()
    expect((await get(more)).errcode).toBe(errcode)
  })

  it('is refused after too many requests', async () => {
    const { issuer, get } = await setUp({ minuteQuota: 1 })
    issuer.advance(60_000 - (issuer.now() % 60_000))
    await get()
    expect((await get()).errcode).toBe(45009)
    issuer.advance(60_000)
    expect((await get()).errcode).toBe(0)
  })
})
