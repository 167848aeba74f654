import type { Token, TokenHandle } from '@warmtoken/core'
import { dingTalk } from '@warmtoken/core/dingtalk'
import { type DingTalkImitation, type DingTalkImitationOptions, startDingTalk } from '@warmtoken/local/issuers'
import { afterEach, describe, expect, it } from 'vitest'
import { createFleet } from './fleet.ts'

const MINUTE = 60_000
const running: DingTalkImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close()))
})

async function setUp(options: DingTalkImitationOptions = {}, appSecret: () => string = () => 'local-secret') {
  const dingtalk = await startDingTalk(options)
  running.push(dingtalk)
  const fleet = createFleet()
  const given = { appKey: 'ding-local', appSecret, baseUrl: dingtalk.url, allowInsecure: true }
  const environment = (): TokenHandle => fleet.enter(dingTalk(given))
  const advance = (ms: number): void => fleet.advance(ms, dingtalk)
  const call = (token: Token): Promise<Response> =>
    fetch(`${dingtalk.url}/v1.0/contact/users/me`, { headers: { 'x-acs-dingtalk-access-token': token.value } })
  return { dingtalk, environment, advance, call, handle: environment() }
}

describe('a token of DingTalk', () => {
  it('is asked for once by thirty environments, and the API takes it', async () => {
    const { dingtalk, environment, call } = await setUp({ delay: 20 })
    const all = await Promise.all(Array.from({ length: 30 }, () => environment().get()))
    const [token] = all
    expect(new Set(all.map(({ value }) => value)).size).toBe(1)
    expect([dingtalk.requests, token && (await call(token)).status]).toEqual([1, 200])
  })

  it('is the same one with its life renewed when it is asked for before its end', async () => {
    const { dingtalk, handle, advance } = await setUp()
    const first = await handle.get()
    advance(115 * MINUTE)
    const second = await handle.get()
    expect([second.value, dingtalk.requests]).toEqual([first.value, 2])
    expect(second.remaining()).toBeGreaterThan(119 * MINUTE)
    advance(121 * MINUTE)
    expect((await handle.get()).value).not.toBe(first.value)
  })

  it('needs few requests even if its life is not renewed', async () => {
    const { dingtalk, handle, advance, call } = await setUp({ renews: false })
    for (let minute = 0; minute < 240; minute += 1) {
      expect((await call(await handle.get())).status).toBe(200)
      advance(MINUTE)
    }
    expect(dingtalk.made).toBe(2)
    expect(dingtalk.requests).toBeLessThanOrEqual(8)
  })

  it.each([
    ['/v1.0/contact/users/me', 'GET', { nick: 'Ada' }],
    ['/topapi/v2/user/get?language=en', 'POST', { errcode: 0 }],
  ])('that the API at %s refuses is replaced, and the request sent once more', async (path, method, body) => {
    const { dingtalk, handle } = await setUp()
    const first = await handle.get()
    expect(await (await handle.fetch(`${dingtalk.url}${path}`, { method })).json()).toMatchObject(body)
    dingtalk.revoke(first.value)
    expect(await (await handle.fetch(`${dingtalk.url}${path}`, { method })).json()).toMatchObject(body)
    expect([dingtalk.apiCalls, dingtalk.requests]).toEqual([3, 2])
  })

  it('that the API refuses is replaced when it is named', async () => {
    const { dingtalk, handle, call } = await setUp()
    const first = await handle.get()
    dingtalk.revoke(first.value)
    expect((await call(first)).status).toBe(400)
    const renewed = await Promise.all(Array.from({ length: 20 }, () => handle.reject(first)))
    expect(new Set(renewed.map(({ value }) => value)).size).toBe(1)
    const [token = first] = renewed
    expect([dingtalk.requests, (await call(token)).status]).toEqual([2, 200])
  })

  it('that the API refuses and the platform goes on giving is served on, without a loop', async () => {
    const { dingtalk, handle } = await setUp()
    const first = await handle.get()
    dingtalk.refuse(first.value)
    for (let n = 0; n < 3; n += 1) expect((await handle.reject(first)).value).toBe(first.value)
    expect(dingtalk.requests).toBe(2)
  })

  it('is not asked for again with a secret that was refused, and at once with a new one', async () => {
    let secret = 'wrong'
    const { dingtalk, environment } = await setUp({}, () => secret)
    const [one, other] = [environment(), environment()]
    for (const handle of [one, other, one])
      await expect(handle.get()).rejects.toMatchObject({ name: 'SourceRefusedError', code: 'invalidClientIdOrSecret' })
    expect(dingtalk.requests).toBe(1)
    secret = 'local-secret'
    expect((await other.get()).tier).toBe('source')
  })

  it('is waited for by all when the platform is asked too often', async () => {
    const { dingtalk, environment } = await setUp({ limit: 0 })
    const code = 'Forbidden.AccessDenied.QpsLimitForAppkeyAndApi'
    for (const handle of [environment(), environment()])
      await expect(handle.get({ timeout: 900 })).rejects.toMatchObject({
        name: 'SourceUnavailableError',
        code,
        retryable: true,
      })
    expect(dingtalk.requests).toBe(1)
  })
})
