import { CALM, prepareRun, type Result, type Scenario } from '@warmtoken/core/simulator'
import { describe, expect, it } from 'vitest'

/** A cold fleet that asks in one millisecond. */
const COLD: Scenario = {
  ...CALM,
  environments: 30,
  calls: 1,
  lifetime: 3_600_000,
  pause: [0, 0],
  background: false,
  issuerLatency: [50, 50],
}

async function runs(count: number, changes: Partial<Scenario>): Promise<readonly Result[]> {
  const results: Result[] = []
  for (let seed = 1; seed <= count; seed += 1) {
    const run = prepareRun(seed, { scenario: { ...COLD, ...changes } })
    while (run.step()) await new Promise((resolve) => setImmediate(resolve))
    results.push(run.finish())
  }
  expect(results.flatMap(({ violations }) => violations)).toEqual([])
  return results
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

/** How long the calls of a burst took, sorted, without the last call of each run; and reads for each environment. */
function burst(results: readonly Result[], environments: number) {
  const took = results.flatMap(({ durations }) => durations.slice(0, environments)).sort((a, b) => a - b)
  const percentile = (share: number): number => took[Math.floor(took.length * share)] ?? 0
  return { percentile, reads: sum(results.map(({ reads }) => reads)) / results.length / environments }
}

describe('a cold burst', () => {
  // `before`: reads and p99 with looks at 70, 300, 632 and 1,282 ms, by this simulator.
  it.each([
    { environments: 30, issuer: 50, seeds: 40, half: 130, before: { reads: 2.0, p99: 123 } },
    { environments: 100, issuer: 250, seeds: 20, half: 330, before: { reads: 2.99, p99: 355 } },
    { environments: 1_000, issuer: 50, seeds: 2, half: 130, before: { reads: 2.0, p99: 116 } },
    { environments: 1_000, issuer: 250, seeds: 2, half: 330, before: { reads: 3.0, p99: 355 } },
    { environments: 1_000, issuer: 1_000, seeds: 1, half: 1_287, before: { reads: 5.0, p99: 1_341 } },
  ])(
    'of $environments environments and an issuer of $issuer ms: half within $half ms, at most twice the reads',
    { timeout: 60_000 },
    async ({ environments, issuer, seeds, half, before }) => {
      const { percentile, reads } = burst(
        await runs(seeds, { environments, issuerLatency: [issuer, issuer] }),
        environments,
      )
      expect(percentile(0.5)).toBeLessThanOrEqual(half)
      expect(percentile(0.99)).toBeLessThanOrEqual(before.p99 * 1.01)
      expect(reads).toBeLessThanOrEqual(2 * before.reads)
    },
  )

  it('at a store that throttles half of all requests backs off, and mostly leaves the source to the holder', async () => {
    const results = await runs(20, { trouble: 'network', faults: { ...CALM.faults, throttled: 0.5 } })
    expect(sum(results.map(({ alone }) => alone))).toBeLessThan(0.2 * 20 * 30)
    expect(sum(results.map(({ reads }) => reads)) / 20 / 30).toBeLessThan(6)
  })
})

describe('a store that loses a third of its answers', () => {
  // Before environments looked once more: 29.9 %.
  it('leaves at most half as many fetches without a lease as without one more look', { timeout: 60_000 }, async () => {
    const results = await runs(150, {
      trouble: 'network',
      environments: 6,
      calls: 5,
      lifetime: 60_000,
      issuerLatency: [50, 450],
      pause: [0, 40_000],
      faults: { ...CALM.faults, lostReply: 1 / 3 },
    })
    const share = sum(results.map(({ alone }) => alone)) / sum(results.map(({ issuerCalls }) => issuerCalls))
    expect(share).toBeLessThanOrEqual(0.299 / 2)
  })
})
