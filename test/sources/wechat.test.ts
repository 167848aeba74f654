import type { Source, Token, TokenHandle, TokenValue } from '@warmtoken/core'
import { type WeChatOptions, weChat, weChatLegacy } from '@warmtoken/core/wechat'
import { startWeChat, type WeChatImitation, type WeChatImitationOptions } from '@warmtoken/local/issuers'
import { afterEach, describe, expect, it } from 'vitest'
import { createFleet } from './fleet.ts'

const MINUTE = 60_000
const running: WeChatImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

async function setUp(
  make: (options: WeChatOptions) => Source<TokenValue> = weChat,
  settings: WeChatImitationOptions = {},
) {
  const issuer = await startWeChat(settings)
  running.push(issuer)
  const source = make({
    appId: issuer.appId,
    secret: () => issuer.secret,
    baseUrl: issuer.url,
    allowInsecure: true,
  })
  return { issuer, source, fleet: createFleet() }
}

/** Calls the API with a token as WeChat requires it; resolves to its `errcode`. */
async function call(issuer: WeChatImitation, token: Token): Promise<unknown> {
  const response = await fetch(`${issuer.url}/cgi-bin/get_api_domain_ip?access_token=${token.value}`)
  return ((await response.json()) as { readonly errcode?: number }).errcode
}

function failureOf(handle: TokenHandle): Promise<unknown> {
  return handle.get().then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('the stable token', () => {
  it('is asked for once by many environments, and the API takes it', async () => {
    const { issuer, source, fleet } = await setUp()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => fleet.enter(source).get()))
    expect(new Set(tokens.map(({ value }) => value)).size).toBe(1)
    expect([issuer.requests, await call(issuer, tokens[0] as Token)]).toEqual([1, undefined])
  })

  it('is the same for a fleet with another store, so they do each other no harm', async () => {
    const { issuer, source, fleet } = await setUp()
    const one = await fleet.enter(source).get()
    const two = await createFleet().enter(source).get()
    expect([two.value === one.value, issuer.requests, issuer.issued]).toEqual([true, 2, 1])
  })

  it('is renewed in its last five minutes, by a new one at the first try', async () => {
    const { issuer, source, fleet } = await setUp()
    const handle = fleet.enter(source)
    const first = await handle.get()
    fleet.advance(114 * MINUTE, issuer)
    expect((await handle.get()).value).toBe(first.value)
    expect(issuer.requests).toBe(1)
    fleet.advance(3 * MINUTE, issuer)
    const second = await handle.get()
    expect([second.value === first.value, issuer.requests, issuer.issued]).toEqual([false, 2, 2])
    // An environment that still holds the old one is served as well.
    expect([await call(issuer, first), await call(issuer, second)]).toEqual([undefined, undefined])
  })

  it('goes into the address by `fetch`, and is replaced when the API refuses it', async () => {
    const { issuer, source, fleet } = await setUp()
    const handle = fleet.enter(source)
    const ask = async () => (await (await handle.fetch(`${issuer.url}/cgi-bin/get_api_domain_ip?x=1`)).json()) as object
    expect(await ask()).not.toHaveProperty('errcode')
    issuer.revokeAll()
    expect(await ask()).not.toHaveProperty('errcode')
    expect(issuer.issued).toBe(2)
  })

  it('that the API refused is replaced once for all, by force because the plain call repeats it', async () => {
    const { issuer, source, fleet } = await setUp()
    const handles = Array.from({ length: 10 }, () => fleet.enter(source))
    const tokens = await Promise.all(handles.map((handle) => handle.get()))
    issuer.revokeAll()
    expect(await call(issuer, tokens[0] as Token)).toBe(40001)
    const renewed = await Promise.all(handles.map((handle, index) => handle.reject(tokens[index] as Token)))
    expect(new Set(renewed.map(({ value }) => value)).size).toBe(1)
    expect(await call(issuer, renewed[0] as Token)).toBeUndefined()
    // One plain for the first token, one plain and one forced for the second.
    expect([issuer.requests, issuer.forced]).toEqual([3, 1])
  })

  it('that is refused again within 30 s is not forced in a loop: it is served on, and replaced after that', async () => {
    const { issuer, source, fleet } = await setUp()
    const handle = fleet.enter(source)
    const first = await handle.get()
    issuer.revokeAll()
    const second = await handle.reject(first)
    issuer.revokeAll()
    const { requests } = issuer
    for (let n = 0; n < 2; n += 1) expect((await handle.reject(second)).value).toBe(second.value)
    expect([issuer.requests, issuer.forced]).toEqual([requests, 1])
    fleet.advance(31_000, issuer)
    expect(await call(issuer, await handle.reject(second))).toBeUndefined()
  })
})

describe('an error of the issuer', () => {
  it('about the secret costs one attempt for the whole fleet, and a new secret is tried at once', async () => {
    const { issuer, fleet } = await setUp()
    let secret = 'wrong-MARKED'
    const source = weChat({ appId: issuer.appId, secret: () => secret, baseUrl: issuer.url, allowInsecure: true })
    for (let i = 0; i < 3; i += 1) {
      const error = await failureOf(fleet.enter(source))
      expect(error).toMatchObject({ name: 'SourceRefusedError', code: 'WECHAT_40125', retryable: false })
      expect(String((error as Error).stack)).not.toContain('MARKED')
    }
    expect(issuer.requests).toBe(1)
    secret = issuer.secret
    expect(await call(issuer, await fleet.enter(source).get())).toBeUndefined()
    expect(JSON.stringify(fleet.events)).not.toContain('MARKED')
  })

  it.each([
    ['an address that is not allowed', 40164],
    ['another account', 40013],
  ])('about %s is final', async (_name, errcode) => {
    const { issuer, source, fleet } = await setUp()
    issuer.failNext({ body: { errcode, errmsg: 'no' } })
    expect(await failureOf(fleet.enter(source))).toMatchObject({ code: `WECHAT_${errcode}`, retryable: false })
  })

  it('about the minute is obeyed for a minute by all', async () => {
    const { issuer, source, fleet } = await setUp(weChat, { minuteQuota: 0 })
    for (let i = 0; i < 3; i += 1)
      expect(await failureOf(fleet.enter(source))).toMatchObject({ code: 'WECHAT_45011', retryable: true })
    fleet.advance(50_000, issuer)
    await failureOf(fleet.enter(source))
    expect(issuer.requests).toBe(1)
    fleet.advance(11_000, issuer)
    await failureOf(fleet.enter(source))
    expect(issuer.requests).toBe(2)
  })

  it('about the day is obeyed until midnight in China, with a look each hour at the most', async () => {
    const { issuer, source, fleet } = await setUp(weChat, { dailyQuota: 0 })
    const untilMidnight = 86_400_000 - ((issuer.now() + 8 * 60 * MINUTE) % 86_400_000)
    fleet.advance(untilMidnight - 30 * MINUTE, issuer)
    expect(await failureOf(fleet.enter(source))).toMatchObject({ code: 'WECHAT_45009', retryable: true })
    fleet.advance(29 * MINUTE, issuer)
    await failureOf(fleet.enter(source))
    expect(issuer.requests).toBe(1)
    fleet.advance(2 * MINUTE, issuer)
    await failureOf(fleet.enter(source))
    expect(issuer.requests).toBe(2)
  })

  it('that is only busy is followed by a second request, and nobody fails', async () => {
    const { issuer, source, fleet } = await setUp()
    issuer.failNext({ body: { errcode: -1, errmsg: 'system error' } })
    const tokens = await Promise.all(Array.from({ length: 5 }, () => fleet.enter(source).get()))
    for (const token of tokens) expect(await call(issuer, token)).toBeUndefined()
    expect(issuer.requests).toBe(2)
  })
})

describe('the older token', () => {
  it('is asked for once by many environments, for a second call would kill the first token', async () => {
    const { issuer, source, fleet } = await setUp(weChatLegacy)
    const tokens = await Promise.all(Array.from({ length: 20 }, () => fleet.enter(source).get()))
    expect([issuer.requests, new Set(tokens.map(({ value }) => value)).size]).toEqual([1, 1])
    expect(await call(issuer, tokens[0] as Token)).toBeUndefined()
  })

  it('that someone else has replaced is replaced once for all', async () => {
    const { issuer, source, fleet } = await setUp(weChatLegacy)
    const handles = Array.from({ length: 5 }, () => fleet.enter(source))
    const tokens = await Promise.all(handles.map((handle) => handle.get()))
    await createFleet().enter(source).get()
    expect(await call(issuer, tokens[0] as Token)).toBe(40001)
    const renewed = await Promise.all(handles.map((handle, index) => handle.reject(tokens[index] as Token)))
    expect([issuer.requests, new Set(renewed.map(({ value }) => value)).size]).toEqual([3, 1])
    expect(await call(issuer, renewed[0] as Token)).toBeUndefined()
  })

  it('is never returned unless the fleet can know it: with its store down, nobody asks', async () => {
    const { issuer, source } = await setUp(weChatLegacy)
    const down = (): Promise<never> => Promise.reject(new Error('down'))
    const store = { name: 'down', read: down, swap: down }
    const { createTokens } = await import('@warmtoken/core')
    const handle = createTokens({ store, directory: false, timeout: 2_000 }).use(source)
    expect(await failureOf(handle)).toMatchObject({ name: 'StoreError' })
    expect(issuer.requests).toBe(0)
  })

  it('is renewed in time, and the new one is good', async () => {
    const { issuer, source, fleet } = await setUp(weChatLegacy)
    const handle = fleet.enter(source)
    const first = await handle.get()
    fleet.advance(120 * MINUTE, issuer)
    const second = await handle.get()
    expect([second.value === first.value, await call(issuer, second), issuer.requests]).toEqual([false, undefined, 2])
  })
})
