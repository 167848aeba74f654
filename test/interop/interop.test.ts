import { inspect } from 'node:util'
import { createTokens } from '@warmtoken/core'
import { WarmTokenError } from '@warmtoken/core/errors'
import { memoryStore } from '@warmtoken/core/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ISSUERS, type IssuerOptions } from './issuers.ts'
import { movable } from './movable.ts'
import { LOAD } from './sdks/load.ts'

/** Everything that an error shows when it is printed, at any depth. */
function shown(error: unknown): string {
  return inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error,
  )
}

describe.each(['msal', 'feishu', 'octokit'] as const)('%s with our cache', async (sdk) => {
  const { open, handle: handleOf } = await LOAD[sdk]()

  const setUp = async (options: IssuerOptions = {}) => {
    const { runtime, advance } = movable()
    const running = await ISSUERS[sdk](options)
    onTestFinished(() => running.issuer.close())
    // So that nothing but the SDK's own margin asks for a new token early.
    const tokens = createTokens({ store: memoryStore(runtime), directory: false, runtime, refreshWindow: 10_000 })
    const get = open(running.place, tokens)
    const age = (ms: number): void => {
      advance(ms)
      running.issuer.advance(ms)
    }
    return { ...running, tokens, get, age }
  }
  const down = { status: 503, body: 'out of order' }

  it('gets a token that the API takes', async () => {
    const { get, takes } = await setUp()
    expect(await takes(await get())).toBe(true)
  })

  it('gets the same token until the SDK itself would not use it any more, and then another one', async () => {
    // Half an hour and an hour: of a token that ends in a minute every SDK here says that it is over.
    const { get, issuer, age } = await setUp({ lifetime: 3_600_000 })
    const first = await get()
    age(1_800_000)
    expect(await get()).toBe(first)
    age(1_740_000 + 10_000)
    const second = await get()
    expect(second).not.toBe(first)
    const { requests } = issuer
    for (let i = 0; i < 5; i += 1) expect(await get()).toBe(second)
    expect(issuer.requests).toBe(requests)
  })

  it('takes a token that lives shorter than its margin, and asks for it once', async () => {
    const { get, issuer, takes } = await setUp({ lifetime: 170_000 })
    const given = []
    for (let i = 0; i < 5; i += 1) given.push(await get())
    expect(new Set(given).size).toBe(1)
    expect(await takes(given[0] ?? '')).toBe(true)
    expect(issuer.requests).toBe(1)
  })

  it('continues with what still lives while the issuer is down', async () => {
    const { get, issuer, age } = await setUp({ lifetime: 3_600_000 })
    const first = await get()
    issuer.failNext(down, 100)
    age(3_600_000 - 50_000)
    for (let i = 0; i < 5; i += 1) expect(await get()).toBe(first)
    // The first failure is followed by a second request.
    expect(issuer.requests).toBeLessThanOrEqual(3)
  })

  it.each([
    ['a refusal', { status: 401, body: { error: 'invalid_client', code: 10014, msg: 'MARKED-text' } }, 1],
    ['a call for patience', { status: 429, headers: { 'retry-after': '60' }, body: 'MARKED-text' }, 1],
    ['an outage', { status: 500, body: 'MARKED-text' }, 3],
  ])('asks no more than it may after %s, and shows nothing of secret or answer', async (_name, answer, most) => {
    const { get, issuer, place } = await setUp()
    issuer.failNext(answer, 100)
    for (let i = 0; i < 10; i += 1) {
      const error = await failureOf(get())
      expect(error).toBeInstanceOf(WarmTokenError)
      expect(shown(error)).not.toContain('MARKED')
      expect(shown(error)).not.toContain(place.secret.slice(0, 100))
    }
    expect(issuer.requests).toBeLessThanOrEqual(most)
  })

  it('gets a new token once the old one is rejected', async () => {
    const { get, tokens, place, issuer } = await setUp({ lifetime: 3_600_000 })
    const first = await get()
    const handle = handleOf(tokens, place)
    await handle.reject(await handle.get()).catch(() => undefined)
    // Feishu gives the same one again. It is served on, and not asked for again and again.
    if (sdk === 'feishu') expect(await get()).toBe(first)
    else expect(await get()).not.toBe(first)
    expect(issuer.requests).toBe(2)
  })

  it('never gets the token of another host', async () => {
    const one = await setUp()
    const other = await ISSUERS[sdk]()
    onTestFinished(() => other.issuer.close())
    const getOther = open(other.place, one.tokens)
    const [first, second] = [await one.get(), await getOther()]
    expect([await one.takes(first), await one.takes(second)]).toEqual([true, false])
    expect([await other.takes(first), await other.takes(second)]).toEqual([false, true])
    expect([await one.get(), await getOther()]).toEqual([first, second])
  })
})
