import { simulateBehind } from '@warmtoken/core/simulator'
import { afterAll, describe, expect, it } from 'vitest'
import { buildSimulator } from '../mutation/build.ts'
import { BEHIND_MUTANTS } from './mutants.ts'

/** What must have been met, or nothing was shown. */
const REQUIRED = [
  'BEHIND_FULL',
  'BEHIND_UNKNOWN',
  'behind-accepted',
  'behind-applied',
  'behind-failed',
  'behind-fenced',
  'behind-full',
  'behind-poison',
  'burst',
  'clean-up',
  'clock step',
  'crash',
  'delivered again',
  'duplicate',
  'freeze',
  'give up',
  'late write',
  'late write refused',
  'long idle',
  'long queue',
  'lost reply',
  'lost request',
  'merged',
  'number after deletion',
  'own tag recognized',
  'read over a kept load',
  'retry',
  'set aside',
  'truth after',
  'truth hangs',
  'truth late',
  'truth refuses',
]
const RUNS = 1_000
/** No mutant may need more. */
const MOST_RUNS = 4_000

describe('write-behind, simulated', () => {
  it(`keeps every promise in ${RUNS} seeded runs, and every danger was met`, { timeout: 600_000 }, async () => {
    const { failures, seen, runs } = await simulateBehind({ runs: RUNS, stopAfter: 3 })
    expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([])
    expect(runs).toBe(RUNS)
    expect(REQUIRED.filter((name) => (seen.get(name) ?? 0) === 0)).toEqual([])
  })

  it('replays a run exactly from its seed', { timeout: 60_000 }, async () => {
    const [first, second] = [await simulateBehind({ seed: 77, runs: 10 }), await simulateBehind({ seed: 77, runs: 10 })]
    expect(second).toEqual(first)
  })
})

describe('the mutation gate of write-behind', () => {
  const table: string[] = []
  afterAll(() => console.log(['mutant: runs until caught, by', ...table].join('\n  ')))

  it.each(BEHIND_MUTANTS)('catches: $name', { timeout: 600_000 }, async (mutant) => {
    const broken = await buildSimulator<{ simulateBehind: typeof simulateBehind }>(mutant, 'behind/simulate.ts')
    const { failures, runs } = await broken.simulateBehind({ runs: MOST_RUNS, stopAfter: 1, trouble: mutant.trouble })
    const [first] = failures
    table.push(`${mutant.name}: ${first?.seed ?? `NOT CAUGHT in ${runs}`}, ${first?.violations[0]?.invariant ?? '-'}`)
    expect(first, `${mutant.name} survived`).toBeDefined()
  })
})
