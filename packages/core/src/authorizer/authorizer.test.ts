import { describe, expect, it } from 'vitest'
import { createFleet } from '../sessions/fleet.test-data.ts'
import { createTickets, httpAuthorizer, restAuthorizer, webSocketAuthorizer } from './authorizer.ts'

const ARN = 'arn:aws:execute-api:eu-central-1:1:api123/dev/GET/admin/users'

async function stage() {
  const fleet = createFleet()
  const member = fleet.member()
  const { token, session } = await member.sessions.create('ann', { device: 'x' }, { user: { roles: ['a'] } })
  const bearer = { authorization: `Bearer ${token.value}` }
  const tickets = createTickets({ store: fleet.store, sessions: member.sessions })
  return { fleet, member, token: token.value, session, bearer, tickets }
}

const CONTEXT = (id: string) => ({
  user: 'ann',
  session: id,
  data: JSON.stringify({ user: { roles: ['a'] }, data: { device: 'x' } }),
})

function policy(effect: string, resource = ARN) {
  return {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource: resource }],
  }
}

describe('the authorizer of an HTTP API', () => {
  it('answers true with a flat context, and false with nothing', async () => {
    const { member, bearer, session, token } = await stage()
    const authorize = httpAuthorizer(member.sessions)
    const good = { isAuthorized: true, context: CONTEXT(session.id) }
    expect(await authorize({ headers: bearer })).toEqual(good)
    expect(await authorize({ headers: {}, cookies: [`__Host-session=${token}`] })).toEqual(good)
    for (const headers of [{}, { authorization: 'Bearer x' }, { authorization: `Basic ${token}` }])
      expect(await authorize({ headers })).toEqual({ isAuthorized: false })
    for (const event of [undefined, null, 5, {}]) expect(await authorize(event)).toEqual({ isAuthorized: false })
    expect(member.reasons()).toContain('malformed')
  })

  it('refuses a request by cookie that another site may have caused', async () => {
    const { member, token } = await stage()
    const event = {
      requestContext: { http: { method: 'POST' } },
      headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      cookies: [`__Host-session=${token}`],
    }
    expect(await httpAuthorizer(member.sessions)(event)).toEqual({ isAuthorized: false })
    const origins = ['https://evil.example']
    expect(await httpAuthorizer(member.sessions, { origins })(event)).toMatchObject({ isAuthorized: true })
  })

  it('throws while the store is down: nobody is signed out by an outage', async () => {
    const { fleet, member, bearer } = await stage()
    fleet.advance(10_000)
    fleet.down = true
    await expect(httpAuthorizer(member.sessions)({ headers: bearer })).rejects.toMatchObject({ retryable: true })
  })

  it('finishes a renewal before it answers', async () => {
    const { fleet, member, bearer } = await stage()
    fleet.advance(86_400_000)
    await httpAuthorizer(member.sessions)({ headers: bearer })
    expect(member.sessions.busy).toBe(false)
    expect(member.events.map(({ type }) => type)).toContain('session-renewed')
  })
})

describe('the authorizer of a REST API', () => {
  it('allows or denies this method, by header, cookie or token', async () => {
    const { member, bearer, session, token } = await stage()
    const authorize = restAuthorizer(member.sessions)
    const good = { principalId: 'ann', policyDocument: policy('Allow'), context: CONTEXT(session.id) }
    expect(await authorize({ type: 'REQUEST', methodArn: ARN, headers: bearer })).toEqual(good)
    expect(await authorize({ type: 'TOKEN', methodArn: ARN, authorizationToken: `Bearer ${token}` })).toEqual(good)
    const cookie = { Cookie: `a=b;__Host-session=${token}` }
    expect(
      await authorize({ type: 'REQUEST', methodArn: ARN, multiValueHeaders: { Cookie: [cookie.Cookie] } }),
    ).toEqual(good)
    expect(await authorize({ type: 'REQUEST', methodArn: ARN, headers: {} })).toEqual({
      principalId: 'anonymous',
      policyDocument: policy('Deny'),
    })
  })

  it('covers the whole stage where the gateway keeps the answer', async () => {
    const { member, bearer } = await stage()
    const { policyDocument } = await restAuthorizer(member.sessions, { ttl: 60 })({ methodArn: ARN, headers: bearer })
    expect(policyDocument).toEqual(policy('Allow', 'arn:aws:execute-api:eu-central-1:1:api123/dev/*'))
  })

  it.each([{ ttl: -1 }, { ttl: 4_000 }, { cookie: '' }, { origins: ['x'] }, { more: 1 }])('refuses %j', (options) => {
    expect(() => restAuthorizer({ peek: () => 1, verify: async () => 1 }, options as never)).toThrow(TypeError)
  })
})

describe('the authorizer of $connect', () => {
  const connect = (ticket: unknown) => ({ methodArn: ARN, queryStringParameters: { ticket } })

  it('spends a ticket: of two connections at once, one is let in', async () => {
    const { tickets, session } = await stage()
    const authorize = webSocketAuthorizer(tickets)
    const ticket = await tickets.issue(session)
    expect(ticket).toMatch(/^[\w-]{43}$/)
    const answers = await Promise.all([authorize(connect(ticket)), authorize(connect(ticket))])
    expect(answers.map(({ policyDocument }) => policyDocument.Statement[0].Effect).sort()).toEqual(['Allow', 'Deny'])
    expect(answers.find(({ context }) => context !== undefined)?.context).toEqual(CONTEXT(session.id))
    expect((await authorize(connect(ticket))).policyDocument).toEqual(policy('Deny'))
  })

  it('denies a ticket after 30 s, one of a session that was revoked, and what is not a ticket', async () => {
    const { fleet, tickets, session, member } = await stage()
    const authorize = webSocketAuthorizer(tickets)
    const [late, revoked] = [await tickets.issue(session), await tickets.issue(session)]
    await member.sessions.revokeAll('ann')
    expect((await authorize(connect(revoked))).policyDocument).toEqual(policy('Deny'))
    fleet.advance(30_000)
    for (const one of [late, 'x'.repeat(43), 'x', undefined, ['x']])
      expect((await authorize(connect(one))).policyDocument).toEqual(policy('Deny'))
    expect((await authorize({ methodArn: ARN })).policyDocument).toEqual(policy('Deny'))
  })

  it('knows its own spending when the answer was lost', async () => {
    const { fleet, session, member } = await stage()
    let lost = 0
    const store = {
      ...fleet.store,
      async swap(...parts: Parameters<typeof fleet.store.swap>) {
        const swapped = await fleet.store.swap(...parts)
        lost += 1
        return lost % 2 === 1 ? ({ outcome: 'unknown', cause: undefined } as const) : swapped
      },
    }
    const tickets = createTickets({ store, sessions: member.sessions })
    const ticket = await tickets.issue(session)
    expect(await tickets.redeem(ticket)).toMatchObject({ id: session.id })
    expect(await tickets.redeem(ticket)).toBeUndefined()
    expect(lost).toBe(4)
  })

  it('keeps no ticket in the store', async () => {
    const { fleet, session, member } = await stage()
    const written: string[] = []
    const store = {
      ...fleet.store,
      swap: (...parts: Parameters<typeof fleet.store.swap>) => {
        written.push(parts[0], parts[1].body)
        return fleet.store.swap(...parts)
      },
    }
    const ticket = await createTickets({ store, sessions: member.sessions }).issue(session)
    expect(written.join()).not.toContain(ticket.slice(0, 10))
  })

  it('rejects while the store is down', async () => {
    const { session, member } = await stage()
    const store = {
      name: 'down',
      read: () => Promise.reject(new Error('quoted')),
      swap: () => Promise.reject(new Error()),
    }
    const tickets = createTickets({ store, sessions: member.sessions })
    await expect(tickets.issue(session)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    await expect(tickets.redeem('x'.repeat(43))).rejects.not.toThrow('quoted')
  })
})
