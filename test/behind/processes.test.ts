import { describe, expect, it } from 'vitest'
import { check, playBehind } from './processes.ts'
import type { BehindLine } from './protocol.ts'

const WRITES = 200
const seed = Number(process.env['WARMTOKEN_TEST_SEED'] ?? Math.floor(Math.random() * 1e9))

// `test/history` has 1,500 writes for `pnpm test:contention`, and 10,000 for `pnpm test:long`.
describe('write-behind by processes that are killed and frozen', () => {
  it('applies each accepted write once, and those of a key in order', { timeout: 300_000 }, async () => {
    const plan = { writes: WRITES, processes: 3, meddleEvery: 40, freezes: [200, 1_500], seed } as const
    const { wrong, counts, left } = await playBehind(plan)
    expect({ wrong, left }, `seed ${seed}`).toEqual({ wrong: [], left: 0 })
    // What this is about has happened.
    expect(counts.accepted).toBeGreaterThanOrEqual(WRITES)
    expect(counts.kills + counts.freezes).toBeGreaterThanOrEqual(4)
  })

  it('is checked: a history in which a write is lost, repeated or out of order is found', () => {
    const accepted = (value: string, n: number): BehindLine => ({ type: 'accepted', key: '1', value, n })
    const asks = (value: string): BehindLine => ({ type: 'asks', key: '1', value })
    const lines = [asks('a'), accepted('a', 1), asks('b'), accepted('b', 2)]
    const took = (...puts: readonly (readonly [string, number])[]) =>
      new Map([['1', puts.map(([value, n]) => ({ key: '1', value, n }))]])
    expect(check([lines], took(['a', 1], ['b', 2]))).toEqual([])
    expect(check([lines], took(['a', 1]))).toEqual(['b was accepted as 2 and applied as undefined'])
    expect(check([lines], took(['a', 1], ['a', 2], ['b', 3]))).toContain('a was applied twice')
    expect(check([lines], took(['a', 1], ['b', 2], ['c', 3]))).toEqual(['c was applied, and nobody wrote it'])
    expect(check([[...lines].reverse()], took(['a', 1], ['b', 2]))).toHaveLength(1)
  })
})
