import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Live, type LiveEvent, live } from '@warmtoken/client'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { startOffline } from '../offline/offline-run.ts'

const FOLDERS = ['/usr/bin', fileURLToPath(new URL('../../.warmtoken/servers/bin', import.meta.url))]
const CHROMIUM = FOLDERS.flatMap((folder) => [`${folder}/chromium-headless-shell`, `${folder}/chromium`]).find(
  existsSync,
)
const PATIENT = { timeout: 60_000, interval: 20 }

/** The service of `serverless.live.yml` under serverless-offline. */
async function start(env: Readonly<Record<string, string>> = {}) {
  const run = await startOffline({ config: 'serverless.live.yml', ready: 'stream of', env })
  const addressOf = (name: string): string => new RegExp(`${name} +(\\S+)`).exec(run.output())?.[1] ?? ''
  const page = addressOf('posts, live')
  return { run, page, base: new URL(page).origin, ws: addressOf('WebSocket'), sse: addressOf('event stream') }
}

type Service = Awaited<ReturnType<typeof start>>

let made = 0

/** A new user, or a known one on another device, signed in. */
async function signIn(base: string, known?: { readonly name: string; readonly password: string }) {
  made += 1
  const headers = { 'content-type': 'application/json' }
  const user = known ?? { name: `user-${made}-${crypto.randomUUID().slice(0, 8)}`, password: 'correct horse' }
  const ask = (path: string) => fetch(`${base}${path}`, { method: 'POST', headers, body: JSON.stringify(user) })
  if (known === undefined) expect((await ask('/sign-up')).status).toBe(201)
  const cookie = (await ask('/sign-in')).headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const post = async (path: string, body = ''): Promise<string> => {
    const answer = await fetch(`${base}${path}`, { method: 'POST', headers: { cookie }, body })
    expect(answer.status).toBe(200)
    return answer.text()
  }
  return { user, cookie, post, ticket: () => post('/live/ticket') }
}

const clients: Live[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})

/** The states of a client that follows the posts; resolves when it does. */
async function follow(ws: string, ticket: () => Promise<string>): Promise<readonly string[]> {
  const states: string[] = []
  const client = live({ ws, ticket, onState: (state, code) => states.push(code ? `${state}: ${code}` : state) })
  clients.push(client)
  client.subscribe('tag:posts', () => {})
  await until(() => expect(states.at(-1)).toBe('open'))
  return states
}

const until = (check: () => void | Promise<void>): Promise<void> => vi.waitFor(check, PATIENT)

describe('live events under serverless-offline', () => {
  let service: Service
  let browser: Browser
  beforeAll(async () => {
    service = await start()
    if (CHROMIUM !== undefined) browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser?.close()
    await service?.run.end('SIGINT')
    service?.run.cleanUp()
  })

  it.each(['ws', 'sse'] as const)('bring a post and its like over %s, each version once', async (by) => {
    const { base } = service
    const { post, ticket } = await signIn(base)
    const heard: LiveEvent[] = []
    const states: string[] = []
    const client = live({ [by]: service[by], ticket, onState: (state) => states.push(state) })
    client.subscribe('tag:posts', (event) => heard.push(event))
    await until(() => expect(states.at(-1)).toBe('open'))
    const { id, version } = JSON.parse(await post('/posts', 'hello'))
    await until(() => expect(heard.some((event) => event.key === id && event.version === version)).toBe(true))
    const liked = JSON.parse(await post(`/posts/${id}/like`))
    await until(() => expect(heard.at(-1)).toMatchObject({ key: id, version: liked.version }))
    const versions = heard.filter(({ key }) => key === id).map((event) => event.version)
    expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other))
    client.close()
  })

  it('close the sockets of other devices at once when a user signs out everywhere, and its own when it signs out', async () => {
    const { base, ws } = service
    const own = await signIn(base)
    const other = await signIn(base, own.user)
    const states = await Promise.all([own, other].map(({ ticket }) => follow(ws, ticket)))
    await own.post('/sign-out-everywhere')
    await until(() => expect(states[1]?.at(-1)).toBe('closed: session-ended'))
    expect(states[0]?.at(-1)).toBe('open')
    await own.post('/sign-out')
    await until(() => expect(states[0]?.at(-1)).toBe('closed: session-ended'))
  })

  it('open no socket for a ticket that was spent, or from a foreign origin', async () => {
    const { base, ws } = service
    const { ticket } = await signIn(base)
    const spent = await ticket()
    const first = new WebSocket(`${ws}?ticket=${spent}`)
    await until(() => expect(first.readyState).toBe(1))
    const second = new WebSocket(`${ws}?ticket=${spent}`)
    await until(() => expect(second.readyState).toBe(3))
    first.close()
    // A browser sets the header; here the request is made by hand.
    const url = `${ws.replace('ws:', 'http:')}?ticket=${await ticket()}`
    expect(await upgrade(url, 'https://evil.example.com')).toBe(403)
  })

  describe.skipIf(CHROMIUM === undefined)('in two tabs of Chromium', () => {
    /** A tab of a new user in a context of its own. */
    async function tab(query: string): Promise<{ page: Page; problems: string[] }> {
      const page = await (await browser.newContext()).newPage()
      const problems: string[] = []
      page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) problems.push(message.text())
      })
      page.on('pageerror', (error) => problems.push(error.message))
      await page.goto(`${service.page}${query}`)
      made += 1
      await page.fill('[name=name]', `tab-${made}-${crypto.randomUUID().slice(0, 8)}`)
      await page.fill('[name=password]', 'correct horse')
      await page.click('button[value=sign-up]')
      await page.getByText('sign-up', { exact: true }).and(page.locator('#state')).waitFor()
      await page.click('button[value=sign-in]')
      await page.locator('#state', { hasText: 'open' }).waitFor()
      return { page, problems }
    }

    it.each(['ws', 'sse'])(
      'show a post of one in the other, and the leaderboard in both, over %s and a strict policy',
      async (only) => {
        const one = await tab(`?only=${only}`)
        const other = await tab(`?only=${only}`)
        for (let n = 0; n < 5; n += 1) {
          const text = `post ${n} over ${only} <b>&amp;`
          await one.page.fill('[name=text]', text)
          await one.page.click('#new button')
          await other.page.locator('#posts li', { hasText: text }).waitFor()
          await one.page.locator('#posts li', { hasText: text }).waitFor()
        }
        const last = `post 4 over ${only} <b>&amp;`
        await other.page.locator('#posts li', { hasText: last }).locator('button').click()
        for (const { page } of [one, other]) await page.locator('#leaders li', { hasText: `1 × ${last}` }).waitFor()
        expect([...one.problems, ...other.problems]).toEqual([])
        for (const { page } of [one, other]) await page.context().close()
      },
    )
  })
})

describe('live events when direct publishing is lost', () => {
  let service: Service
  beforeAll(async () => {
    service = await start({ LIVE_DIRECT: 'false' })
  })
  afterAll(async () => {
    await service?.run.end('SIGINT')
    service?.run.cleanUp()
  })

  it('reach every client as events of the stream, and not only when it next asks for versions', async () => {
    const { base, ws } = service
    const { post, ticket } = await signIn(base)
    const heard: LiveEvent[][] = [[], [], []]
    const states = await Promise.all(
      heard.map(async (events) => {
        const told: string[] = []
        const client = live({ ws, ticket, onState: (state) => told.push(state) })
        clients.push(client)
        client.subscribe('tag:posts', (event) => events.push(event))
        await until(() => expect(told.at(-1)).toBe('open'))
        return told
      }),
    )
    for (let n = 0; n < 10; n += 1) {
      const { id, version } = JSON.parse(await post('/posts', `post ${n}`)) as { id: string; version: number }
      const event = expect.objectContaining({ key: id, version, kind: 'publish' })
      await until(() => {
        for (const events of heard) expect(events).toContainEqual(event)
      })
    }
    // Nobody connected again meanwhile: an acknowledgment would have brought the versions.
    expect(states).toEqual(states.map(() => ['connecting', 'open']))
  })

  it('close the sockets of a session that signs out', async () => {
    const { base, ws } = service
    const { post, ticket } = await signIn(base)
    const states = await follow(ws, ticket)
    await post('/sign-out')
    await until(() => expect(states.at(-1)).toBe('closed: session-ended'))
  })
})

/** The status that a request for a WebSocket is answered by. */
async function upgrade(url: string, origin: string): Promise<number> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      origin,
    }
    const sent = request(url, { headers }, (answer) => resolve(answer.statusCode ?? 0))
    sent.on('upgrade', (_answer, socket) => {
      socket.destroy()
      resolve(101)
    })
    sent.on('error', reject)
    sent.end()
  })
}
