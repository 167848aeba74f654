import { afterEach, describe, expect, it } from 'vitest'
import { startWeChat, type WeChatImitation, type WeChatImitationOptions } from './wechat.ts'

const MINUTE = 60_000
/** Until the next day in China, so that no day ends within a test. */
function untilMidnight(now: number): number {
  return 86_400_000 - ((now + 8 * 60 * MINUTE) % 86_400_000)
}

const running: WeChatImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

interface Answered {
  readonly access_token?: string
  readonly expires_in?: number
  readonly errcode?: number
}

async function setUp(options: WeChatImitationOptions = {}) {
  const issuer = await startWeChat(options)
  running.push(issuer)
  const { url, appId, secret } = issuer
  const read = async (response: Response): Promise<Answered> => {
    expect(response.status).toBe(200)
    return (await response.json()) as Answered
  }
  const stable = async (more: object = {}): Promise<Answered> =>
    read(
      await fetch(`${url}/cgi-bin/stable_token`, {
        method: 'POST',
        body: JSON.stringify({ grant_type: 'client_credential', appid: appId, secret, ...more }),
      }),
    )
  const legacy = async (more: Record<string, string> = {}): Promise<Answered> => {
    const query = new URLSearchParams({ grant_type: 'client_credential', appid: appId, secret, ...more })
    return read(await fetch(`${url}/cgi-bin/token?${query}`))
  }
  /** 0 for a token that the API takes. */
  const tryOut = async ({ access_token = '' }: Answered): Promise<number> => {
    const query = new URLSearchParams({ access_token })
    const answered = await read(await fetch(`${url}/cgi-bin/get_api_domain_ip?${query}`))
    return answered.errcode ?? 0
  }
  return { issuer, stable, legacy, tryOut }
}

describe('the stable token', () => {
  it('is the same for everyone who asks, with the life that is left', async () => {
    const { issuer, stable, tryOut } = await setUp()
    const first = await stable()
    issuer.advance(100 * MINUTE)
    const again = await stable()
    expect(again.access_token).toBe(first.access_token)
    expect(first.expires_in).toBeGreaterThan(7_190)
    expect(again.expires_in).toBeLessThanOrEqual(1_200)
    expect([issuer.requests, issuer.issued, await tryOut(again)]).toEqual([2, 1, 0])
  })

  it('is another in its last five minutes, and both are valid for five more', async () => {
    const { issuer, stable, tryOut } = await setUp()
    const first = await stable()
    issuer.advance(116 * MINUTE)
    const second = await stable()
    expect(second.access_token).not.toBe(first.access_token)
    issuer.advance(4.9 * MINUTE)
    expect([await tryOut(first), await tryOut(second)]).toEqual([0, 0])
    issuer.advance(0.2 * MINUTE)
    expect([await tryOut(first), await tryOut(second)]).toEqual([42001, 0])
  })

  it('is replaced by force, and the one before dies at once', async () => {
    const { issuer, stable, tryOut } = await setUp()
    const first = await stable()
    const second = await stable({ force_refresh: true })
    expect([await tryOut(first), await tryOut(second)]).toEqual([40001, 0])
    expect((await stable()).access_token).toBe(second.access_token)
    expect(issuer.forced).toBe(1)
  })

  it('is not replaced by force sooner than 30 s after the last time: the same comes back', async () => {
    const { issuer, stable } = await setUp()
    await stable()
    const forced = await stable({ force_refresh: true })
    issuer.advance(25_000)
    expect((await stable({ force_refresh: true })).access_token).toBe(forced.access_token)
    issuer.advance(5_000)
    expect((await stable({ force_refresh: true })).access_token).not.toBe(forced.access_token)
  })

  it('is replaced by force twenty times a day', async () => {
    const { issuer, stable } = await setUp()
    await stable()
    issuer.advance(untilMidnight(issuer.now()))
    await stable()
    for (let i = 0; i < 20; i += 1) {
      issuer.advance(MINUTE)
      expect((await stable({ force_refresh: true })).access_token).toBeDefined()
    }
    issuer.advance(MINUTE)
    expect((await stable({ force_refresh: true })).errcode).toBe(45009)
    expect((await stable()).access_token).toBeDefined()
    issuer.advance(86_400_000)
    await stable()
    expect((await stable({ force_refresh: true })).access_token).toBeDefined()
    expect(issuer.forced).toBe(21)
  })

  it('comes back the same when the platform has withdrawn it, until it is forced', async () => {
    const { issuer, stable, tryOut } = await setUp()
    const first = await stable()
    issuer.revokeAll()
    expect(await tryOut(await stable())).toBe(40001)
    expect((await stable()).access_token).toBe(first.access_token)
    expect(await tryOut(await stable({ force_refresh: true }))).toBe(0)
  })
})

describe('the older token', () => {
  it('replaces the one before at every call, which dies at once', async () => {
    const { legacy, tryOut } = await setUp()
    const first = await legacy()
    expect(await tryOut(first)).toBe(0)
    const second = await legacy()
    expect([await tryOut(first), await tryOut(second)]).toEqual([40001, 0])
  })

  it('leaves the one before alive for a while where that is wanted', async () => {
    const { issuer, legacy, tryOut } = await setUp({ legacyOverlap: 5 * MINUTE })
    const first = await legacy()
    await legacy()
    expect(await tryOut(first)).toBe(0)
    issuer.advance(5 * MINUTE)
    expect(await tryOut(first)).toBe(40001)
  })

  it('has nothing to do with the stable one', async () => {
    const { stable, legacy, tryOut } = await setUp()
    const kept = await stable()
    await legacy()
    await legacy()
    expect(await tryOut(kept)).toBe(0)
  })
})

describe('an error', () => {
  it.each([
    ['of another account', { appid: 'wx1' }, 40013],
    ['of a wrong secret', { secret: 'wrong' }, 40125],
    ['of another grant', { grant_type: 'password' }, 40002],
  ])('%s comes with HTTP 200, from both calls', async (_name, more, errcode) => {
    const { stable, legacy } = await setUp()
    expect([await stable(more), await legacy(more)]).toEqual([
      expect.objectContaining({ errcode }),
      expect.objectContaining({ errcode }),
    ])
  })

  it('is told to an address that is not on the list', async () => {
    const { issuer, stable } = await setUp()
    issuer.allowAddress(false)
    expect((await stable()).errcode).toBe(40164)
    issuer.allowAddress(true)
    expect((await stable()).errcode).toBeUndefined()
  })

  it('is told to the old secret once there is a new one', async () => {
    const { issuer, stable } = await setUp()
    issuer.setSecret('next')
    expect((await stable()).errcode).toBe(40125)
    expect((await stable({ secret: issuer.secret })).errcode).toBeUndefined()
  })

  it('is returned when the quota of the minute or of the day is used up, until the next', async () => {
    const minute = await setUp({ minuteQuota: 1 })
    minute.issuer.advance(MINUTE - (minute.issuer.now() % MINUTE))
    await minute.stable()
    expect((await minute.stable()).errcode).toBe(45011)
    minute.issuer.advance(MINUTE)
    expect((await minute.stable()).errcode).toBeUndefined()
    const day = await setUp({ dailyQuota: 1 })
    day.issuer.advance(untilMidnight(day.issuer.now()))
    await day.legacy()
    expect((await day.legacy()).errcode).toBe(45009)
    day.issuer.advance(86_400_000)
    expect((await day.legacy()).errcode).toBeUndefined()
  })

  it('is told to an API call without a token, with no token at all, and with one that is over', async () => {
    const { issuer, stable, tryOut } = await setUp()
    const given = await stable()
    issuer.advance(7_200_000)
    expect(await tryOut({})).toBe(41001)
    expect(await tryOut({ access_token: 'abc' })).toBe(40014)
    expect(await tryOut({ access_token: `9_${'a'.repeat(64)}` })).toBe(40001)
    expect(await tryOut(given)).toBe(42001)
    expect(issuer.accepted).toBe(0)
  })
})
