import type { Token, TokenHandle } from '@warmtoken/core'
import { feishuApp, feishuTenant } from '@warmtoken/core/feishu'
import { type FeishuImitation, type FeishuImitationOptions, startFeishu } from '@warmtoken/local/issuers'
import { afterEach, describe, expect, it } from 'vitest'
import { createFleet } from './fleet.ts'

const MINUTE = 60_000
const running: FeishuImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close()))
})

async function setUp(options: FeishuImitationOptions = {}, more: { readonly appSecret?: () => string } = {}) {
  const feishu = await startFeishu(options)
  running.push(feishu)
  const fleet = createFleet()
  const given = {
    appId: 'cli_local',
    appSecret: more.appSecret ?? 'local-secret',
    baseUrl: feishu.url,
    allowInsecure: true,
  }
  /** The handle of one more environment on the same store. */
  const environment = (make: typeof feishuTenant = feishuTenant): TokenHandle => fleet.enter(make(given))
  const advance = (ms: number): void => fleet.advance(ms, feishu)
  const contacts = new URL('/open-apis/contact/v3/users', feishu.url)
  return { feishu, fleet, environment, advance, contacts, handle: environment() }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error,
  )
}

describe('a tenant token of your own app', () => {
  it('is asked for once by thirty environments, and the API takes it', async () => {
    const { feishu, environment, contacts } = await setUp({ delay: 20 })
    const all = await Promise.all(Array.from({ length: 30 }, () => environment().get()))
    expect(new Set(all.map(({ value }) => value)).size).toBe(1)
    expect(feishu.requests).toBe(1)
    const response = await fetch(contacts, { headers: all[0]?.headers() ?? {} })
    expect(await response.json()).toMatchObject({ code: 0 })
    expect(all[0]?.remaining()).toBeGreaterThan(119 * MINUTE)
  })

  it('is another one than the app token, under another key', async () => {
    const { environment, handle } = await setUp()
    const app = environment(feishuApp)
    expect([(await handle.get()).value.slice(0, 2), (await app.get()).value.slice(0, 2)]).toEqual(['t-', 'a-'])
    expect([handle.key.split('~')[0], app.key.split('~')[0]]).toEqual(['feishu-tenant', 'feishu-app'])
  })

  it('is not asked for again while the platform would only repeat it, and is renewed once it does not', async () => {
    const { feishu, handle, advance } = await setUp()
    const first = await handle.get()
    advance(100 * MINUTE)
    expect((await handle.get()).value).toBe(first.value)
    expect(feishu.requests).toBe(1)
    advance(11 * MINUTE)
    const second = await handle.get()
    expect(second.value).not.toBe(first.value)
    expect([feishu.requests, feishu.made]).toEqual([2, 2])
  })

  it('that another program made lives only as long as is left of it', async () => {
    const { feishu, handle, advance, fleet } = await setUp()
    const body = JSON.stringify({ app_id: 'cli_local', app_secret: 'local-secret' })
    await fetch(`${feishu.url}/open-apis/auth/v3/tenant_access_token/internal`, { method: 'POST', body })
    advance(80 * MINUTE)
    const token = await handle.get()
    expect(token.remaining()).toBeLessThanOrEqual(40 * MINUTE)
    expect(token.remaining()).toBeGreaterThan(39 * MINUTE)
    expect(feishu.made).toBe(1)
    fleet.advance(41 * MINUTE)
    expect(handle.peek()).toBeUndefined()
  })

  it.each([10 * MINUTE, -10 * MINUTE])(
    'lives as long as the answer says, though the issuer’s clock is off by %i',
    async (skew) => {
      const { feishu, handle } = await setUp()
      feishu.advance(skew)
      const remaining = (await handle.get()).remaining()
      expect(remaining).toBeGreaterThan(119 * MINUTE)
      expect(remaining).toBeLessThanOrEqual(120 * MINUTE)
    },
  )

  it('with a short life works too', async () => {
    const { handle, feishu, advance } = await setUp({ lifetime: 170_000 })
    const first = await handle.get()
    advance(100_000)
    expect((await handle.get()).value).toBe(first.value)
    advance(60_000)
    expect((await handle.get()).value).not.toBe(first.value)
    expect(feishu.requests).toBe(2)
  })
})

describe('a token that the API refuses', () => {
  it.each([200, 400, 401])('with status %i is replaced, and the request sent once more', async (refusalStatus) => {
    const { feishu, handle, contacts } = await setUp({ refusalStatus })
    const first = await handle.get()
    feishu.revoke(first.value)
    const response = await handle.fetch(contacts)
    expect([response.status, await response.json()]).toMatchObject([200, { code: 0, data: { items: [{}] } }])
    expect([feishu.apiCalls, feishu.requests]).toEqual([2, 2])
    expect((await handle.get()).value).not.toBe(first.value)
  })

  it('is replaced once for twenty requests that are refused together', async () => {
    const { feishu, handle, contacts } = await setUp()
    feishu.revoke((await handle.get()).value)
    const all = await Promise.all(Array.from({ length: 20 }, async () => (await handle.fetch(contacts)).json()))
    expect(all).toEqual(Array.from({ length: 20 }, () => expect.objectContaining({ code: 0 })))
    expect(feishu.requests).toBe(2)
  })

  it('and that the platform goes on giving is served on, and the refusals of the API are handed to the caller', async () => {
    const { feishu, handle, contacts } = await setUp()
    feishu.refuse((await handle.get()).value)
    for (let n = 0; n < 5; n += 1)
      expect(await (await handle.fetch(contacts)).json()).toMatchObject({ code: expect.any(Number) })
    expect([feishu.requests, feishu.apiCalls]).toEqual([2, 5])
  })

  it('may be named by hand', async () => {
    const { feishu, handle } = await setUp()
    const first: Token = await handle.get()
    feishu.revoke(first.value)
    const renewed = await Promise.all(Array.from({ length: 10 }, () => handle.reject(first)))
    expect(new Set(renewed.map(({ value }) => value)).size).toBe(1)
    expect(feishu.requests).toBe(2)
  })

  it.each([99991672, 99991676])('for want of a right (%i) is left as it is: a new one would not help', async (code) => {
    const { feishu, handle, contacts } = await setUp({ refusalStatus: 401 })
    feishu.answerApi(code)
    const response = await handle.fetch(contacts)
    expect([response.status, await response.json()]).toMatchObject([401, { code }])
    expect([feishu.requests, feishu.apiCalls]).toEqual([1, 1])
  })
})

describe('an issuer that refuses or cannot answer', () => {
  it('is asked once with a wrong secret, and at once with a new one', async () => {
    let secret = 'wrong'
    const { feishu, environment } = await setUp({}, { appSecret: () => secret })
    const handles = [environment(), environment()]
    for (let n = 0; n < 3; n += 1)
      for (const handle of handles)
        expect(await failureOf(handle.get())).toMatchObject({ name: 'SourceRefusedError', code: 'FEISHU_10014' })
    expect(feishu.requests).toBe(1)
    secret = 'local-secret'
    expect((await handles[1]?.get())?.value).toMatch(/^t-/)
    expect(feishu.requests).toBe(2)
  })

  it('is left alone by all environments for as long as it asks', async () => {
    const { feishu, environment, advance } = await setUp({ limit: 1 })
    await fetch(`${feishu.url}/open-apis/auth/v3/tenant_access_token/internal`, { method: 'POST', body: '{}' })
    const [one, other] = [environment(), environment()]
    const error = await failureOf(one.get())
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code: 'HTTP_429', retryable: true })
    for (let n = 0; n < 3; n += 1) expect(await failureOf(other.get())).toMatchObject({ code: 'HTTP_429' })
    expect(feishu.requests).toBe(2)
    advance(MINUTE + 2_000)
    expect((await other.get()).value).toMatch(/^t-/)
  })

  it('is not needed while a token lives', async () => {
    const { feishu, handle, advance } = await setUp()
    const first = await handle.get()
    advance(112 * MINUTE)
    feishu.failNext({ status: 503, body: 'oops' }, 9)
    expect((await handle.get()).value).toBe(first.value)
    advance(10 * MINUTE)
    expect(await failureOf(handle.get())).toMatchObject({ code: 'HTTP_503' })
  })

  it('never has its token or secret in an event', async () => {
    const { feishu, handle, contacts, fleet } = await setUp()
    const first = await handle.get()
    feishu.revoke(first.value)
    await (await handle.fetch(contacts)).json()
    const shown = JSON.stringify(fleet.events)
    for (const secret of [first.value, (await handle.get()).value, 'local-secret']) expect(shown).not.toContain(secret)
  })
})
