import { prepareLeaseRun, simulateLeases } from '@warmtoken/core/simulator'
import { describe, expect, it } from 'vitest'
import { buildSimulator } from '../mutation/build.ts'
import { LEASE_MUTANTS } from './mutants.ts'

/** What must have been met, or the runs show nothing. */
const REQUIRED = [
  'clean-up',
  'clock step',
  'crash',
  'freeze',
  'late write',
  'late write refused',
  'lost reply',
  'lost request',
  'started',
  'LEASE_HELD',
  'LEASE_LOST',
]
/** The runs from here on catch each mutant soon. */
const FIRST = 500

describe('leases, simulated', () => {
  it('are believed by one holder at a time, with fences that rise, and every danger was met', {
    timeout: 120_000,
  }, async () => {
    const { failures, seen, runs } = await simulateLeases({ runs: 200 })
    expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([])
    expect(runs).toBe(200)
    expect(REQUIRED.filter((name) => !seen.has(name))).toEqual([])
  })

  it('replay a run exactly from its seed', async () => {
    const play = async (): Promise<readonly string[]> => {
      const lines: string[] = []
      const run = prepareLeaseRun(7, (line) => lines.push(line))
      while (run.step()) await new Promise((resolve) => setImmediate(resolve))
      return lines
    }
    expect(await play()).toEqual(await play())
  })

  it.each(LEASE_MUTANTS)('catch: $name', { timeout: 120_000 }, async (mutant) => {
    const built = await buildSimulator<{ simulateLeases: typeof simulateLeases }>(mutant, 'lease/simulate.ts')
    const { failures } = await built.simulateLeases({ seed: FIRST, runs: 1_000, stopAfter: 1 })
    expect(failures[0]?.violations[0], `${mutant.name} survived`).toBeDefined()
  })
})
