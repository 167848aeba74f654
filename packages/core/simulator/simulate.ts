import { runInTurn } from './in-turn.ts'
import { prepareRun, type Result } from './run.ts'
import type { Scenario } from './scenario.ts'

/** What came of many runs. */
export interface Summary {
  readonly runs: number
  readonly events: number
  readonly calls: number
  readonly issuerCalls: number
  /** Every run that broke a promise, whole. */
  readonly failures: readonly Result[]
  /** How often each thing worth seeing was seen: all must be positive, or nothing was shown. */
  readonly seen: ReadonlyMap<string, number>
}

/** How {@link simulate} runs. */
export interface SimulateOptions {
  /** The first seed; the next runs take the next seeds. Default 1. */
  readonly seed?: number
  /** How many runs. */
  readonly runs: number
  /** Ends early after so many runs that broke a promise. Default: never. */
  readonly stopAfter?: number
  /** What the runs are made of. Default: drawn from each seed. */
  readonly scenario?: Scenario
  /** What prepares a run. Default: tokens; `prepareDataRun` for data. */
  readonly prepare?: typeof prepareRun
}

/**
 * Runs the production engine in many worlds of virtual time. Every run follows from its seed alone, so you can
 * reproduce a failure by running its seed alone.
 */
export async function simulate({
  seed = 1,
  runs,
  stopAfter = Number.POSITIVE_INFINITY,
  scenario,
  prepare = prepareRun,
}: SimulateOptions): Promise<Summary> {
  const failures: Result[] = []
  const seen = new Map<string, number>()
  let [ended, events, calls, issuerCalls] = [0, 0, 0, 0]

  const end = (result: Result): 'go on' | 'stop' => {
    ended += 1
    events += result.events
    calls += result.calls
    issuerCalls += result.issuerCalls
    for (const [name, count] of result.seen) seen.set(name, (seen.get(name) ?? 0) + count)
    if (result.violations.length > 0) failures.push(result)
    return failures.length < stopAfter ? 'go on' : 'stop'
  }

  await runInTurn(runs, (index) => prepare(seed + index, { scenario }), end)
  return { runs: ended, events, calls, issuerCalls, failures, seen }
}
