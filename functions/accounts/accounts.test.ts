import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startDynamoDB } from '@warmtoken/local'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Handler, startGateway } from './gateway.test-server.ts'

const FOLDERS = ['/usr/bin', fileURLToPath(new URL('../../.warmtoken/servers/bin', import.meta.url))]
const CHROMIUM = FOLDERS.flatMap((folder) => [`${folder}/chromium-headless-shell`, `${folder}/chromium`]).find(
  existsSync,
)
const FILES = {
  'GET /': 'page',
  'POST /sign-up': 'sign-up',
  'POST /sign-in': 'sign-in',
  'POST /sign-out': 'sign-out',
  'POST /sign-out-everywhere': 'sign-out-everywhere',
  'GET /me': 'me',
  'GET /devices': 'devices',
  'DELETE /devices/{id}': 'revoke-device',
}

let database: Awaited<ReturnType<typeof startDynamoDB>>
let gateway: Awaited<ReturnType<typeof startGateway>>
let url = ''
beforeAll(async () => {
  database = await startDynamoDB({ tables: ['accounts'] })
  const env = {
    TOKEN_TABLE: 'accounts',
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local-secret',
  }
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const routes: Record<string, Handler> = {}
  for (const [route, file] of Object.entries(FILES))
    routes[route] = ((await import(`./${file}.ts`)) as { handler: Handler }).handler
  gateway = await startGateway(routes)
  url = `http://127.0.0.1:${gateway.port}`
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await gateway?.close()
  await database?.close()
})

function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const type = { 'content-type': 'application/json', ...headers }
  return fetch(`${url}${path}`, { method: 'POST', headers: type, body: JSON.stringify(body) })
}

async function signUp(): Promise<{ name: string; password: string }> {
  const user = { name: `user-${crypto.randomUUID().slice(0, 8)}`, password: 'correct horse' }
  expect((await post('/sign-up', user)).status).toBe(201)
  return user
}

/** Signs in and gives the cookie as a browser sends it. */
async function signIn(user: { name: string; password: string }): Promise<string> {
  const answer = await post('/sign-in', user)
  expect(answer.status).toBe(200)
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

describe('accounts', () => {
  it('sign a user up once, in, and out', async () => {
    const user = await signUp()
    expect((await post('/sign-up', user)).status).toBe(409)
    const cookie = await signIn(user)
    const me = () => fetch(`${url}/me`, { headers: { cookie } })
    expect(await (await me()).json()).toEqual({ user: user.name, roles: ['member'] })
    const out = await post('/sign-out', {}, { cookie })
    expect(out.headers.getSetCookie()[0]).toMatch(/^__Host-session=; Max-Age=0/)
    expect((await me()).status).toBe(401)
  })

  it('list devices, end one of them, and all others', async () => {
    const user = await signUp()
    const cookies = [await signIn(user), await signIn(user), await signIn(user)]
    const [first = '', second = ''] = cookies
    const devices = async () =>
      (await (await fetch(`${url}/devices`, { headers: { cookie: first } })).json()) as {
        id: string
        current: boolean
      }[]
    expect((await devices()).map(({ current }) => current)).toEqual([true, false, false])
    const [, other] = await devices()
    const end = (id: string, cookie: string) => fetch(`${url}/devices/${id}`, { method: 'DELETE', headers: { cookie } })
    const stranger = await signIn(await signUp())
    expect((await end(other?.id ?? '', stranger)).status).toBe(404)
    expect((await end(other?.id ?? '', first)).status).toBe(200)
    expect((await fetch(`${url}/me`, { headers: { cookie: second } })).status).toBe(401)
    const everywhere = await post('/sign-out-everywhere', {}, { cookie: first })
    expect(await everywhere.json()).toEqual({ ended: 1 })
    expect(await devices()).toHaveLength(1)
  })

  it('refuse a wrong password and an unknown user alike, and lock after five attempts, also in parallel', async () => {
    const user = await signUp()
    const unknown = await post('/sign-in', { name: 'nobody-here', password: 'x' })
    const wrong = await post('/sign-in', { ...user, password: 'x' })
    expect([unknown.status, await unknown.text()]).toEqual([wrong.status, await wrong.text()])
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async () => (await post('/sign-in', { ...user, password: 'x' })).status),
    )
    expect(statuses.filter((status) => status === 401)).toHaveLength(4)
    const locked = await post('/sign-in', user)
    expect(locked.status).toBe(429)
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(800)
  })

  it.each([
    ['no JSON', 'x', 'application/json'],
    ['a form', '{"name":"a","password":"b"}', 'text/plain'],
    ['no name', '{"password":"b"}', 'application/json'],
    ['an empty password', '{"name":"a","password":""}', 'application/json'],
    ['a name that is not one', '{"name":"a b","password":"x"}', 'application/json'],
    ['a body that is too long', JSON.stringify({ name: 'a', password: 'x'.repeat(5_000) }), 'application/json'],
  ])('answer 400 to %s', async (_, body, type) => {
    const answer = await fetch(`${url}/sign-in`, { method: 'POST', headers: { 'content-type': type }, body })
    expect(answer.status).toBe(400)
  })
})

// `scripts/servers.sh` installs it; elsewhere these are skipped aloud.
describe.skipIf(CHROMIUM === undefined)('accounts in Chromium', () => {
  let browser: Browser
  let context: BrowserContext
  const open: { close(): Promise<unknown> }[] = []
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] })
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })

  /** A page that has signed in by its form. */
  async function signedIn(origin = url) {
    const user = await signUp()
    context = await browser.newContext()
    open.push(context)
    const page = await context.newPage()
    await page.goto(origin)
    await page.fill('[name=name]', user.name)
    await page.fill('[name=password]', user.password)
    await page.click('button[value=sign-in]')
    await page.getByText(`signed in as ${user.name}`).waitFor()
    return { user, page }
  }

  it('sign in by the page; the cookie is host-only, for no script, and gone after sign-out', async () => {
    const { page } = await signedIn()
    const [cookie] = await context.cookies()
    expect(cookie).toMatchObject({ name: '__Host-session', httpOnly: true, secure: true, sameSite: 'Lax', path: '/' })
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.click('#out')
    await page.getByText('not signed in').waitFor()
    expect(await context.cookies()).toEqual([])
  })

  it('list this device and a second one, and end the second', async () => {
    const { user, page } = await signedIn()
    const second = await signIn(user)
    await page.reload()
    await page.getByText('(this one)').waitFor()
    expect(await page.locator('#devices li').count()).toBe(2)
    await page.click('#everywhere')
    await expect.poll(() => page.locator('#devices li').count()).toBe(1)
    expect((await fetch(`${url}/me`, { headers: { cookie: second } })).status).toBe(401)
  })

  it('take no request that a page of a neighbor or of another site sends with the cookie', async () => {
    const { page } = await signedIn()
    for (const host of ['127.0.0.1', 'localhost']) {
      // The neighbor is of the same site, so that the browser sends the cookie; the other one is not.
      const form = `<form method=post action="${url}/sign-out"></form><script>document.forms[0].submit()</script>`
      const evil = await startGateway({
        'GET /': async () => ({ statusCode: 200, headers: { 'content-type': 'text/html' }, body: form }),
      })
      open.push(evil)
      const tab = await context.newPage()
      const answer = tab.waitForResponse(`${url}/sign-out`)
      await tab.goto(`http://${host}:${evil.port}/`)
      expect([host, (await answer).status()]).toEqual([host, host === 'localhost' ? 401 : 403])
    }
    await page.reload()
    await page.getByText('signed in as').waitFor()
  })

  it('take no cookie that a sibling host has planted (fixation)', async () => {
    const planted = await signIn(await signUp())
    const cookies = [`${planted}; Path=/; Secure; Domain=localhost`, `${planted}; Path=/; Secure`, 'mark=1; Path=/']
    const sibling = await startGateway({ 'GET /': async () => ({ statusCode: 200, cookies, body: 'x' }) })
    open.push(sibling)
    context = await browser.newContext()
    open.push(context)
    const page = await context.newPage()
    await page.goto(`http://b.localhost:${sibling.port}/`)
    // It may set its own, and nobody else's.
    expect((await context.cookies()).map(({ name, domain }) => [name, domain])).toEqual(
      expect.arrayContaining([
        ['__Host-session', 'b.localhost'],
        ['mark', 'b.localhost'],
      ]),
    )
    await page.goto(`http://a.localhost:${gateway.port}/`)
    await page.getByText('not signed in').waitFor()
  })
})
