import { prepareWriteRun, simulateWrites } from '@warmtoken/core/simulator'
import { describe, expect, it } from 'vitest'
import { buildSimulator } from '../mutation/build.ts'
import { WRITE_MUTANTS } from './write-mutants.ts'

/** What must have been met, or the runs show nothing. */
const REQUIRED = [
  'cached',
  'crash',
  'dropped',
  'freeze',
  'landed',
  'landed after its lease',
  'late write',
  'lost reply',
  'old value within the bound',
  'pending',
  'refused by its number',
  'write: TIMEOUT',
  'write: WRITE_BUSY',
]
/** The runs from here on catch each mutant soon. */
const FIRST = 45

describe('writes through a cache, simulated', () => {
  it('are seen in time, whatever becomes of the writer, and every danger was met', { timeout: 120_000 }, async () => {
    const { failures, seen, runs } = await simulateWrites({ runs: 60 })
    expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([])
    expect(runs).toBe(60)
    expect(REQUIRED.filter((name) => !seen.has(name))).toEqual([])
  })

  it('replay a run exactly from its seed', async () => {
    const play = async (): Promise<readonly string[]> => {
      const lines: string[] = []
      const run = prepareWriteRun(7, (line) => lines.push(line))
      while (run.step()) await new Promise((resolve) => setImmediate(resolve))
      return lines
    }
    expect(await play()).toEqual(await play())
  })

  it.each(WRITE_MUTANTS)('catch: $name', { timeout: 120_000 }, async (mutant) => {
    const built = await buildSimulator<{ simulateWrites: typeof simulateWrites }>(mutant, 'writes/simulate.ts')
    const { failures } = await built.simulateWrites({ seed: FIRST, runs: 500, stopAfter: 1 })
    expect(failures[0]?.violations[0], `${mutant.name} survived`).toBeDefined()
  })
})
