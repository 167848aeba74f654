import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyRecord, type Refresh } from '../../record/record.ts'
import { backoffDelay, lookDelay, usualTime } from './looks.ts'

/** When each of the first looks comes, in ms since the wait began, if a look takes no time. */
function looks(expected: number | undefined, random: number): readonly number[] {
  const at: number[] = []
  for (let polls = 0, waited = 0; polls < 14; polls += 1) {
    waited += lookDelay({ polls, waited, expected, failed: 0, random })
    at.push(waited)
  }
  return at
}

describe('a waiting environment', () => {
  it('looks often while the wait is young, and every half second in the end', () => {
    const at = looks(undefined, 0)
    expect(at.slice(0, 4)).toEqual([40, 73, 150, 285])
    expect((at[13] ?? 0) - (at[12] ?? 0)).toBe(500)
  })

  it('needs at most twice the looks of a wait that looks at 70, 300, 632, 1,282 ms and every second, for any issuer', () => {
    const before = [70, 300, 632, 1_282, 2_282, 3_282, 4_282]
    const needed = (at: readonly number[], ready: number): number => 1 + at.findIndex((one) => one >= ready)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4_000 }), fc.option(fc.integer({ min: 1, max: 5_000 })), (ready, known) => {
        // The read that began the wait counts for both.
        const now = 1 + needed(looks(known ?? undefined, 0), ready)
        if (now > 0) expect(now).toBeLessThanOrEqual(2 * (1 + needed(before, ready)))
      }),
    )
  })

  it('that knows the issuer looks just after it usually answers', () => {
    const at = looks(1_000, 0)
    expect(at.filter((one) => one < 1_000)).toHaveLength(2)
    expect(at[2]).toBeCloseTo(1_071, 0)
  })

  it('never waits less than 10 ms, and backs off up to 2 s from a store that throttles', () => {
    expect(lookDelay({ polls: 0, waited: 5_000, expected: undefined, failed: 0, random: 0 })).toBe(10)
    expect([1, 2, 3, 4, 5, 9].map((failed) => backoffDelay(failed, 0))).toEqual([200, 400, 800, 1_600, 2_000, 2_000])
  })
})

describe('the usual time of an issuer', () => {
  it('is the median of the refreshes that succeeded', () => {
    const refresh = (took: number, outcome: string): Refresh => [1, 'one', took, outcome, 'f']
    const refreshes = [refresh(900, 'ok'), refresh(100, 'ok'), refresh(3_000, 'unavailable'), refresh(120, 'ok')]
    expect(usualTime({ ...emptyRecord('k~1'), refreshes })).toBe(120)
    expect(usualTime(emptyRecord('k~1'))).toBeUndefined()
  })
})
