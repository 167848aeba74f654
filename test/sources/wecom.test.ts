import type { Token, TokenHandle } from '@warmtoken/core'
import { type WeComOptions, weCom } from '@warmtoken/core/wecom'
import { startWeCom, type WeComImitation, type WeComImitationOptions } from '@warmtoken/local/issuers'
import { afterEach, describe, expect, it } from 'vitest'
import { createFleet } from './fleet.ts'

const running: WeComImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()))
})

async function setUp(settings: WeComImitationOptions = {}) {
  const issuer = await startWeCom(settings)
  running.push(issuer)
  const sourceOf = (more: Partial<WeComOptions> = {}) =>
    weCom({
      corpId: issuer.corpId,
      corpSecret: 'local-secret',
      baseUrl: issuer.url,
      allowInsecure: true,
      ...more,
    })
  return { issuer, sourceOf, fleet: createFleet() }
}

/** Calls the API with a token as WeCom requires it; resolves to its `errcode`. */
async function call(issuer: WeComImitation, token: Token): Promise<unknown> {
  const response = await fetch(`${issuer.url}/cgi-bin/user/get?userid=me&access_token=${token.value}`)
  return ((await response.json()) as { readonly errcode: number }).errcode
}

function failureOf(handle: TokenHandle, timeout: number): Promise<unknown> {
  return handle.get({ timeout }).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('the token of a company', () => {
  it('is asked for once by many environments, and the API takes it', async () => {
    const { issuer, sourceOf, fleet } = await setUp()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => fleet.enter(sourceOf()).get()))
    expect([issuer.requests, new Set(tokens.map(({ value }) => value)).size]).toEqual([1, 1])
    expect(await call(issuer, tokens[0] as Token)).toBe(0)
  })

  it('is another for each application, though their secrets must be fetched', async () => {
    const { issuer, sourceOf, fleet } = await setUp({ secrets: ['one', 'two'] })
    const [one, two] = await Promise.all(
      ['one', 'two'].map((application) =>
        fleet.enter(sourceOf({ application, corpSecret: async () => application })).get(),
      ),
    )
    expect([one?.value === two?.value, issuer.issued]).toEqual([false, 2])
  })

  it('is renewed at its end with few requests, and the new one lives its whole life', async () => {
    const { issuer, sourceOf, fleet } = await setUp()
    const handle = fleet.enter(sourceOf())
    const first = await handle.get()
    fleet.advance(7_150_000, issuer)
    expect((await handle.get()).value).toBe(first.value)
    expect(issuer.requests).toBe(1)
    fleet.advance(49_000, issuer)
    // The issuer repeats the old one for a second more, and the source waits for that.
    const second = await handle.get()
    expect([second.value === first.value, await call(issuer, second)]).toEqual([false, 0])
    expect(second.remaining()).toBeGreaterThan(7_000_000)
    expect(issuer.requests).toBeLessThanOrEqual(3)
  })

  it('that the platform has withdrawn is replaced once for all', async () => {
    const { issuer, sourceOf, fleet } = await setUp()
    const handles = Array.from({ length: 10 }, () => fleet.enter(sourceOf()))
    const tokens = await Promise.all(handles.map((handle) => handle.get()))
    issuer.revokeAll()
    expect(await call(issuer, tokens[0] as Token)).toBe(40001)
    const renewed = await Promise.all(handles.map((handle, index) => handle.reject(tokens[index] as Token)))
    expect(new Set(renewed.map(({ value }) => value)).size).toBe(1)
    expect([issuer.requests, await call(issuer, renewed[0] as Token)]).toEqual([2, 0])
  })
})

describe('an error of the issuer', () => {
  it.each([
    ['about the secret', { errcode: 40001 }, 200, 'WECOM_40001', false, 1],
    ['about the address', { errcode: 60020 }, 200, 'WECOM_60020', false, 1],
    ['that is busy', { errcode: -1 }, 200, 'WECOM_-1', true, 2],
    ['that is asked too often', { errcode: 45009 }, 200, 'WECOM_45009', true, 1],
    ['that is broken', 'oh', 500, 'HTTP_500', true, 2],
    ['that sends elsewhere', '', 302, 'SOURCE_REDIRECT', true, 2],
  ])(
    '%s is typed, costs the fleet one or two requests, and shows neither secret nor address',
    async (_name, body, status, code, retryable, requests) => {
      const { issuer, sourceOf, fleet } = await setUp({ secrets: ['MARKED-secret'] })
      issuer.failNext({ status, body, headers: { location: `${issuer.url}/cgi-bin/gettoken?corpsecret=MARKED` } }, 9)
      const source = sourceOf({ corpSecret: 'MARKED-secret' })
      for (let i = 0; i < 3; i += 1) {
        const error = await failureOf(fleet.enter(source), 900)
        expect(error).toMatchObject({ code, retryable })
        expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(/MARKED|corpsecret/)
      }
      expect(issuer.requests).toBe(requests)
      expect(JSON.stringify(fleet.events)).not.toMatch(/MARKED|corpsecret/)
    },
  )

  it('that hangs or is gone is typed, and shows neither secret nor address', async () => {
    const { issuer, sourceOf } = await setUp({ secrets: ['MARKED-secret'] })
    const source = sourceOf({ corpSecret: 'MARKED-secret' })
    issuer.failNext('hang')
    const hanging = await failureOf(createFleet().enter(source), 3_500)
    expect(hanging).toMatchObject({ code: 'SOURCE_TIMEOUT' })
    await issuer.close()
    const gone = await failureOf(createFleet().enter(source), 900)
    expect(gone).toMatchObject({ code: 'SOURCE_UNREACHABLE' })
    for (const error of [hanging, gone])
      expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(/MARKED|corpsecret/)
  })
})
