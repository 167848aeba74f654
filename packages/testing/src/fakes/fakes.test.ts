import { SourceRefusedError, SourceUnavailableError } from '@warmtoken/core/errors'
import { withTokens } from '@warmtoken/core/handler'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { expectFetches, fakeClock, fakeFamily, fakeSource, fakeToken, fakeTokens, testTokens } from '../index.ts'

const HOUR = 3_600_000

afterEach(() => {
  vi.useRealTimers()
})

describe('a fake token', () => {
  it('is fetched once for many callers and has the value that was asked for', async () => {
    const crm = fakeToken('crm-token')
    const tokens = await Promise.all([crm.get(), crm.get(), crm.get()])
    expect(tokens.map(({ value }) => value)).toEqual(['crm-token', 'crm-token', 'crm-token'])
    expectFetches(crm, 1)
  })

  it('serves a handler that is wrapped by withTokens', async () => {
    const { crm, erp } = fakeTokens({ crm: 'one', erp: { value: 'two', type: 'Token', extra: { host: 'h' } } })
    const handler = withTokens({ crm, erp }, async (_event: unknown, tokens) => [
      tokens.crm.headers().authorization,
      tokens.erp.headers().authorization,
      tokens.erp.extra,
    ])
    expect(await handler({}, {})).toEqual(['Bearer one', 'Token two', { host: 'h' }])
  })

  it('gives a new value when the API refuses the first one', async () => {
    const crm = fakeToken('crm-token')
    const next = await crm.reject(await crm.get())
    expect(next.value).toBe('crm-token-2')
    expect(crm.source.fetches.map(({ replaces }) => replaces)).toEqual([false, true])
  })

  it('shares nothing with another, not even with the same value', async () => {
    const [one, other] = [fakeToken('same'), fakeToken('same')]
    await one.get()
    expectFetches(one, 1)
    expectFetches(other, 0)
    await other.get()
    expectFetches(other, 1)
  })

  it('may differ by parameters', async () => {
    const users = fakeFamily<{ user: string }>()
    const [ada, bob] = [await users.for({ user: 'ada' }).get(), await users.for({ user: 'bob' }).get()]
    await users.for({ user: 'ada' }).get()
    expect(ada.value).not.toBe(bob.value)
    expect(users.source.fetches.map(({ params }) => params.user)).toEqual(['ada', 'bob'])
  })
})

describe('a fake source', () => {
  it('refuses, throttles and cannot be reached as real sources do', async () => {
    const refused = fakeToken({ answers: [{ refuse: 'invalid_client' }] })
    await expect(refused.get()).rejects.toThrow(SourceRefusedError)
    await expect(refused.get()).rejects.toMatchObject({ code: 'invalid_client', retryable: false })
    expectFetches(refused, 1)
    const throttled = fakeToken({ answers: [{ throttle: 30_000 }] })
    await expect(throttled.get()).rejects.toMatchObject({ retryable: true, retryAt: expect.any(Number) })
    // One failure passes: the source is asked once more, and again after a first pause.
    const unreachable = fakeToken()
    unreachable.source.next(...Array.from({ length: 3 }, () => ({ unavailable: 'ECONNRESET' })))
    await expect(unreachable.get()).rejects.toThrow(SourceUnavailableError)
  })

  it('gives the scripted answers in their order, and then its own', async () => {
    const crm = fakeToken({ lifetime: HOUR })
    crm.source.next('first', { lifetime: 1 }, { value: 'third' })
    const request = { params: undefined, previous: undefined, rejected: undefined, spends: undefined, nonce: 'n' }
    const ask = () => crm.source.fetch({ ...request, signal: new AbortController().signal })
    expect([await ask(), await ask(), await ask(), await ask()]).toMatchObject([
      { value: { value: 'first' }, lifetime: HOUR },
      { value: { value: 'fake-token' }, lifetime: 1 },
      { value: { value: 'third' }, lifetime: HOUR },
      { value: { value: 'fake-token-2' }, lifetime: HOUR },
    ])
  })

  it('throws what it was given to throw', async () => {
    const source = fakeSource({ answers: [{ error: new TypeError('mine') }] })
    const request = { params: undefined, previous: undefined, rejected: undefined, spends: undefined, nonce: 'n' }
    await expect(source.fetch({ ...request, signal: new AbortController().signal })).rejects.toThrow('mine')
  })

  it('is bound to a toolkit of your own', async () => {
    const source = fakeSource({ value: 'mine' })
    expect((await testTokens().use(source).get()).value).toBe('mine')
    expectFetches(source, 1)
  })
})

describe('a fake clock', () => {
  it('ages tokens until they are fetched again', async () => {
    const clock = fakeClock()
    const crm = fakeToken({ clock, lifetime: HOUR })
    const token = await crm.get()
    await clock.advance(HOUR / 2)
    expect(token.remaining()).toBeLessThanOrEqual(HOUR / 2)
    expect(token.remaining()).toBeGreaterThan(HOUR / 2 - 1_000)
    expectFetches(crm, 1)
    await clock.advance(HOUR / 2)
    expect(token.remaining()).toBe(0)
    expect((await crm.get()).value).toBe('fake-token-2')
    expectFetches(crm, 2)
  })

  it('lets delays of the source pass', async () => {
    const clock = fakeClock({ at: new Date('2031-05-01T00:00:00Z') })
    const crm = fakeToken({ clock, answers: [{ delay: 2_000 }] })
    let done = false
    const pending = crm.get().finally(() => {
      done = true
    })
    await clock.advance(1_999)
    expect(done).toBe(false)
    await clock.advance(1)
    expect((await pending).value).toBe('fake-token')
    expect(clock.now()).toBe(Date.parse('2031-05-01T00:00:02Z'))
    expect(crm.source.fetches[0]?.at).toBe(Date.parse('2031-05-01T00:00:00Z'))
  })

  it('ends a wait that takes too long with a typed error', async () => {
    const clock = fakeClock()
    const crm = fakeToken({ clock, answers: [{ delay: 60_000 }] })
    const pending = expect(crm.get({ timeout: 2_000 })).rejects.toMatchObject({
      code: 'SOURCE_TIMEOUT',
      retryable: true,
    })
    await clock.advance(3_000)
    await pending
  })

  it('ends the pause after a refusal', async () => {
    const clock = fakeClock()
    const crm = fakeToken({ clock, answers: [{ throttle: 30_000 }] })
    await expect(crm.get()).rejects.toMatchObject({ retryable: true })
    await clock.advance(60_000)
    expect((await crm.get()).value).toBe('fake-token')
    expectFetches(crm, 2)
  })

  it('refuses a time that is none, by the name of the option', async () => {
    expect(() => fakeClock({ at: new Date('nonsense') })).toThrow('"at"')
    await expect(fakeClock().advance(-1)).rejects.toThrow('ms >= 0')
  })
})

describe('fake timers of the test runner', () => {
  it('age tokens of a fake without a clock', async () => {
    const crm = fakeToken({ lifetime: HOUR })
    vi.useFakeTimers()
    await crm.get()
    vi.advanceTimersByTime(HOUR / 2)
    await crm.get()
    expectFetches(crm, 1)
    vi.advanceTimersByTime(HOUR / 2)
    expect((await crm.get()).value).toBe('fake-token-2')
    expectFetches(crm, 2)
  })
})

describe('expectFetches', () => {
  it('says what was fetched, when and why', async () => {
    const clock = fakeClock()
    const crm = fakeToken({ clock })
    await crm.reject(await crm.get())
    expect(() => expectFetches(crm, 1)).toThrow(
      [
        'expected 1 fetch, saw 2 fetches',
        '  1. at 2030-01-01T00:00:00.000Z',
        '  2. at 2030-01-01T00:00:00.000Z, because the API refused the token before',
      ].join('\n'),
    )
    expect(() => expectFetches(crm, 3)).toThrow('a new fake starts cold')
    expect(() => expectFetches(crm, 2)).not.toThrow()
  })
})
