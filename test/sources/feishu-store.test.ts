import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { createTokens } from '@warmtoken/core'
import { feishuStoreApp, feishuStoreTenant, ticketInbox, ticketWebhook } from '@warmtoken/core/feishu'
import { memoryStore } from '@warmtoken/core/memory'
import { aesGcm } from '@warmtoken/core/seal'
import { challengeEvent, type FeishuImitationOptions, startFeishu } from '@warmtoken/local/issuers'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRequest } from './fetch-request.ts'
import { shiftedRuntime } from './shifted-runtime.ts'

const MINUTE = 60_000
const TENANT = { tenantKey: 'tenant-1' }
const PUSH = { verificationToken: 'local-verification', encryptKey: 'push-key' }

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

/** A store app: a function that receives tickets, functions that use tokens, and between them a store. */
async function setUp(options: FeishuImitationOptions = {}) {
  const runtime = shiftedRuntime()
  const store = memoryStore({ wall: runtime.wall })
  const codec = aesGcm({ ring: { current: 'k', keys: { k: new Uint8Array(32).fill(7) } } })
  const newInbox = () => ticketInbox({ store, codec, appId: 'cli_local' })
  const receive = ticketWebhook({ inbox: newInbox(), ...PUSH })
  const server = createServer(async (request, response) => {
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const answer = await receive({ headers, body: await text(request) })
    response.writeHead(answer.statusCode, answer.headers).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const webhook = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
  const feishu = await startFeishu({ webhook, ...PUSH, ...options })
  closing.push(feishu.close, async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const given = { appId: 'cli_local', appSecret: 'local-secret', baseUrl: feishu.url, allowInsecure: true }
  /** One more environment, with its own memory. */
  const environment = () => {
    const tokens = createTokens({ store, codec, runtime, directory: false })
    const more = { ...given, inbox: newInbox() }
    return { tenants: tokens.use(feishuStoreTenant(more)), app: tokens.use(feishuStoreApp(more)) }
  }
  const contacts = new URL('/open-apis/contact/v3/users', feishu.url)
  let secretReads = 0
  const appSecret = (): string => {
    secretReads += 1
    return given.appSecret
  }
  const source = feishuStoreTenant({ ...given, appSecret, inbox: newInbox() })
  return {
    feishu,
    source,
    secretReads: () => secretReads,
    environment,
    contacts,
    runtime,
    webhook,
    inbox: newInbox(),
    ...environment(),
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('a store app', () => {
  it('has a token for each tenant once its ticket was pushed', async () => {
    const { feishu, tenants, contacts, inbox } = await setUp()
    expect(await feishu.pushTicket()).toBe(200)
    expect(await inbox.get()).toMatch(/^ticket-/)
    const one = tenants.for(TENANT)
    const other = tenants.for({ tenantKey: 'tenant-2' })
    expect(one.key).not.toBe(other.key)
    const first = await one.get()
    expect((await other.get()).value).not.toBe(first.value)
    expect(await (await one.fetch(contacts)).json()).toMatchObject({ code: 0 })
    // One for the app, kept in this process, and one for each tenant.
    expect(feishu.requests).toBe(3)
  })

  it('refuses a missing tenant at once', async () => {
    const { tenants } = await setUp()
    expect(() => tenants.for({} as typeof TENANT)).toThrow(TypeError)
    expect(() => tenants.for({} as typeof TENANT)).toThrow('"tenantKey"')
  })

  it('has an app token too, which environments share', async () => {
    const { feishu, environment } = await setUp()
    await feishu.pushTicket()
    const all = await Promise.all(Array.from({ length: 5 }, () => environment().app.get()))
    expect(new Set(all.map(({ value }) => value.slice(0, 2)))).toEqual(new Set(['a-']))
    expect(feishu.requests).toBe(1)
  })

  it('without a ticket asks for one, and has a token as soon as it has come', async () => {
    const { feishu, tenants } = await setUp()
    const handle = tenants.for(TENANT)
    expect((await handle.get()).value).toMatch(/^t-/)
    expect(feishu.resends).toBe(1)
  })

  it('with a ticket that is over asks for another one', async () => {
    const { feishu, tenants, inbox } = await setUp()
    await feishu.pushTicket()
    const stale = await inbox.get()
    feishu.newTicket()
    const handle = tenants.for(TENANT)
    expect((await handle.get()).value).toMatch(/^t-/)
    expect(feishu.resends).toBe(1)
    await feishu.settled()
    expect(await inbox.get()).not.toBe(stale)
  })

  it('asks for a ticket once, however many environments miss it', async () => {
    const { feishu, environment } = await setUp()
    const all = Array.from({ length: 10 }, () => environment().tenants.for(TENANT).get())
    expect(new Set((await Promise.all(all)).map(({ value }) => value)).size).toBe(1)
    expect(feishu.resends).toBe(1)
  })

  it('replaces the app token of this process when the platform took it back', async () => {
    const { feishu, tenants, app } = await setUp()
    await feishu.pushTicket()
    await tenants.for(TENANT).get()
    feishu.revoke((await app.get()).value)
    expect((await tenants.for({ tenantKey: 'tenant-2' }).get()).value).toMatch(/^t-/)
    // Two apps' and two tenants' tokens, the app source's own request, and the one that was refused.
    expect(feishu.requests).toBe(6)
  })

  it('does not try an app token twice that was refused, though another one is not available', async () => {
    const { feishu, source, app, inbox } = await setUp({ webhook: 'http://127.0.0.1:1' })
    await inbox.put(feishu.newTicket())
    await source.fetch(fetchRequest(TENANT))
    feishu.revoke((await app.get()).value)
    feishu.newTicket()
    const before = feishu.requests
    for (const after of [2, 3]) {
      const error = await source.fetch(fetchRequest(TENANT)).catch((cause: unknown) => cause)
      expect([error, feishu.requests - before]).toMatchObject([{ code: 'FEISHU_TICKET_REFUSED' }, after])
    }
  })

  it('asks for the app token once when many tenants ask together', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `tenant-${n}`)
    const { feishu, tenants } = await setUp({ tenants: names, delay: 20 })
    await feishu.pushTicket()
    const all = await Promise.all(names.map((tenantKey) => tenants.for({ tenantKey }).get()))
    expect(new Set(all.map(({ value }) => value)).size).toBe(20)
    expect(feishu.requests).toBe(21)
  })

  it('does not fail because another one, which asked for the app token first, gave up', async () => {
    const { feishu, source, secretReads } = await setUp()
    await feishu.pushTicket()
    feishu.failNext('hang')
    const impatient = new AbortController()
    const first = source.fetch(fetchRequest(TENANT, { signal: impatient.signal })).catch((error: unknown) => error)
    await until(() => feishu.requests === 1)
    const second = source.fetch(fetchRequest({ tenantKey: 'tenant-2' }))
    // From reading its secret to joining the first the second waits for nothing.
    await until(() => secretReads() === 2)
    await new Promise((resolve) => setImmediate(resolve))
    impatient.abort()
    expect(await first).toMatchObject({ code: 'SOURCE_UNREACHABLE' })
    expect((await second).value.value).toMatch(/^t-/)
  })

  it('does not use the app token of this process beyond its life', async () => {
    const { feishu, tenants } = await setUp({ lifetime: 30_000 })
    await feishu.pushTicket()
    await tenants.for(TENANT).get()
    await tenants.for({ tenantKey: 'tenant-2' }).get()
    // So short a life is not worth keeping: each tenant's fetch asks for the app token itself.
    expect(feishu.requests).toBe(4)
  })

  it('replaces a tenant token that the API refuses', async () => {
    const { feishu, tenants, contacts } = await setUp()
    await feishu.pushTicket()
    const handle = tenants.for(TENANT)
    const first = await handle.get()
    feishu.revoke(first.value)
    expect(await (await handle.fetch(contacts)).json()).toMatchObject({ code: 0 })
    expect((await handle.get()).value).not.toBe(first.value)
    expect(feishu.requests).toBe(3)
  })

  it('is informed that a tenant has not installed it, and the others are served', async () => {
    const { feishu, tenants } = await setUp()
    await feishu.pushTicket()
    const stranger = tenants.for({ tenantKey: 'stranger' })
    await expect(stranger.get()).rejects.toMatchObject({ name: 'SourceRefusedError', code: 'FEISHU_10003' })
    expect((await tenants.for(TENANT).get()).value).toMatch(/^t-/)
  })
})

describe('the webhook of a store app', () => {
  const send = async (webhook: string, event: { headers: Record<string, string>; body: string }): Promise<Response> =>
    fetch(webhook, { method: 'POST', ...event })

  it('answers the check of its address', async () => {
    const { webhook } = await setUp()
    const { headers, body } = challengeEvent(PUSH, 'are-you-there')
    const response = await send(webhook, { headers: { ...headers }, body })
    expect([response.status, await response.json()]).toEqual([200, { challenge: 'are-you-there' }])
  })

  it('keeps the newest of pushes that come in the wrong order', async () => {
    const { feishu, webhook, inbox } = await setUp()
    const older = feishu.ticketEvent(feishu.now() - MINUTE)
    const newer = feishu.ticketEvent(feishu.now() - 1_000)
    for (const { headers, body } of [newer, older])
      expect((await send(webhook, { headers: { ...headers }, body })).status).toBe(200)
    expect(await inbox.get()).toBe(newer.ticket)
  })

  it('refuses a push that someone else signed', async () => {
    const { feishu, webhook, inbox } = await setUp({ encryptKey: 'of someone else' })
    const { headers, body } = feishu.ticketEvent()
    expect((await send(webhook, { headers: { ...headers }, body })).status).toBe(401)
    expect(await inbox.get()).toBeUndefined()
  })
})
