import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { ApiAnswer, Source, Store, TokenValue } from '../../contracts.ts'
import { memoryStore } from '../../stores/memory.ts'
import { fetchRequest } from '../shared/fetch-request.test-data.ts'
import { answer, type Script, type ScriptedIssuer, startScriptedIssuer } from '../shared/scripted-issuer.test-server.ts'
import {
  type FeishuStoreOptions,
  feishuApp,
  feishuStoreApp,
  feishuStoreTenant,
  feishuTenant,
  type TicketInbox,
  ticketInbox,
} from './index.ts'

let issuer: ScriptedIssuer | undefined
afterEach(async () => {
  await issuer?.close()
  issuer = undefined
})

const APP = { appId: 'cli_test', appSecret: 'MARKED-secret' }
async function start(script: Script) {
  issuer = await startScriptedIssuer(script)
  return { ...APP, baseUrl: issuer.url, allowInsecure: true }
}
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error,
  )
}
async function inboxOf(ticket?: string): Promise<TicketInbox> {
  const inbox = ticketInbox({ store: memoryStore(), appId: APP.appId })
  if (ticket !== undefined) await inbox.put(ticket)
  return inbox
}

/** Each of the four, as a source without parameters. */
function kinds(inbox: TicketInbox) {
  return [
    ['feishu-tenant', feishuTenant],
    ['feishu-app', feishuApp],
    ['feishu-store-app', (options: typeof APP) => feishuStoreApp({ ...options, inbox })],
    ['feishu-store-tenant', (options: typeof APP) => feishuStoreTenant({ ...options, inbox })],
  ] as const
}

describe('an answer of the issuer that is an error', () => {
  it.each([
    [10014, 'SourceRefusedError', 'FEISHU_10014'],
    [10003, 'SourceRefusedError', 'FEISHU_10003'],
    [-3, 'SourceRefusedError', 'FEISHU_-3'],
    [1500, 'SourceUnavailableError', 'FEISHU_1500'],
    [2200, 'SourceUnavailableError', 'FEISHU_2200'],
    [99991400, 'SourceUnavailableError', 'FEISHU_99991400'],
    ['10014', 'SourceUnavailableError', 'BAD_ANSWER'],
    [undefined, 'SourceUnavailableError', 'BAD_ANSWER'],
    [1.5, 'SourceUnavailableError', 'BAD_ANSWER'],
  ])('of code %j is a %s with the code %s, in HTTP 200 and 400 alike', async (code, name, shown) => {
    for (const status of [200, 400]) {
      const options = await start(answer({ code, msg: 'MARKED text', tenant_access_token: 'MARKED-token' }, status))
      const error = await failureOf(feishuTenant(options).fetch(fetchRequest(undefined)))
      expect(error).toMatchObject({ name, code: shown })
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('MARKED')
      await issuer?.close()
    }
  })

  it.each([
    ['no token', { code: 0, expire: 7200 }, 'BAD_TOKEN'],
    ['a token that no header takes', { code: 0, tenant_access_token: 'MARKED\n', expire: 7200 }, 'BAD_TOKEN'],
    ['no life', { code: 0, tenant_access_token: 'MARKED' }, 'BAD_LIFE'],
    ['a life in words', { code: 0, tenant_access_token: 'MARKED', expire: 'two hours' }, 'BAD_LIFE'],
    ['a life that is over', { code: 0, tenant_access_token: 'MARKED', expire: 0 }, 'BAD_LIFE'],
    ['a list', [], 'BAD_ANSWER'],
    ['no JSON', '404 page not found MARKED', 'BAD_ANSWER'],
  ])('holds %s', async (_what, body, code) => {
    const error = await failureOf(feishuTenant(await start(answer(body))).fetch(fetchRequest(undefined)))
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('MARKED')
  })

  it.each([
    [429, { 'retry-after': '7' }, 'HTTP_429', 7_000],
    [429, { 'x-ogw-ratelimit-reset': '52' }, 'HTTP_429', 52_000],
    [429, { 'x-ogw-ratelimit-reset': 'soon' }, 'HTTP_429', undefined],
    [400, { 'x-ogw-ratelimit-reset': '52' }, 'FEISHU_99991400', 52_000],
  ] as const)('asks for patience by %s and %j', async (status, headers, code, retryAfter) => {
    const options = await start(answer({ code: 99991400, msg: 'too often' }, status, headers))
    const error = await failureOf(feishuTenant(options).fetch(fetchRequest(undefined)))
    expect(error).toMatchObject({ code, retryAfter, kind: 'throttled', retryable: true })
  })

  it('is a passing one with 502, and a refusal with 403 and no code', async () => {
    const broken = feishuTenant(await start(answer('MARKED', 502)))
    expect(await failureOf(broken.fetch(fetchRequest(undefined)))).toMatchObject({ code: 'HTTP_502', retryable: true })
    await issuer?.close()
    const odd = feishuTenant(await start(answer({ code: 0 }, 403)))
    expect(await failureOf(odd.fetch(fetchRequest(undefined)))).toMatchObject({ code: 'HTTP_403', retryable: false })
  })
})

describe('a secret', () => {
  it('from a function is asked for once a fetch, and an empty one is refused before anything is sent', async () => {
    const options = await start(answer({ code: 0, app_access_token: 'a-1', expire: 60 }))
    let asked = 0
    const appSecret = (): string => {
      asked += 1
      return asked === 1 ? 'x' : ''
    }
    const source = feishuApp({ ...options, appSecret })
    expect(await source.fetch(fetchRequest(undefined))).toEqual({
      value: { value: 'a-1', type: 'Bearer' },
      lifetime: 60_000,
    })
    expect(await failureOf(source.fetch(fetchRequest(undefined)))).toMatchObject({ code: 'BAD_SECRET' })
    expect([asked, issuer?.received.length]).toEqual([2, 1])
  })
})

describe('a store app without a good ticket', () => {
  const resendAnswers =
    (script: Script): Script =>
    (response, received) =>
      received.path.endsWith('/resend')
        ? script(response, received)
        : answer({ code: 10012, msg: 'no' })(response, received)
  const paths = (): readonly string[] =>
    (issuer?.received ?? []).map(({ path }) => path.replace('/open-apis/auth/v3/', ''))

  it.each([
    [undefined, 'FEISHU_TICKET_MISSING', ['app_ticket/resend']],
    ['old', 'FEISHU_TICKET_REFUSED', ['app_access_token', 'app_ticket/resend']],
  ])('asks the platform for one and can be asked again (%s in the inbox)', async (ticket, code, sent) => {
    const options = await start(resendAnswers(answer({ code: 0 })))
    const source = feishuStoreApp({ ...options, inbox: await inboxOf(ticket) })
    const error = await failureOf(source.fetch(fetchRequest(undefined)))
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code, retryable: true })
    expect(paths()).toEqual(sent)
  })

  it.each([
    ['is not available now', answer('oops', 503), 'FEISHU_TICKET_MISSING'],
    ['answers nonsense', answer('oops'), 'FEISHU_TICKET_MISSING'],
    ['throttles', answer({ code: 99991400 }, 429, { 'retry-after': '9' }), 'HTTP_429'],
    ['does not know the secret', answer({ code: 10014 }), 'FEISHU_10014'],
  ] as const)('is told the true reason when the platform %s', async (_what, script, code) => {
    const source = feishuStoreApp({ ...(await start(script)), inbox: await inboxOf() })
    expect(await failureOf(source.fetch(fetchRequest(undefined)))).toMatchObject({ code })
  })

  it('is informed that the inbox cannot be read, and why by its code only', async () => {
    const fault = Object.assign(new Error('MARKED'), { code: 'STORE_DENIED', retryable: false })
    const denied: Store = { ...memoryStore(), read: () => Promise.reject(fault) }
    const inbox = ticketInbox({ store: denied, appId: APP.appId })
    const source = feishuStoreApp({ ...(await start(answer({ code: 0 }))), inbox })
    const error = await failureOf(source.fetch(fetchRequest(undefined)))
    expect(error).toMatchObject({ code: 'FEISHU_INBOX_UNREAD', message: expect.stringContaining('STORE_DENIED') })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('MARKED')
    expect(issuer?.received).toEqual([])
  })
})

describe('an API’s answer', () => {
  const answerOf = (status: number, body: unknown): ApiAnswer => ({
    status,
    headers: new Headers({ 'content-type': 'application/json' }),
    json: async () => body,
  })
  const isRejection = async (status: number, body: unknown): Promise<boolean | undefined> =>
    feishuTenant(APP).traits?.isRejection?.(answerOf(status, body))

  it.each([99991661, 99991663, 99991664, 99991671, 99991677])(
    'with code %i is a rejection at any status',
    async (code) => {
      for (const status of [200, 400, 401, 403]) expect(await isRejection(status, { code, msg: '' })).toBe(true)
    },
  )

  it.each([99991672, 99991676])('with code %i is a missing right at any status', async (code) => {
    for (const status of [200, 400, 401, 403]) expect(await isRejection(status, { code, msg: '' })).toBe(false)
  })

  it.each([
    [401, undefined, true],
    [401, { code: 1 }, true],
    [200, { code: 0 }, false],
    [200, { code: '99991663' }, false],
    [200, { data: { code: 99991663 } }, false],
    [200, undefined, false],
    [403, {}, false],
    [429, { code: 99991400 }, false],
    [500, [99991663], false],
  ])('with status %i and body %j: %s', async (status, body, expected) => {
    expect(await isRejection(status, body)).toBe(expected)
  })

  it('is judged the same by all four sources, which know the reuse window of half an hour', async () => {
    for (const [, make] of kinds(await inboxOf())) {
      const { traits } = make(APP)
      expect(traits?.reuseWindow).toBe(1_800_000)
      expect(await traits?.isRejection?.(answerOf(200, { code: 99991663 }))).toBe(true)
    }
  })
})

describe('the identity', () => {
  const identityOf = (source: Source<TokenValue>): string => JSON.stringify(source.identity(undefined))

  it('is told apart by app, address and secret, and shows no secret', () => {
    const base = identityOf(feishuTenant(APP))
    expect(base).not.toContain('MARKED')
    expect(identityOf(feishuTenant({ ...APP, baseUrl: 'https://open.feishu.cn/' }))).toBe(base)
    expect(identityOf(feishuTenant({ ...APP, appId: 'cli_other' }))).not.toBe(base)
    expect(identityOf(feishuTenant({ ...APP, baseUrl: 'https://open.larksuite.com' }))).not.toBe(base)
    expect(identityOf(feishuTenant({ ...APP, appSecret: 'other' }))).not.toBe(base)
  })

  it('has a kind for each source', async () => {
    for (const [kind, make] of kinds(await inboxOf())) expect(make(APP).kind).toBe(kind)
  })

  it('of a store tenant holds the tenant, and a missing one is a TypeError', async () => {
    const source = feishuStoreTenant({ ...APP, inbox: await inboxOf() })
    expect(source.parameters).toBe(true)
    expect(source.identity({ tenantKey: 'a' })).not.toEqual(source.identity({ tenantKey: 'b' }))
    for (const params of [{}, { tenantKey: '' }, { tenantKey: 5 }, undefined]) {
      const make = (): unknown => source.identity(params as unknown as { tenantKey: string })
      expect(make).toThrow(TypeError)
      expect(make).toThrow('"tenantKey"')
    }
  })

  it('goes with a fingerprint of the secret', async () => {
    const one = feishuTenant({ ...APP, appSecret: async () => 'x' })
    expect(await one.secretFingerprint?.()).toMatch(/^[0-9a-f]{8}$/)
    expect(await one.secretFingerprint?.()).not.toBe(await feishuTenant(APP).secretFingerprint?.())
  })
})

describe('wrong options', () => {
  it.each([
    [{ appSecret: 'x' }, 'appId'],
    [{ appId: 'x' }, 'appSecret'],
    [{ ...APP, appSecret: 5 }, 'appSecret'],
    [{ ...APP, baseUrl: 'open.feishu.cn' }, 'baseUrl'],
    [{ ...APP, baseUrl: 'http://open.feishu.cn' }, 'baseUrl'],
    [{ ...APP, appsecret: 'x' }, 'appsecret'],
    [{ ...APP, allowInsecure: 'yes' }, 'allowInsecure'],
  ])('%j are a TypeError that names "%s"', async (options, name) => {
    for (const [, make] of kinds(await inboxOf())) {
      expect(() => make(options as typeof APP)).toThrow(TypeError)
      expect(() => make(options as typeof APP)).toThrow(`"${name}"`)
    }
  })

  it.each([
    ['no inbox', undefined],
    ['what is no inbox', { put: 5 }],
    ['the inbox of another app', ticketInbox({ store: memoryStore(), appId: 'cli_other' })],
  ])('of a store app are a TypeError that names the inbox: %s', (_what, inbox) => {
    const options = { ...APP, inbox } as FeishuStoreOptions
    for (const make of [feishuStoreApp, feishuStoreTenant]) {
      expect(() => make(options)).toThrow(TypeError)
      expect(() => make(options)).toThrow('"inbox"')
    }
  })
})
