import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SERVERLESS = createRequire(join(ROOT, 'package.json')).resolve('serverless/bin/serverless.js')

let offline: ChildProcess
let output = ''
let url = ''
const home = mkdtempSync(join(tmpdir(), 'warmtoken-accounts-'))
beforeAll(async () => {
  offline = spawn(process.execPath, [SERVERLESS, 'offline', 'start', '--config', 'serverless.accounts.yml'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [offline.stdout, offline.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const find = () => {
    url = /functions +(http:\/\/\S+)/.exec(output)?.[1] ?? ''
    expect(url, output).not.toBe('')
  }
  await vi.waitFor(find, { timeout: 90_000, interval: 100 })
})
afterAll(async () => {
  offline.kill('SIGTERM')
  if (offline.exitCode === null) await once(offline, 'exit')
  rmSync(home, { recursive: true, force: true })
})

it('the accounts sign in under serverless-offline, and out everywhere', async () => {
  const user = { name: 'ann', password: 'correct horse' }
  const post = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(user),
    })
  expect(await (await fetch(url)).text()).toContain('<h1>Accounts</h1>')
  expect((await post('/sign-up')).status).toBe(201)
  const cookies = []
  for (let n = 0; n < 2; n += 1) cookies.push((await post('/sign-in')).headers.getSetCookie()[0]?.split(';')[0] ?? '')
  const [first = '', second = ''] = cookies
  const get = (path: string, cookie: string) => fetch(`${url}${path}`, { headers: { cookie } })
  expect(await (await get('/me', first)).json()).toEqual({ user: 'ann', roles: ['member'] })
  expect(await (await get('/devices', first)).json()).toHaveLength(2)
  expect(await (await post('/sign-out-everywhere', { cookie: first })).json()).toEqual({ ended: 1 })
  expect(await (await get('/devices', first)).json()).toHaveLength(1)
  // Another function may have accepted it a moment ago: it is refused within `recheck`.
  await vi.waitFor(async () => expect((await get('/me', second)).status).toBe(401), { timeout: 10_000, interval: 200 })
})
