import { simulateSessions } from '@warmtoken/core/simulator'
import { afterAll, describe, expect, it } from 'vitest'
import { buildSimulator } from '../mutation/build.ts'
import { SESSION_MUTANTS } from './mutants.ts'

/** What must have been met, or nothing was shown. */
const REQUIRED = [
  'accepted',
  'accepted from memory',
  'accepted within recheck of its end',
  'clock step',
  'duplicate',
  'failed',
  'freeze',
  'late write',
  'lost reply',
  'lost request',
  'own tag recognized',
  'refused',
  'revoked',
  'rotated',
  'session-renewed',
  'slow',
  'throttled',
]
const RUNS = 3_000

describe('sessions, simulated', () => {
  it(`keep every promise in ${RUNS} seeded runs, and every danger was met`, { timeout: 300_000 }, async () => {
    const { failures, seen, runs } = await simulateSessions({ runs: RUNS, stopAfter: 3 })
    expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([])
    expect(runs).toBe(RUNS)
    expect(REQUIRED.filter((name) => (seen.get(name) ?? 0) === 0)).toEqual([])
  })

  // A clock that steps while the store is asked: the record's version lay in the future, and all users were signed out.
  it.each([7_753, 7_980])('keep them in run %i, which once broke one', async (seed) => {
    const { failures } = await simulateSessions({ seed, runs: 1 })
    expect(failures).toEqual([])
  })
})

describe('the mutation gate of sessions', () => {
  const table: string[] = []
  afterAll(() => console.log(['mutant: runs until caught, by', ...table].join('\n  ')))

  it.each(SESSION_MUTANTS)('catches: $name', { timeout: 300_000 }, async (mutant) => {
    const broken = await buildSimulator<{ simulateSessions: typeof simulateSessions }>(mutant, 'sessions/simulate.ts')
    const { failures, runs } = await broken.simulateSessions({ runs: 8_000, stopAfter: 1 })
    const [first] = failures
    table.push(`${mutant.name}: ${first?.seed ?? `NOT CAUGHT in ${runs}`}, ${first?.violations[0]?.invariant ?? '-'}`)
    expect(first, `${mutant.name} survived`).toBeDefined()
  })
})
