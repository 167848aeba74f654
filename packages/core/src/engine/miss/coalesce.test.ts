import { describe, expect, it } from 'vitest'
import type { Issued, Runtime, Store, TokenValue } from '../../contracts.ts'
import { TimeoutError } from '../../errors.ts'
import type { WarmEvent } from '../../events.ts'
import { systemRuntime } from '../../lib/runtime.ts'
import { custom } from '../../sources/custom.ts'
import { memoryStore } from '../../stores/memory.ts'
import { Token } from '../../tokens/token.ts'
import { createTokens } from '../../tokens/tokens.ts'
import type { Wish } from '../context.ts'
import type { Slot } from '../slot.ts'
import { type Callers, createCoalescer } from './coalesce.ts'

const HOUR = 3_600_000
const CALLERS = 1_000

/** A token whose source answers when the test says so, and the events meanwhile. */
function setUp() {
  const events: WarmEvent[] = []
  const issuer = Promise.withResolvers<void>()
  let fetches = 0
  const source = custom({
    identity: 'x',
    fetch: async () => {
      fetches += 1
      await issuer.promise
      return { value: `abc-${fetches}`, lifetime: HOUR }
    },
  })
  const crm = createTokens({ directory: false, onEvent: (event) => events.push(event) }).use(source)
  const count = (type: WarmEvent['type']): number => events.filter((event) => event.type === type).length
  return { crm, issuer, count, fetches: () => fetches }
}

describe('a thousand concurrent callers', () => {
  it('cause one fetch, get the same token, and all but one are reported as shared', async () => {
    const { crm, issuer, count, fetches } = setUp()
    const all = Array.from({ length: CALLERS }, () => crm.get())
    issuer.resolve()
    const tokens = await Promise.all(all)
    expect(new Set(tokens.map(({ value, tier, short }) => `${value} ${tier} ${short}`))).toEqual(
      new Set(['abc-1 source false']),
    )
    expect([fetches(), count('fetch'), count('shared')]).toEqual([1, 1, CALLERS - 1])
  })

  it('each wait no longer than their own timeout', async () => {
    const { crm, issuer } = setUp()
    const patient = [crm.get(), crm.get(), crm.get()]
    const hasty = await Promise.allSettled(Array.from({ length: 3 }, () => crm.get({ timeout: 20 })))
    expect(hasty.map((one) => one.status === 'rejected' && one.reason instanceof TimeoutError)).toEqual([
      true,
      true,
      true,
    ])
    issuer.resolve()
    expect(new Set((await Promise.all(patient)).map(({ value }) => value))).toEqual(new Set(['abc-1']))
  })

  it('each learn when less lifetime is left than they asked for', async () => {
    const { crm, issuer } = setUp()
    const all = [crm.get(), crm.get({ minLifetime: 2 * HOUR }), crm.get(), crm.get({ minLifetime: 2 * HOUR })]
    issuer.resolve()
    expect((await Promise.all(all)).map(({ short }) => short)).toEqual([false, true, false, true])
  })

  it('all fail when the source does, and the next one is not kept from asking', async () => {
    const { crm, issuer, count } = setUp()
    const all = Array.from({ length: CALLERS }, () => crm.get({ timeout: 900 }))
    issuer.reject(new Error('down'))
    const results = await Promise.allSettled(all)
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    // One more request follows the first failure, under the same lease.
    expect([count('fetch'), count('shared')]).toEqual([2, 0])
    await expect(crm.get({ timeout: 900 })).rejects.toThrow(/is unavailable/)
  })
})

describe('callers that came before the miss path was loaded', () => {
  it.each([1, 2, 3])(
    'and a caller that comes after it in the same instant all get tokens: %i before',
    async (early) => {
      const memory = memoryStore()
      let later: Promise<Token> | undefined
      const store: Store = {
        ...memory,
        read(...args) {
          later ??= crm.get()
          return memory.read(...args)
        },
      }
      const runtime: Runtime = { ...systemRuntime, wall: () => 1_700_000_000_000 }
      const source = custom({ identity: 'x', fetch: async () => ({ value: 'abc', lifetime: HOUR }) })
      const crm = createTokens({ directory: false, store, runtime }).use(source)
      const first = await Promise.all(Array.from({ length: early }, () => crm.get()))
      expect([...first, await later].map((token) => token instanceof Token && token.value)).toEqual(
        Array.from({ length: early + 1 }, () => 'abc'),
      )
    },
  )
})

describe('coalesced callers', () => {
  const WISH: Wish = { minLifetime: 0, rejected: undefined }
  const ISSUED: Issued<TokenValue> = { value: { value: 'abc', type: 'Bearer' }, lifetime: HOUR }

  const coalesce = () => {
    let now = 0
    const asked: Callers[] = []
    const { join, close } = createCoalescer({ fast: () => now, slow: () => now })
    const call = (callers?: Callers): Promise<never> => {
      if (callers !== undefined) asked.push(callers)
      return new Promise(() => undefined)
    }
    const slot: Slot<unknown> = {
      key: 'x~1',
      subject: {
        source: {},
        fetch: async () => ISSUED,
        parse: (json) => json,
        fingerprint: () => '1a2b3c4d',
      },
      entry: undefined,
      tier: 'memory',
      freshUntil: 0,
      usableUntil: 0,
      view: undefined,
      rare: undefined,
    }
    const tick = (): void => {
      now += 1
    }
    return {
      ask: (wish = WISH) => join(slot, wish, call),
      close: (callers: Callers) => close(slot, callers),
      asked,
      tick,
    }
  }

  it('share one call, but the first goes alone since a value may be fetched for it', () => {
    const { ask, asked } = coalesce()
    const calls = [ask(), ask(), ask(), ask()]
    expect(asked.map(({ count }) => count)).toEqual([1, 3])
    expect(new Set(calls.slice(1)).size).toBe(1)
  })

  it('are those that ask for the same at the same time', () => {
    const { ask, asked, tick } = coalesce()
    for (const wish of [WISH, WISH, { ...WISH, minLifetime: 5 }, { ...WISH, timeout: 5 }, { ...WISH, rejected: '5' }])
      ask(wish)
    tick()
    ask()
    expect(asked.map(({ count }) => count)).toEqual([1, 1, 1, 1, 1, 1])
  })

  it('take in nobody once their number is reported', () => {
    const { ask, asked, close } = coalesce()
    ask()
    ask()
    for (const callers of asked) close(callers)
    ask()
    ask()
    expect(asked.map(({ count }) => count)).toEqual([1, 1, 1, 1])
  })
})
