import { createServer, type IncomingHttpHeaders } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { listen } from '../http/listen.ts'
import { readBody } from '../http/read-body.ts'
import { type FeishuImitation, type FeishuImitationOptions, startFeishu } from './feishu.ts'
import { challengeEvent } from './feishu-push.ts'

const MINUTE = 60_000
const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

interface Answered {
  readonly code: number
  readonly tenant_access_token?: string
  readonly app_access_token?: string
  readonly expire?: number
}

const APP = { app_id: 'cli_local', app_secret: 'local-secret' }

async function setUp(options: FeishuImitationOptions = {}) {
  const feishu: FeishuImitation = await startFeishu(options)
  closing.push(feishu)
  const send = (path: string, body: unknown): Promise<Response> =>
    fetch(`${feishu.url}/open-apis/auth/v3/${path}`, { method: 'POST', body: JSON.stringify(body) })
  const post = async (path: string, body: unknown): Promise<Answered> => {
    const response = await send(path, body)
    expect(response.status).toBe(200)
    return (await response.json()) as Answered
  }
  const tenant = (): Promise<Answered> => post('tenant_access_token/internal', APP)
  const call = async (authorization?: string): Promise<readonly [status: number, code: number]> => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    const response = await fetch(`${feishu.url}/open-apis/contact/v3/users`, { headers })
    return [response.status, ((await response.json()) as Answered).code]
  }
  return { feishu, send, post, tenant, call }
}

/** A webhook that answers 200 and remembers. */
async function startWebhook() {
  const received: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = []
  const server = createServer(async (request, response) => {
    received.push({ headers: request.headers, body: (await readBody(request, 65_536)).toString('utf8') })
    response.end('{}')
  })
  const listening = await listen(server, {})
  closing.push(listening)
  return { url: listening.url, received }
}

describe('a token of your own app', () => {
  it('comes again with its remaining life while it has half an hour left', async () => {
    const { feishu, tenant } = await setUp()
    const first = await tenant()
    expect([first.code, first.expire]).toEqual([0, 7_200])
    feishu.advance(89 * MINUTE)
    const again = await tenant()
    expect(again.tenant_access_token).toBe(first.tenant_access_token)
    expect(again.expire).toBeGreaterThanOrEqual(1_800)
    expect(again.expire).toBeLessThanOrEqual(31 * 60)
    expect([feishu.made, feishu.requests]).toEqual([1, 2])
  })

  it('is followed by a new one when less is left, and both are valid', async () => {
    const { feishu, tenant, call } = await setUp()
    const first = await tenant()
    feishu.advance(91 * MINUTE)
    const second = await tenant()
    expect(second.tenant_access_token).not.toBe(first.tenant_access_token)
    expect(second.expire).toBe(7_200)
    expect(await call(`Bearer ${first.tenant_access_token}`)).toEqual([200, 0])
    expect(await call(`Bearer ${second.tenant_access_token}`)).toEqual([200, 0])
    feishu.advance(30 * MINUTE)
    expect(await call(`Bearer ${first.tenant_access_token}`)).toEqual([200, 99991677])
  })

  it('is another one for the app than for the tenant', async () => {
    const { post, tenant } = await setUp()
    const app = await post('app_access_token/internal', APP)
    expect(app.app_access_token).toMatch(/^a-/)
    expect((await tenant()).tenant_access_token).toMatch(/^t-/)
  })

  it('is refused to a wrong secret and to another app by a code, with HTTP 200', async () => {
    const { feishu, post, tenant } = await setUp()
    expect((await post('tenant_access_token/internal', { ...APP, app_secret: 'x' })).code).toBe(10014)
    expect((await post('tenant_access_token/internal', { ...APP, app_id: 'x' })).code).toBe(10003)
    feishu.setSecret('new')
    expect((await tenant()).code).toBe(10014)
  })

  it('is refused with 429 and the time to wait when it is asked for too often', async () => {
    const { feishu, send, tenant } = await setUp({ limit: 2 })
    await tenant()
    await tenant()
    const response = await send('tenant_access_token/internal', APP)
    expect([response.status, await response.json()]).toMatchObject([429, { code: 99991400 }])
    const wait = Number(response.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(0)
    expect(response.headers.get('x-ogw-ratelimit-reset')).toBe(String(wait))
    feishu.advance(wait * 1_000)
    expect((await tenant()).code).toBe(0)
  })
})

describe('the API', () => {
  it('refuses what is not a token of the platform by a code, with HTTP 200', async () => {
    const { feishu, call, tenant } = await setUp()
    expect(await call()).toEqual([200, 99991661])
    expect(await call('t-without-bearer')).toEqual([200, 99991661])
    expect(await call('Bearer nonsense')).toEqual([200, 99991671])
    expect(await call('Bearer t-unknown')).toEqual([200, 99991663])
    expect(await call('Bearer a-unknown')).toEqual([200, 99991664])
    const { tenant_access_token: token } = await tenant()
    feishu.revoke(token ?? '')
    expect(await call(`Bearer ${token}`)).toEqual([200, 99991663])
    expect(feishu.apiCalls).toBe(6)
  })

  it('refuses with another status where it is told to', async () => {
    const { call } = await setUp({ refusalStatus: 400 })
    expect(await call('Bearer t-unknown')).toEqual([400, 99991663])
  })

  it('refuses a token that the issuer goes on giving, or one that was taken back', async () => {
    const { feishu, call, tenant } = await setUp()
    const { tenant_access_token: first = '' } = await tenant()
    feishu.refuse(first)
    expect(await call(`Bearer ${first}`)).toEqual([200, 99991663])
    expect((await tenant()).tenant_access_token).toBe(first)
    feishu.revoke(first)
    expect((await tenant()).tenant_access_token).not.toBe(first)
  })

  it('answers with a planned code, once', async () => {
    const { feishu, call, tenant } = await setUp()
    const { tenant_access_token: token } = await tenant()
    feishu.answerApi(99991672)
    expect(await call(`Bearer ${token}`)).toEqual([200, 99991672])
    expect(await call(`Bearer ${token}`)).toEqual([200, 0])
  })
})

describe('a store app', () => {
  it('has an app token for a valid ticket only, and tenant tokens for that', async () => {
    const { feishu, post, call } = await setUp()
    expect((await post('app_access_token', { ...APP, app_ticket: 'x' })).code).toBe(10012)
    const old = feishu.newTicket()
    const ticket = feishu.newTicket()
    expect((await post('app_access_token', { ...APP, app_ticket: old })).code).toBe(10012)
    expect((await post('app_access_token', { ...APP, app_secret: 'x', app_ticket: ticket })).code).toBe(10014)
    const { app_access_token } = await post('app_access_token', { ...APP, app_ticket: ticket })
    const [one, other] = await Promise.all(
      ['tenant-1', 'tenant-2'].map((tenant_key) => post('tenant_access_token', { app_access_token, tenant_key })),
    )
    expect(one?.tenant_access_token).not.toBe(other?.tenant_access_token)
    expect(await call(`Bearer ${one?.tenant_access_token}`)).toEqual([200, 0])
    expect((await post('tenant_access_token', { app_access_token, tenant_key: 'nobody' })).code).toBe(10003)
    feishu.revoke(app_access_token ?? '')
    expect((await post('tenant_access_token', { app_access_token, tenant_key: 'tenant-1' })).code).toBe(99991664)
  })

  it('is pushed its ticket, and once more when it asks', async () => {
    const webhook = await startWebhook()
    const { feishu, post } = await setUp({ webhook: webhook.url })
    expect(await feishu.pushTicket()).toBe(200)
    expect((await post('app_ticket/resend', { ...APP, app_secret: 'x' })).code).toBe(10014)
    expect((await post('app_ticket/resend', APP)).code).toBe(0)
    await feishu.settled()
    expect([feishu.resends, feishu.requests, webhook.received.length]).toEqual([2, 0, 2])
    const [first, second] = webhook.received.map(({ body }) => JSON.parse(body))
    expect(first).toMatchObject({
      token: 'local-verification',
      type: 'event_callback',
      event: { type: 'app_ticket', app_id: 'cli_local' },
    })
    expect(second.event.app_ticket).not.toBe(first.event.app_ticket)
    expect((await post('app_access_token', { ...APP, app_ticket: second.event.app_ticket })).code).toBe(0)
  })

  it('is pushed it sealed and signed when there is an Encrypt Key', async () => {
    const webhook = await startWebhook()
    const { feishu } = await setUp({ webhook: webhook.url, encryptKey: 'key' })
    await feishu.pushTicket()
    const [{ headers, body } = { headers: {}, body: '' }] = webhook.received
    expect(Object.keys(JSON.parse(body))).toEqual(['encrypt'])
    expect(headers['x-lark-signature']).toMatch(/^[0-9a-f]{64}$/)
  })

  it('loses nothing but the push when its webhook is not there', async () => {
    const { feishu } = await setUp({ webhook: 'http://127.0.0.1:1' })
    expect(await feishu.pushTicket()).toBeUndefined()
  })

  it('is asked for its address without a signature', () => {
    const plain = challengeEvent({ verificationToken: 'v' }, 'c')
    expect(JSON.parse(plain.body)).toEqual({ challenge: 'c', token: 'v', type: 'url_verification' })
    const sealed = challengeEvent({ verificationToken: 'v', encryptKey: 'key' }, 'c')
    expect(Object.keys(JSON.parse(sealed.body))).toEqual(['encrypt'])
    expect(Object.keys(sealed.headers)).toEqual(['content-type'])
  })
})
