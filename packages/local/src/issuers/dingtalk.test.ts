import { afterEach, describe, expect, it } from 'vitest'
import { type DingTalkImitation, type DingTalkImitationOptions, startDingTalk } from './dingtalk.ts'

const MINUTE = 60_000
const running: DingTalkImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close()))
})

interface Answered {
  readonly accessToken?: string
  readonly expireIn?: number
  readonly code?: string
  readonly errcode?: number
}

async function setUp(options: DingTalkImitationOptions = {}) {
  const dingtalk = await startDingTalk(options)
  running.push(dingtalk)
  const ask = async (more: object = {}): Promise<Answered & { readonly status: number }> => {
    const response = await fetch(`${dingtalk.url}/v1.0/oauth2/accessToken`, {
      method: 'POST',
      body: JSON.stringify({ appKey: 'ding-local', appSecret: 'local-secret', ...more }),
    })
    return { status: response.status, ...((await response.json()) as Answered) }
  }
  const call = async (token: string): Promise<readonly [number, string | undefined]> => {
    const headers = { 'x-acs-dingtalk-access-token': token }
    const response = await fetch(`${dingtalk.url}/v1.0/contact/users/me`, { headers })
    return [response.status, ((await response.json()) as Answered).code]
  }
  const callOlder = async (token: string): Promise<readonly [number, number | undefined]> => {
    const query = new URLSearchParams({ access_token: token })
    const response = await fetch(`${dingtalk.url}/topapi/v2/user/get?${query}`, { method: 'POST' })
    return [response.status, ((await response.json()) as Answered).errcode]
  }
  return { dingtalk, ask, call, callOlder }
}

describe('the imitation of DingTalk', () => {
  it('gives the same token while it is valid, and renews its life', async () => {
    const { dingtalk, ask } = await setUp()
    const first = await ask()
    expect([first.status, first.expireIn]).toEqual([200, 7_200])
    dingtalk.advance(119 * MINUTE)
    const second = await ask()
    expect([second.accessToken, second.expireIn]).toEqual([first.accessToken, 7_200])
    dingtalk.advance(120 * MINUTE)
    expect((await ask()).accessToken).not.toBe(first.accessToken)
    expect([dingtalk.requests, dingtalk.made]).toEqual([3, 2])
  })

  it('gives it with the life that remains when it does not renew', async () => {
    const { dingtalk, ask } = await setUp({ renews: false })
    const first = await ask()
    dingtalk.advance(119 * MINUTE)
    const second = await ask()
    expect(second.accessToken).toBe(first.accessToken)
    expect(second.expireIn).toBeLessThanOrEqual(60)
  })

  it('refuses a wrong secret and another application with 400 and a code', async () => {
    const { dingtalk, ask } = await setUp()
    expect(await ask({ appSecret: 'x' })).toMatchObject({ status: 400, code: 'invalidClientIdOrSecret' })
    expect(await ask({ appKey: 'x' })).toMatchObject({ status: 400, code: 'invalidClientIdOrSecret' })
    dingtalk.setSecret('new')
    expect((await ask()).status).toBe(400)
    expect((await ask({ appSecret: 'new' })).status).toBe(200)
  })

  it('refuses too many requests with 403 and a code', async () => {
    const { dingtalk, ask } = await setUp({ limit: 1 })
    await ask()
    expect(await ask()).toMatchObject({ status: 403, code: 'Forbidden.AccessDenied.QpsLimitForAppkeyAndApi' })
    dingtalk.advance(MINUTE)
    expect((await ask()).status).toBe(200)
  })

  it('refuses a bad token with 400 at the API, and with HTTP 200 at the older one', async () => {
    const { dingtalk, ask, call, callOlder } = await setUp()
    const { accessToken = '' } = await ask()
    expect([await call(accessToken), await callOlder(accessToken)]).toEqual([
      [200, undefined],
      [200, 0],
    ])
    const bad = [
      [400, 'InvalidAuthentication'],
      [200, 40014],
    ]
    expect([await call('x'), await callOlder('x')]).toEqual(bad)
    dingtalk.refuse(accessToken)
    expect([await call(accessToken), await callOlder(accessToken)]).toEqual(bad)
    expect((await ask()).accessToken).toBe(accessToken)
    dingtalk.revoke(accessToken)
    expect((await ask()).accessToken).not.toBe(accessToken)
    expect(dingtalk.apiCalls).toBe(6)
  })
})
