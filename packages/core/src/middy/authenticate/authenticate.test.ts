import middy from '@middy/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFleet, type Member } from '../../sessions/fleet.test-data.ts'
import type { Session } from '../../sessions/types.ts'
import { type AuthenticateOptions, authenticate, clearedCookie, sessionCookie } from './authenticate.ts'

type Role = { readonly roles: readonly string[] }
type Headers = { readonly [name: string]: string }

interface Asked {
  readonly method?: string
  readonly path?: string
  /** The route in the gateway; `undefined`: `$default`, or a greedy one. */
  readonly route?: string
  readonly headers?: Headers
  readonly cookies?: readonly string[]
  readonly userArn?: string
}

/** As an HTTP API and a function URL send it. */
function version2({ method = 'GET', path = '/me', route, headers = {}, cookies, userArn }: Asked) {
  return {
    version: '2.0',
    routeKey: route === undefined ? '$default' : `${method} ${route}`,
    rawPath: path,
    headers,
    ...(cookies && { cookies }),
    requestContext: { http: { method, path }, stage: '$default', ...(userArn && { authorizer: { iam: { userArn } } }) },
  }
}

/** As a REST API sends it. */
function version1({ method = 'GET', path = '/me', route, headers = {}, cookies, userArn }: Asked) {
  const all = { ...headers, ...(cookies && { Cookie: cookies.join(';') }) }
  return {
    resource: route ?? '/{proxy+}',
    httpMethod: method,
    path,
    headers: all,
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    requestContext: { stage: 'dev', identity: { userArn: userArn ?? null } },
  }
}

const FORMS = [
  ['HTTP API', version2],
  ['REST API', version1],
] as const

async function stage(options?: AuthenticateOptions<Session<unknown, Role>>) {
  const fleet = createFleet()
  const member: Member<undefined, Role> = fleet.member()
  const created = await member.sessions.create('ann', undefined, { user: { roles: ['reader'] } })
  const { value } = created.token
  const handler = middy()
    .use(authenticate(member.sessions as never, options ?? {}))
    .handler(async (_event, context) => ({
      statusCode: 200,
      body: String((context as { session?: Session }).session?.userId),
    }))
  const ask = async (event: unknown) =>
    (await handler(event as never, { getRemainingTimeInMillis: () => 3_000 } as never)) as {
      statusCode: number
      body: string
      headers?: Headers
      cookies?: unknown
    }
  return { fleet, member, created, token: value, ask, bearer: { authorization: `Bearer ${value}` } }
}

describe.each(FORMS)('authenticate, %s', (_, form) => {
  it('lets a bearer token in, from memory, and puts the session on the context', async () => {
    const { ask, bearer, member } = await stage()
    const before = member.reads()
    expect(await ask(form({ headers: bearer }))).toEqual({ statusCode: 200, body: 'ann' })
    expect(member.reads()).toBe(before)
  })

  it('lets a cookie in, beside others', async () => {
    const { ask, token } = await stage()
    const cookies = ['theme=dark', `__Host-session=${token}`, 'a=b=c']
    expect((await ask(form({ cookies }))).body).toBe('ann')
  })

  it('answers as RFC 6750 says, and gives the reason in the event only', async () => {
    const { ask, member, bearer, token } = await stage({ needs: { '/admin': ({ user }) => user.roles.includes('x') } })
    const answers = [
      await ask(form({})),
      await ask(form({ headers: { authorization: 'Bearer nonsense' } })),
      await ask(form({ headers: bearer, path: '/admin', route: '/admin' })),
      await ask(form({ headers: bearer, cookies: [`__Host-session=${token}`] })),
    ]
    expect(answers.map(({ statusCode, headers, body }) => [statusCode, headers?.['www-authenticate'], body])).toEqual([
      [401, 'Bearer realm="api"', '{"error":"unauthorized"}'],
      [401, 'Bearer realm="api", error="invalid_token"', '{"error":"invalid_token"}'],
      [403, 'Bearer realm="api", error="insufficient_scope"', '{"error":"insufficient_scope"}'],
      [400, 'Bearer realm="api", error="invalid_request"', '{"error":"invalid_request"}'],
    ])
    expect(member.reasons()).toEqual(['absent', 'malformed', 'scope', 'malformed'])
    expect(JSON.stringify(member.events)).not.toContain('nonsense')
  })

  it('reads nothing for headers that are abused', async () => {
    const { ask, member, token } = await stage()
    const before = member.reads()
    const long = 'x'.repeat(9_000)
    const asked: readonly (readonly [number, Asked])[] = [
      [400, { headers: { authorization: `Bearer ${long}` } }],
      [400, { cookies: [`a=${long}`, `__Host-session=${token}`] }],
      [400, { headers: { authorization: `Bearer ${token}, Bearer ${token}` } }],
      [400, { cookies: [`__Host-session=${token}`, `__Host-session=${token}`] }],
      [401, { cookies: ['', '=', ';;', '__Host-session', '%=%', '__Host-session='] }],
      [401, { cookies: ['__Host-session=%E0%A4%A'] }],
      [401, { cookies: [`session=${token}`] }],
      [401, { headers: { authorization: `Basic ${token}` } }],
      [401, { headers: { authorization: 'Bearer' } }],
      [401, { headers: { authorization: `Bearer ${token} x` } }],
      [401, { headers: { authorization: `Bearer ${token.slice(0, -1)}` } }],
    ]
    for (const [status, one] of asked) expect([(await ask(form(one))).statusCode, one]).toEqual([status, one])
    expect(member.reads()).toBe(before)
  })

  it('answers 503 with Retry-After while the store is down, and keeps the cookie', async () => {
    const { ask, fleet, token } = await stage()
    fleet.advance(10_000)
    fleet.down = true
    const answer = await ask(form({ cookies: [`__Host-session=${token}`] }))
    expect(answer).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } })
    expect(JSON.stringify(answer).toLowerCase()).not.toContain('set-cookie')
    expect(answer.cookies).toBeUndefined()
    expect((await ask(form({}))).statusCode).toBe(401)
  })

  it('lets every caller in on open routes, as the gateway decided', async () => {
    const { ask, member } = await stage({ open: ['GET /health', '/public/*', '/items/{id}'] })
    const before = member.reads()
    const open: readonly Asked[] = [
      { path: '/health', route: '/health' },
      { path: '/public/x', route: '/public/{name}' },
      { path: '/public/a/b' },
      { path: '/items/1', route: '/items/{id}' },
    ]
    for (const one of open) expect([(await ask(form(one))).statusCode, one]).toEqual([200, one])
    const closed: readonly Asked[] = [
      { method: 'POST', path: '/health', route: '/health' },
      { path: '/public/../me', route: '/me' },
      { path: '/public' },
      { path: '/publicity' },
      { path: '/me', route: '/{any}' },
    ]
    for (const one of closed) expect([(await ask(form(one))).statusCode, one]).toEqual([401, one])
    expect(member.reads()).toBe(before)
  })

  it('opens no route by a trick with the path', async () => {
    const { ask } = await stage({ open: ['/public/*'] })
    const trick = fc.constantFrom(
      '/.',
      '//',
      '/..',
      '%2f',
      '%2F',
      '%5c',
      ';',
      '\\',
      '%2e',
      '%3B',
      '%00',
      '%252f',
      '\n',
      '?',
    )
    const piece = fc.oneof(fc.stringMatching(/^[a-z/]{0,8}$/), trick)
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 4 }), trick, fc.array(piece, { maxLength: 4 }), async (a, b, c) => {
        const path = `/public/${a.join('')}${b}${c.join('')}`
        expect((await ask(form({ path }))).statusCode).toBe(401)
      }),
      { numRuns: 300 },
    )
  })

  it('answers 400 where a need could be led past by a path that is not plain', async () => {
    const { ask, bearer } = await stage({ needs: { '/admin/*': () => false } })
    expect((await ask(form({ headers: bearer, path: '//admin/x' }))).statusCode).toBe(400)
    expect((await ask(form({ headers: bearer, path: '/a/../admin/x' }))).statusCode).toBe(400)
    expect((await ask(form({ headers: bearer, path: '/admin/x' }))).statusCode).toBe(403)
    expect((await ask(form({ headers: bearer, path: '/other' }))).statusCode).toBe(200)
  })

  it('takes a need for met only when it says true', async () => {
    for (const said of [1, 'yes', undefined, {}, Promise.resolve('true')]) {
      const { ask, bearer } = await stage({ needs: { '/*': () => said as never } })
      expect((await ask(form({ headers: bearer }))).statusCode).toBe(403)
    }
    const { ask, bearer } = await stage({ needs: { '/*': async () => true, '/me': () => true } })
    expect((await ask(form({ headers: bearer }))).statusCode).toBe(200)
  })

  it('lets internal callers in by IAM or by a secret, and nobody else on their routes', async () => {
    const internal = { routes: ['/internal/*'], iam: ['arn:aws:sts::1:assumed-role/jobs/*'], secret: () => 'shared' }
    const { ask, bearer } = await stage({ internal })
    const on = (more: Asked) => ask(form({ path: '/internal/x', route: '/internal/x', ...more }))
    expect((await on({ userArn: 'arn:aws:sts::1:assumed-role/jobs/7' })).body).toBe('undefined')
    expect((await on({ headers: { 'X-Internal-Secret': 'shared' } })).statusCode).toBe(200)
    const refused: readonly Asked[] = [
      { userArn: 'arn:aws:sts::1:assumed-role/other/7' },
      { headers: { 'x-internal-secret': 'shared ' } },
      { headers: { 'x-internal-secret': '' } },
      { headers: bearer },
      {},
    ]
    for (const one of refused) expect([(await on(one)).statusCode, one]).toEqual([401, one])
    expect((await ask(form({ userArn: 'arn:aws:sts::1:assumed-role/jobs/7' }))).statusCode).toBe(401)
  })

  it('refuses what another site may have caused: method × Sec-Fetch-Site × Origin', async () => {
    const { ask, token, member, bearer } = await stage({ origins: ['https://app.example.com'] })
    const own = 'https://api.example.com'
    const listed = 'https://app.example.com'
    const evil = 'https://evil.example'
    const sites = [undefined, 'same-origin', 'same-site', 'cross-site', 'none', 'nonsense']
    const origins = [undefined, own, listed, evil, 'null']
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'FOO']) {
      for (const site of sites) {
        for (const origin of origins) {
          const headers: Headers = {
            host: 'api.example.com',
            ...(site !== undefined && { 'sec-fetch-site': site }),
            ...(origin !== undefined && { origin }),
          }
          const isSafe = ['GET', 'HEAD', 'OPTIONS'].includes(method)
          const isOwn = site === 'same-origin' || site === 'none' || origin === listed
          const isOld = site === undefined && (origin === undefined || origin === own)
          const status = isSafe || isOwn || isOld ? 200 : 403
          const one = { method, headers, cookies: [`__Host-session=${token}`] }
          expect([(await ask(form(one))).statusCode, method, site, origin]).toEqual([status, method, site, origin])
        }
      }
    }
    expect(new Set(member.reasons())).toEqual(new Set(['csrf']))
    const byHeader = { method: 'POST', headers: { ...bearer, origin: evil, 'sec-fetch-site': 'cross-site' } }
    expect((await ask(form(byHeader))).statusCode).toBe(200)
  })

  it('finishes a renewal before the environment freezes', async () => {
    const { fleet, member, ask, bearer } = await stage()
    fleet.advance(86_400_000)
    expect((await ask(form({ headers: bearer }))).statusCode).toBe(200)
    expect(member.sessions.busy).toBe(false)
    expect(member.events.map(({ type }) => type)).toContain('session-renewed')
  })

  it('asks the store every time with "fresh"', async () => {
    const { fleet, member, ask, bearer } = await stage({ fresh: true })
    expect((await ask(form({ headers: bearer }))).statusCode).toBe(200)
    await fleet.member().sessions.revokeAll('ann')
    expect((await ask(form({ headers: bearer }))).statusCode).toBe(401)
    expect(member.reasons()).toEqual(['revoked'])
  })

  it('does not judge an event that is none', async () => {
    const { ask } = await stage()
    for (const event of [{}, { headers: 5, cookies: [1, null], requestContext: 'x' }, { headers: null }])
      expect((await ask(event)).statusCode).toBe(401)
  })
})

describe('the path of a stage', () => {
  it('is taken off before it is matched', async () => {
    const { ask } = await stage({ open: ['/public/*'] })
    const event = version2({ path: '/prod/public/x' })
    const staged = { ...event, requestContext: { ...event.requestContext, stage: 'prod' } }
    expect((await ask(staged)).statusCode).toBe(200)
    expect((await ask(event)).statusCode).toBe(401)
  })
})

describe('the cookie of a session', () => {
  it('is host-only, secure, not for scripts, and lives as long as the session can', async () => {
    const { created, token } = await stage()
    const attributes = 'Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax'
    expect(sessionCookie(created)).toBe(`__Host-session=${token}; ${attributes}`)
    expect(clearedCookie()).toBe('__Host-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax')
    expect(sessionCookie(created, { name: 'sid', sameSite: 'strict' })).toMatch(/^sid=.*SameSite=Strict$/)
  })

  it.each([{ name: 'a b' }, { name: '' }, { sameSite: 'Lax' }, { path: '/' }])('refuses %j', (options) => {
    expect(() => clearedCookie(options as never)).toThrow(TypeError)
  })
})

describe('authenticate at wiring', () => {
  const verifier = { peek: () => undefined, verify: async () => undefined }
  it.each([
    ['open', { open: ['health'] }],
    ['open', { open: ['/public*'] }],
    ['open', { open: 'GET /health' }],
    ['"x" is no route', { needs: { x: () => true } }],
    ['needs', { needs: { '/x': true } }],
    ['cookie', { cookie: 'a=b' }],
    ['origins', { origins: ['https://app.example.com/'] }],
    ['realm', { realm: 'a"b' }],
    ['unknown', { unknown: 1 }],
    ['iam', { internal: { routes: ['/x'], iam: ['*'] } }],
    ['secret', { internal: { routes: ['/x'] } }],
    ['routes', { internal: { iam: true } }],
    ['header', { internal: { routes: ['/x'], iam: true, header: 'X Y' } }],
  ])('names what is wrong: %s', (name, options) => {
    expect(() => authenticate(verifier, options as never)).toThrow(TypeError)
    expect(() => authenticate(verifier, options as never)).toThrow(new RegExp(`authenticate: .*${name}`))
  })

  it('needs something that verifies', () => {
    expect(() => authenticate({} as never)).toThrow(/give the sessions first/)
  })

  it('hides no error that is not of this library', async () => {
    const broken = { peek: () => undefined, verify: () => Promise.reject(new RangeError('mine')) }
    const handler = middy()
      .use(authenticate(broken))
      .handler(async () => ({ statusCode: 200 }))
    const event = version2({ headers: { authorization: 'Bearer x' } })
    await expect(handler(event as never, {} as never)).rejects.toThrow('mine')
  })
})
