import { inspect } from 'node:util'
import { createTokens } from '@warmtoken/core'
import { type SalesforceOptions, salesforce } from '@warmtoken/core/salesforce'
import { type SalesforceImitation, startSalesforce } from '@warmtoken/local/issuers'
import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { fetchRequest } from './fetch-request.ts'

const running: SalesforceImitation[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

let privateKey = ''
let publicKey = ''
beforeAll(async () => {
  const pair = await generateKeyPair('RS256', { extractable: true })
  privateKey = await exportPKCS8(pair.privateKey)
  publicKey = await exportSPKI(pair.publicKey)
})

const CLIENT = '3MVG9.consumer'
const ROBOT = 'robot@example.com'

async function setUp(more: Partial<SalesforceOptions> = {}, org: { readonly instanceUrl?: unknown } = {}) {
  const server = await startSalesforce({ clientId: CLIENT, publicKey, users: [ROBOT, 'ada@example.com'], ...org })
  running.push(server)
  const { username = ROBOT, ...rest } = more
  const options = { clientId: CLIENT, privateKey, loginUrl: server.url, allowInsecure: true, ...rest }
  const source = salesforce({ ...options, username })
  return { server, options, source, fetch: () => source.fetch(fetchRequest(undefined)) }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((cause: unknown) => cause)
}

describe('a token of Salesforce', () => {
  it('opens the API at the address that came with it, and lives 90 minutes', async () => {
    const { server, source } = await setUp()
    const token = await createTokens({ directory: false }).use(source).get()
    expect(token.extra).toEqual({ instanceUrl: server.url })
    expect(token.expiresAt - token.issuedAt).toBe(5_400_000)
    const response = await fetch(`${token.extra?.['instanceUrl']}${server.apiPath}`, { headers: token.headers() })
    expect(await response.json()).toEqual({ username: ROBOT })
    expect([server.logins, server.requests]).toEqual([1, 1])
  })

  it('has not timed out at the end of its life, although nobody used it', async () => {
    const { server, fetch: login } = await setUp()
    const { value, lifetime } = await login()
    server.advance(lifetime)
    const headers = { authorization: `Bearer ${value.value}` }
    expect((await fetch(`${server.url}${server.apiPath}`, { headers })).status).toBe(200)
  })

  it('lives as long as the options say', async () => {
    const { fetch } = await setUp({ lifetime: 600_000 })
    expect((await fetch()).lifetime).toBe(600_000)
  })

  it('is for the user named by the parameters', async () => {
    const { server, options } = await setUp()
    const users = createTokens({ directory: false }).use(salesforce(options))
    const ada = users.for({ username: 'ada@example.com' })
    expect(ada.key).not.toBe(users.for({ username: ROBOT }).key)
    const token = await ada.get()
    const response = await fetch(`${server.url}${server.apiPath}`, { headers: token.headers() })
    expect(await response.json()).toEqual({ username: 'ada@example.com' })
    expect(() => users.for({ username: '' })).toThrow('"username"')
  })

  it('is replaced once the API says that its session is over', async () => {
    const { server, source } = await setUp()
    const handle = createTokens({ directory: false }).use(source)
    await handle.get()
    server.endSessions()
    const response = await handle.fetch(`${server.url}${server.apiPath}`)
    expect(response.status).toBe(200)
    expect(server.logins).toBe(2)
  })
})

describe('an answer of the API', () => {
  const isRejection = async (status: number, body: unknown): Promise<unknown> => {
    const source = salesforce({ clientId: CLIENT, privateKey: 'x', username: ROBOT })
    return source.traits?.isRejection?.({ status, headers: new Headers(), json: async () => body })
  }

  it.each([
    [401, [{ errorCode: 'INVALID_SESSION_ID' }], true],
    [401, [{ errorCode: 'OTHER' }, { errorCode: 'INVALID_SESSION_ID' }], true],
    [401, undefined, true],
    [401, [{ errorCode: 'INVALID_AUTH_HEADER' }], false],
    [401, [null, 7], false],
    [403, [{ errorCode: 'INVALID_SESSION_ID' }], false],
    [200, [{ errorCode: 'INVALID_SESSION_ID' }], false],
  ])('%i with %j refuses the token: %j', async (status, body, refused) => {
    expect(await isRejection(status, body)).toBe(refused)
  })
})

describe('a sign-in that fails', () => {
  it.each([
    ['the user has not approved the app', { username: 'eve@example.com' }, 'invalid_grant'],
    ['the app is unknown', { clientId: 'other' }, 'invalid_client_id'],
    ['the audience is wrong', { audience: 'https://login.salesforce.com' }, 'invalid_grant'],
  ])('because %s is a refusal with the code of Salesforce', async (_name, options, code) => {
    const { fetch } = await setUp(options)
    const error = await failureOf(fetch())
    expect(error).toMatchObject({ name: 'SourceRefusedError', code })
    expect(inspect(error)).not.toMatch(/approved|identifier invalid|audience is/)
  })

  it.each([429, 500])('with status %i may pass', async (status) => {
    const { fetch, server } = await setUp()
    server.failNext({ status, body: 'MARKED' })
    const error = await failureOf(fetch())
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code: `HTTP_${status}` })
    expect(inspect(error)).not.toContain('MARKED')
    expect((await fetch()).value.type).toBe('Bearer')
  })

  it.each([
    undefined,
    null,
    7,
    'MARKED',
    '/services',
    'ftp://a.example',
    'https://MARKED:x@a.example',
    `https://${'a'.repeat(2_048)}`,
  ])('for its instance_url is %j is an error that does not show it', async (instanceUrl) => {
    const { fetch } = await setUp({}, { instanceUrl })
    const error = await failureOf(fetch())
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code: 'BAD_ANSWER' })
    expect(String(error)).toContain('"instance_url"')
    expect(inspect(error)).not.toContain('MARKED')
  })

  it('keeps nothing but the origin of the instance_url', async () => {
    const { fetch } = await setUp({}, { instanceUrl: 'https://org.my.salesforce.com/path/?a=1#b' })
    expect((await fetch()).value.extra).toEqual({ instanceUrl: 'https://org.my.salesforce.com' })
  })
})

describe('wrong options', () => {
  const base = { clientId: CLIENT, privateKey: 'x', username: ROBOT }
  it.each([
    [{ ...base, clientId: undefined }, 'clientId'],
    [{ ...base, privateKey: undefined }, 'privateKey'],
    [{ ...base, username: '' }, 'username'],
    [{ ...base, loginUrl: 'login.salesforce.com' }, 'loginUrl'],
    [{ ...base, loginUrl: 'http://login.salesforce.com' }, 'loginUrl'],
    [{ ...base, lifetime: 0 }, 'lifetime'],
    [{ ...base, user: ROBOT }, 'user'],
  ])('%j are a TypeError at construction that names "%s"', (options, name) => {
    const make = (): unknown => salesforce(options as unknown as typeof base)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`"${name}"`)
  })
})
