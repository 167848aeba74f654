import { prepareRun, type Result, type Run } from './run.ts'
import type { Scenario } from './scenario.ts'

/** How many runs go on side by side: one turn of the event loop serves an event of each. */
const SIDE_BY_SIDE = 64

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
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
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
}: SimulateOptions): Promise<Summary> {
  const failures: Result[] = []
  const seen = new Map<string, number>()
  let [started, ended, events, calls, issuerCalls] = [0, 0, 0, 0, 0]
  let active: Run[] = []

  const end = (run: Run): void => {
    const result = run.finish()
    ended += 1
    events += result.events
    calls += result.calls
    issuerCalls += result.issuerCalls
    for (const [name, count] of result.seen) seen.set(name, (seen.get(name) ?? 0) + count)
    if (result.violations.length > 0) failures.push(result)
  }

  while ((started < runs || active.length > 0) && failures.length < stopAfter) {
    while (active.length < SIDE_BY_SIDE && started < runs) active.push(prepareRun(seed + started++, { scenario }))
    // Promises between two events of a run settle while the event loop turns; no event may come before they have.
    const next: Run[] = []
    for (const run of active) {
      if (run.step()) next.push(run)
      else end(run)
    }
    active = next
    await turn()
  }
  return { runs: ended, events, calls, issuerCalls, failures, seen }
}
