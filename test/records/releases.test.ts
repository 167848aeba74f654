import { createTokens } from '@warmtoken/core'
import { aesGcm } from '@warmtoken/core/seal'
import { describe, expect, it } from 'vitest'
import * as previousRelease from '../fixtures/previous-release/core.mjs'
import { HOUR, type Kit, liveDay, loadKit } from './day.ts'

const PREVIOUS: Kit = previousRelease
const CURRENT: Kit = { createTokens, aesGcm }

const PLANS: readonly (readonly [string, (time: number, number: number) => Kit])[] = [
  ['an upgrade, one environment after the other', (time) => (time < 8 * HOUR ? PREVIOUS : CURRENT)],
  ['a roll-back', (time) => (time < 8 * HOUR ? CURRENT : PREVIOUS)],
  ['an upgrade, a roll-back, an upgrade', (time) => (Math.floor(time / (6 * HOUR)) % 2 ? CURRENT : PREVIOUS)],
  ['functions of both releases, all day', (_time, number) => (number % 2 ? CURRENT : PREVIOUS)],
]

describe('environments of the previous release and of this one share a store for a day', () => {
  it.each(PLANS)('in %s, and lose no token and no chain', async (_name, releaseAt) => {
    await Promise.all([PREVIOUS, CURRENT].map(loadKit))
    for (const exclusive of [false, true]) {
      for (let seed = 1; seed <= 3; seed += 1) {
        const day = await liveDay({ seed, exclusive, releaseAt })
        expect(day).toMatchObject({ failed: [], dead: 0, late: 0, spentAgain: [] })
        expect(day.needless).toBeLessThanOrEqual(1)
        expect(day.fetches).toBeGreaterThan(20)
        for (const kit of [PREVIOUS, CURRENT]) expect(day.calls.get(kit)).toBeGreaterThan(50)
      }
    }
  })
})
