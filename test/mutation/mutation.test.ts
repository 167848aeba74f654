import type { simulateData } from '@warmtoken/core/simulator'
import { afterAll, describe, expect, it } from 'vitest'
import { buildMutant, buildSimulator } from './build.ts'
import { DATA_MUTANTS } from './data-mutants.ts'
import { EXCLUSIVE_MUTANTS, MUTANTS } from './mutants.ts'

/** No mutant may need more runs than the test command simulates. */
const MOST_RUNS = 20_000

describe('the mutation gate', () => {
  const table: string[] = []
  afterAll(() => console.log(['mutant: runs until caught, by', ...table].join('\n  ')))

  it('passes the protocol as it is', async () => {
    const { simulate } = await buildMutant({ name: 'none', edits: [] })
    const { failures } = await simulate({ runs: 500 })
    expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([])
  })

  it.each([...MUTANTS, ...EXCLUSIVE_MUTANTS])('catches: $name', { timeout: 120_000 }, async (mutant) => {
    const { simulate } = await buildMutant(mutant)
    const { failures } = await simulate({ runs: MOST_RUNS, stopAfter: 1 })
    const [first] = failures
    table.push(`${mutant.name}: ${first?.seed ?? 'NOT CAUGHT'} runs, ${first?.violations[0]?.invariant ?? '-'}`)
    expect(first, `${mutant.name} survived ${MOST_RUNS} runs`).toBeDefined()
  })
})

describe('the mutation gate of invalidation', () => {
  const table: string[] = []
  afterAll(() => console.log(['mutant: runs until caught, by', ...table].join('\n  ')))
  const build = (mutant: (typeof DATA_MUTANTS)[number]) =>
    buildSimulator<{ simulateData: typeof simulateData }>(mutant, 'data/simulate.ts')

  it('passes the protocol as it is', { timeout: 120_000 }, async () => {
    const built = await build({ name: 'none', edits: [] })
    const { failures } = await built.simulateData({ runs: 500 })
    expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([])
  })

  it.each(DATA_MUTANTS)('catches: $name', { timeout: 300_000 }, async (mutant) => {
    const built = await build(mutant)
    const { failures } = await built.simulateData({ runs: MOST_RUNS, stopAfter: 1 })
    const [first] = failures
    table.push(`${mutant.name}: ${first?.seed ?? 'NOT CAUGHT'} runs, ${first?.violations[0]?.invariant ?? '-'}`)
    expect(first, `${mutant.name} survived ${MOST_RUNS} runs`).toBeDefined()
  })
})
