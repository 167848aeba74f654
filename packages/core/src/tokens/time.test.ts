import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { custom } from '../sources/custom.ts'
import { createTokens } from './tokens.ts'

const HOUR = 3_600_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Runs work while the fake time passes. */
async function whileTimePasses<T>(ms: number, work: Promise<T>): Promise<T> {
  // What is loaded on demand must be there before the time is moved.
  await vi.dynamicImportSettled()
  await vi.advanceTimersByTimeAsync(ms)
  return work
}

describe('the fake timers of a test runner', () => {
  it('age tokens', async () => {
    const handle = createTokens({ directory: false }).use(
      custom({ identity: 'crm', fetch: async () => ({ value: 'a-token', lifetime: HOUR }) }),
    )
    const token = await handle.get()
    vi.advanceTimersByTime(HOUR / 2)
    expect(handle.peek()?.value).toBe('a-token')
    expect(token.age()).toBeGreaterThanOrEqual(HOUR / 2)
    vi.advanceTimersByTime(HOUR / 2)
    expect(handle.peek()).toBeUndefined()
    expect(token.remaining()).toBe(0)
  })
})

describe('an issuer that repeats its token until it ends', () => {
  it('is asked again a moment later when the token is nearly over, instead of failing the call', async () => {
    const lifetimes = [1_000, HOUR]
    let asked = 0
    const handle = createTokens({ directory: false }).use(
      custom({
        identity: 'crm',
        fetch: async () => {
          asked += 1
          return { value: `token-${asked}`, lifetime: lifetimes[asked - 1] ?? HOUR }
        },
      }),
    )
    const token = await whileTimePasses(2_500, handle.get())
    expect([token.value, asked]).toEqual(['token-2', 2])
    expect(token.remaining()).toBeGreaterThan(HOUR - 10_000)
  })
})
