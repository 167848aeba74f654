import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Source, TokenValue } from '../../contracts.ts'
import { shiftedRuntime } from '../../lib/shifted-runtime.test-data.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens } from '../../tokens/tokens.ts'
import { book, budgetFreeAt } from './mint-budget.ts'

const HOUR = 3_600_000

describe('a mint budget', () => {
  it('is never exceeded in any hour, whenever fetches are tried', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.integer({ min: 0, max: 600_000 }), { maxLength: 300 }),
        (limit, gaps) => {
          let now = 1_700_000_000_000
          let booked: number | undefined
          const fetched: number[] = []
          for (const gap of gaps) {
            now += gap
            if (now < budgetFreeAt(booked, limit)) continue
            booked = book(booked, now, limit)
            fetched.push(now)
          }
          for (const [index, at] of fetched.entries())
            expect((fetched[index + limit] ?? Number.POSITIVE_INFINITY) - at).toBeGreaterThanOrEqual(HOUR)
        },
      ),
    )
  })

  it('allows a burst of half of it at once, and the whole within an hour', () => {
    const limit = 20
    let booked: number | undefined
    let count = 0
    for (let at = 0; at < HOUR; at += 1_000) {
      while (at >= budgetFreeAt(booked, limit)) {
        booked = book(booked, at, limit)
        count += 1
      }
      if (at === 0) expect(count).toBe(10)
    }
    expect(count).toBe(limit)
  })

  it('is one budget for the whole fleet: what is over it is refused here, a living value is served', async () => {
    const { runtime, advance } = shiftedRuntime()
    const store = memoryStore({ wall: runtime.wall })
    let fetches = 0
    const source: Source<TokenValue> = {
      kind: 'metered',
      identity: () => 'app',
      traits: { mintBudget: 2 },
      fetch: async () => ({ value: { value: `token-${++fetches}`, type: 'Bearer' }, lifetime: 60_000 }),
    }
    const get = () => createTokens({ directory: false, store, runtime }).use(source).get()
    expect((await get()).value).toBe('token-1')
    advance(55_000)
    expect((await get()).value).toBe('token-1')
    advance(10_000)
    await expect(get()).rejects.toMatchObject({ code: 'MINT_BUDGET', retryable: true })
    expect(fetches).toBe(1)
    advance(HOUR / 2)
    expect((await get()).value).toBe('token-2')
  })
})
