import { expect, test } from 'vitest'
import { playBehind } from '../behind/processes.ts'

/** `pnpm test:long` writes them all. */
const WRITES = process.env['WARMTOKEN_LONG'] === undefined ? 1_500 : 10_000
const seed = Number(process.env['WARMTOKEN_TEST_SEED'] ?? Math.floor(Math.random() * 1e9))

test(`${WRITES} writes behind by eight processes that are killed and frozen are applied once, and in order`, {
  timeout: 1_800_000,
}, async () => {
  // Frozen for less and for longer than the lease of a drainer.
  const plan = {
    writes: WRITES,
    processes: 8,
    meddleEvery: WRITES === 10_000 ? 250 : 120,
    freezes: [300, 9_000],
    seed,
  } as const
  const { wrong, counts, left } = await playBehind(plan)
  console.log(`seed ${seed}:`, counts)
  expect({ wrong, left }, `seed ${seed}`).toEqual({ wrong: [], left: 0 })
  expect(counts.accepted).toBeGreaterThanOrEqual(WRITES)
  expect(Math.min(counts.kills, counts.freezes)).toBeGreaterThan(WRITES / 2_000)
})
