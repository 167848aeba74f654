import { inspect } from 'node:util'
import { createTokens, type Issued, type TokenValue } from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'
import { type RefreshTokenOptions, refreshToken } from '@warmtoken/core/refresh-token'
import { startIssuer } from '@warmtoken/local'
import { type RotatingIssuerOptions, startRotatingIssuer } from '@warmtoken/local/issuers'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRequest } from './fetch-request.ts'
import { shiftedRuntime } from './shifted-runtime.ts'

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function setUp(issuerOptions: RotatingIssuerOptions = {}, options: Partial<RefreshTokenOptions> = {}) {
  const issuer = await startRotatingIssuer(issuerOptions)
  running.push(issuer)
  const make = (seed: RefreshTokenOptions['refreshToken']) =>
    refreshToken({
      tokenEndpoint: issuer.tokenEndpoint,
      allowInsecure: true,
      clientId: 'mailer',
      clientSecret: 'mailer-secret',
      account: 'ada',
      refreshToken: seed,
      ...options,
    })
  const spend = (seed: string, previous?: TokenValue): Promise<Issued<TokenValue>> =>
    make(seed).fetch(fetchRequest(undefined, { previous }))
  const isAccepted = async ({ value }: TokenValue): Promise<boolean> =>
    (await fetch(issuer.apiUrl, { headers: { authorization: `Bearer ${value}` } })).ok
  return { issuer, make, spend, isAccepted }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((cause: unknown) => cause)
}

describe('an issuer whose refresh tokens rotate', () => {
  it('is asked with the newest one, life after life, and never with one that was spent', async () => {
    const { issuer, spend, isAccepted } = await setUp()
    const seed = issuer.signIn('ada')
    let previous: TokenValue | undefined
    for (let lifetime = 0; lifetime < 5; lifetime += 1) {
      previous = (await spend(seed, previous)).value
      expect(await isAccepted(previous)).toBe(true)
    }
    expect([issuer.exchanges, issuer.reuses, issuer.livingFamilies]).toEqual([5, 0, 1])
  })

  it('revokes everything when a spent one comes again, and a new sign-in fixes it', async () => {
    const { issuer, spend, isAccepted } = await setUp()
    const seed = issuer.signIn('ada')
    const first = (await spend(seed)).value
    expect(await failureOf(spend(seed))).toMatchObject({ name: 'SignInRequiredError', code: 'SIGN_IN_REQUIRED' })
    expect([issuer.reuses, issuer.livingFamilies, await isAccepted(first)]).toEqual([1, 0, false])
    expect(await failureOf(spend(seed, first))).toMatchObject({ code: 'SIGN_IN_REQUIRED' })

    const again = issuer.signIn('ada')
    const second = (await spend(again, first)).value
    expect(await isAccepted(second)).toBe(true)
    // An environment with the old seed continues with the new chain.
    expect(await isAccepted((await spend(seed, second)).value)).toBe(true)
    expect(issuer.livingFamilies).toBe(1)
  })

  it('may take a spent one again for a while', async () => {
    const { issuer, spend, isAccepted } = await setUp({ reuse: { grace: 2_000 } }, { afterCrash: { grace: 2_000 } })
    const seed = issuer.signIn('ada')
    await spend(seed)
    issuer.advance(2_000 - 500)
    expect(await isAccepted((await spend(seed)).value)).toBe(true)
    issuer.advance(60_000)
    expect(await failureOf(spend(seed))).toMatchObject({ code: 'SIGN_IN_REQUIRED' })
    expect(issuer.reuses).toBe(2)
  })

  it('may have spent it although its answer was lost, and the error does not say otherwise', async () => {
    const { issuer, spend } = await setUp()
    const seed = issuer.signIn('ada')
    issuer.loseNext()
    const error = await failureOf(spend(seed))
    expect(error).toMatchObject({ name: 'SourceUnavailableError', nothingDone: false })
    expect(issuer.exchanges).toBe(1)
    expect(await failureOf(spend(seed))).toMatchObject({ code: 'SIGN_IN_REQUIRED' })
  })

  it.each([
    [429, true],
    [503, false],
  ])('has spent nothing by a %i, whether or not that is certain', async (status, nothingDone) => {
    const { issuer, spend } = await setUp()
    const seed = issuer.signIn('ada')
    issuer.failNext({ status, body: 'MARKED' })
    expect(await failureOf(spend(seed))).toMatchObject({ code: `HTTP_${status}`, nothingDone })
    await spend(seed)
    expect([issuer.exchanges, issuer.reuses]).toEqual([1, 0])
  })

  it('that hangs is left when the time is over', async () => {
    const { issuer, make } = await setUp()
    issuer.failNext('hang')
    const request = fetchRequest(undefined, { signal: AbortSignal.timeout(200) })
    const error = await failureOf(make(issuer.signIn('ada')).fetch(request))
    expect(error).toMatchObject({ name: 'SourceUnavailableError', nothingDone: false })
  })

  it('refuses a wrong client without spending', async () => {
    const { issuer, spend } = await setUp({}, { clientSecret: 'wrong' })
    expect(await failureOf(spend(issuer.signIn('ada')))).toMatchObject({ code: 'invalid_client' })
    expect([issuer.exchanges, issuer.livingFamilies]).toEqual([0, 1])
  })
})

describe('an issuer whose refresh tokens stay', () => {
  it.each([true, false])('is asked with the seed forever (rotates: %j)', async (rotates) => {
    const { issuer, spend, isAccepted } = await setUp({ rotates: false }, { rotates })
    const seed = issuer.signIn('ada')
    const first = (await spend(seed)).value
    expect(await isAccepted((await spend(seed, first)).value)).toBe(true)
    expect([issuer.exchanges, issuer.reuses]).toEqual([2, 0])
  })
})

describe('a real OpenID provider that rotates', () => {
  it('gives tokens life after life, and revokes the grant when a spent refresh token comes again', async () => {
    const issuer = await startIssuer()
    running.push(issuer)
    const source = refreshToken({
      issuer: issuer.url,
      allowInsecure: true,
      clientId: 'local',
      clientSecret: 'local-secret',
      account: 'ada',
      refreshToken: await issuer.signIn('local', 'ada'),
    })
    const spend = (previous?: TokenValue) => source.fetch(fetchRequest(undefined, { previous }))
    const first = await spend()
    const second = await spend(first.value)
    const third = await spend(second.value)
    expect(third.lifetime).toBe(3_600_000)
    const chained = [first, second, third].map(({ value }) => JSON.stringify(value.chain))
    expect(new Set(chained).size).toBe(3)
    expect(await failureOf(spend(first.value))).toMatchObject({ code: 'SIGN_IN_REQUIRED' })
    expect(await failureOf(spend(third.value))).toMatchObject({ code: 'SIGN_IN_REQUIRED' })
  })
})

describe('a fleet', () => {
  it('spends one refresh token a life, however many callers and environments there are', async () => {
    const { issuer, make, isAccepted } = await setUp()
    const seed = issuer.signIn('ada')
    const store = memoryStore({ wall: () => issuer.now() })
    for (let lifetime = 1; lifetime <= 5; lifetime += 1) {
      const environments = Array.from({ length: 5 }, () =>
        createTokens({ store, directory: false }).use(make(async () => seed)),
      )
      const tokens = await Promise.all(environments.flatMap((one) => Array.from({ length: 10 }, () => one.get())))
      expect(new Set(tokens.map(({ value }) => value)).size).toBe(1)
      expect(await isAccepted({ value: tokens[0]?.value ?? '', type: 'Bearer' })).toBe(true)
      expect([issuer.exchanges, issuer.reuses, issuer.livingFamilies]).toEqual([lifetime, 0, 1])
      // Beyond hard expiry: the environments of the next life find a record that is of use for its chain only.
      issuer.advance(3_600_000)
    }
  })

  it('replaces a refused token by spending the newest refresh token, once for all who were refused', async () => {
    const { issuer, make } = await setUp()
    const runtime = shiftedRuntime()
    const store = memoryStore({ wall: runtime.wall })
    const handle = createTokens({ store, runtime, directory: false }).use(make(issuer.signIn('ada')))
    for (const exchanges of [2, 3, 4]) {
      // A token that was given because of a refusal is served on for a while.
      runtime.advance(120_000)
      const refused = await handle.get()
      const next = await Promise.all(Array.from({ length: 50 }, () => handle.reject(refused)))
      expect(new Set(next.map(({ value }) => value)).size).toBe(1)
      expect([issuer.exchanges, issuer.reuses]).toEqual([exchanges, 0])
    }
  })

  it('is informed that the user must sign in, and goes on once one has', async () => {
    const { issuer, make, isAccepted } = await setUp()
    const store = memoryStore()
    const withSeed = (seed: string) => createTokens({ store, directory: false }).use(make(seed))
    const old = issuer.signIn('ada')
    const token = await withSeed(old).get()
    issuer.revoke('ada')
    expect(await failureOf(withSeed(old).reject(token))).toMatchObject({ code: 'SIGN_IN_REQUIRED', retryable: false })
    const fixed = withSeed(issuer.signIn('ada'))
    expect(await isAccepted({ value: (await fixed.reject(token)).value, type: 'Bearer' })).toBe(true)
    expect(issuer.reuses).toBe(0)
  })

  it('never shows a refresh token to those who use the token', async () => {
    const { issuer, make } = await setUp()
    const seed = issuer.signIn('ada')
    const events: unknown[] = []
    const tokens = createTokens({ store: memoryStore(), directory: false, onEvent: (event) => events.push(event) })
    const handle = tokens.use(make(seed))
    const token = await handle.get()
    const shown = [inspect(token, { depth: 9, showHidden: true }), JSON.stringify([token, events]), handle.key].join()
    expect(shown).not.toMatch(/rt-|at-|mailer-secret/)
  })
})
