import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTickets } from '@warmtoken/core/authorizer'
import { createSessions } from '@warmtoken/core/sessions'
import { freePort } from '@warmtoken/infra/free-port'
import { startDynamoDB } from '@warmtoken/local'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SERVERLESS = createRequire(join(ROOT, 'package.json')).resolve('serverless/bin/serverless.js')

let folder = ''
let database: Awaited<ReturnType<typeof startDynamoDB>>
let env: Record<string, string> = {}
beforeAll(async () => {
  // Below the root, where plugins are found.
  mkdirSync(join(ROOT, '.warmtoken'), { recursive: true })
  folder = mkdtempSync(join(ROOT, '.warmtoken/authorizers-'))
  cpSync(join(ROOT, 'test/sessions/service'), folder, { recursive: true })
  cpSync(join(ROOT, 'infra/resources'), join(folder, 'resources'), { recursive: true })
  await build({
    entryPoints: [join(ROOT, 'test/sessions/service/functions.ts')],
    outfile: join(folder, 'functions.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['source'],
  })
  rmSync(join(folder, 'functions.ts'))
  database = await startDynamoDB({ tables: ['accounts'] })
  env = {
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local-secret',
    SLS_TELEMETRY_DISABLED: '1',
    SLS_NOTIFICATIONS_MODE: 'off',
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
  }
})
afterAll(async () => {
  await database?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}

describe('the authorizers, packaged', () => {
  it('never leave the TTL to the gateway, and ask for no identity source but a ticket', async () => {
    await promisify(execFile)(process.execPath, [SERVERLESS, 'package'], { cwd: folder, env })
    const template = JSON.parse(
      readFileSync(join(folder, '.serverless/cloudformation-template-update-stack.json'), 'utf8'),
    ) as { Resources: Record<string, Resource> }
    const found = Object.values(template.Resources).filter(({ Type }) => Type.endsWith('::Authorizer'))
    const byKind = (type: string, name: string) =>
      found.find(({ Type, Properties }) => Type === type && String(Properties['Name']).includes(name))?.Properties
    expect(found).toHaveLength(3)
    const http = byKind('AWS::ApiGatewayV2::Authorizer', 'session')
    expect(http).toMatchObject({ AuthorizerResultTtlInSeconds: 0, EnableSimpleResponses: true })
    expect(http?.['IdentitySource'] ?? []).toEqual([])
    const rest = byKind('AWS::ApiGateway::Authorizer', 'rest')
    expect(rest).toMatchObject({ AuthorizerResultTtlInSeconds: 0, Type: 'REQUEST' })
    expect(rest?.['IdentitySource'] ?? '').toBe('')
    expect(byKind('AWS::ApiGatewayV2::Authorizer', 'connect')).toMatchObject({
      IdentitySource: ['route.request.querystring.ticket'],
    })
  })
})

describe('the authorizers under serverless-offline', () => {
  let offline: ChildProcess
  let output = ''
  const ports = { HTTP_PORT: 0, WEBSOCKET_PORT: 0, LAMBDA_PORT: 0 }
  beforeAll(async () => {
    for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort(0)
    const numbers = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
    offline = spawn(process.execPath, [SERVERLESS, 'offline', 'start'], {
      cwd: folder,
      env: { ...env, ...numbers },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [offline.stdout, offline.stderr]) stream?.on('data', (chunk) => (output += chunk))
    await vi.waitFor(() => expect(output).toContain('Server ready'), { timeout: 60_000, interval: 100 })
  })
  afterAll(async () => {
    offline?.kill('SIGKILL')
    if (offline?.exitCode === null) await once(offline, 'exit')
  })

  async function signedIn() {
    const store = dynamoDBStore({ table: 'accounts', env })
    const sessions = createSessions({ store })
    const { token, session } = await sessions.create(crypto.randomUUID(), { device: 'x' })
    return { sessions, session, token: token.value, tickets: createTickets({ store, sessions }) }
  }

  it.each([['/me'], ['/dev/rest']])('let a session in at %s, pass it on, and deny everything else', async (path) => {
    const { sessions, session, token } = await signedIn()
    const ask = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${ports.HTTP_PORT}${path}`, { headers })
    for (const headers of [{ authorization: `Bearer ${token}` }, { cookie: `a=b; __Host-session=${token}` }]) {
      const answer = await ask(headers)
      expect(answer.status, output.slice(-1500)).toBe(200)
      expect(await answer.json()).toMatchObject({ user: session.userId, session: session.id })
    }
    expect((await ask({ authorization: 'Bearer nonsense' })).status).toBe(403)
    expect((await ask({ authorization: 'Bearer x', cookie: `__Host-session=${token}` })).status).toBe(403)
    await sessions.revokeAll(session.userId)
    await expect.poll(async () => (await ask({ authorization: `Bearer ${token}` })).status).toBe(403)
  })

  it('open a WebSocket for a ticket, once', async () => {
    const { session, tickets } = await signedIn()
    const ticket = await tickets.issue(session)
    const connect = () =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${ports.WEBSOCKET_PORT}?ticket=${ticket}`)
        socket.onopen = () => {
          socket.close()
          resolve('open')
        }
        socket.onerror = () => resolve('refused')
      })
    expect((await Promise.all([connect(), connect()])).sort()).toEqual(['open', 'refused'])
    expect(await connect()).toBe('refused')
  })
})
