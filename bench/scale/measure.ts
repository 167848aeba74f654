import { CALM, prepareRun, type Scenario } from '@warmtoken/core/simulator'

/** How many seeds each row is the mean of: each draws another issuer latency. */
const SEEDS = 8
const HOUR = 3_600_000

/** One row of the table. */
export interface Row {
  readonly environments: number
  readonly situation: 'cold at once' | 'steady'
  readonly issuerCalls: number
  /** Per environment. */
  readonly reads: number
  readonly writes: number
  /** The most reads of the key within a second, in any run. */
  readonly readsPerSecond: number
  /** How long a call waits, in ms. */
  readonly p50: number
  readonly p99: number
  /** Refreshes that the run saw, for what one of them costs. */
  readonly refreshes: number
  readonly hours: number
}

function scenario(environments: number, steady: boolean): Scenario {
  return {
    ...CALM,
    environments,
    calls: steady ? 12 : 1,
    lifetime: HOUR,
    // Twelve calls at random over some three lives: about what a function sees that is called now and then everywhere.
    pause: steady ? [0, HOUR / 2] : [0, 0],
    background: steady,
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? 0
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length
}

/** Measures one row: the mean of several seeds; p50 and p99 over all their calls. */
export async function measure(environments: number, steady: boolean): Promise<Row> {
  const results = []
  for (let seed = 1; seed <= (environments >= 10_000 && steady ? 2 : SEEDS); seed += 1) {
    const run = prepareRun(seed, { scenario: scenario(environments, steady) })
    while (run.step()) await new Promise((resolve) => setImmediate(resolve))
    const result = run.finish()
    if (result.violations.length > 0) throw new Error(`seed ${seed} broke a promise: ${result.violations[0]?.what}`)
    results.push(result)
  }
  const durations = results.flatMap((result) => result.durations).sort((a, b) => a - b)
  const issuerCalls = mean(results.map((result) => result.issuerCalls))
  return {
    environments,
    situation: steady ? 'steady' : 'cold at once',
    issuerCalls,
    reads: mean(results.map((result) => result.reads)) / environments,
    writes: mean(results.map((result) => result.writes)) / environments,
    readsPerSecond: Math.max(...results.map((result) => result.readsPerSecond)),
    p50: percentile(durations, 0.5),
    p99: percentile(durations, 0.99),
    refreshes: issuerCalls,
    hours: steady ? 3 : 1,
  }
}
