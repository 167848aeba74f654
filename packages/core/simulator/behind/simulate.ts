import { runInTurn } from '../in-turn.ts'
import { type BehindResult, type BehindTrouble, prepareBehindRun } from './run.ts'

/** What came of many runs. */
export interface BehindSummary {
  readonly runs: number
  readonly events: number
  readonly calls: number
  readonly failures: readonly BehindResult[]
  readonly seen: ReadonlyMap<string, number>
}

/** Runs production write-behinds in many worlds of virtual time; `stopAfter` so many that broke a promise. */
export async function simulateBehind({
  seed = 1,
  runs,
  stopAfter = Number.POSITIVE_INFINITY,
  trouble,
}: {
  readonly seed?: number
  readonly runs: number
  readonly stopAfter?: number
  /** The kind of trouble of all runs. Default: drawn from the seeds. */
  readonly trouble?: BehindTrouble | undefined
}): Promise<BehindSummary> {
  const failures: BehindResult[] = []
  const seen = new Map<string, number>()
  let [ended, events, calls] = [0, 0, 0]
  await runInTurn(
    runs,
    (index) => prepareBehindRun(seed + index, { trouble }),
    (result) => {
      ended += 1
      events += result.events
      calls += result.calls
      for (const [name, count] of result.seen) seen.set(name, (seen.get(name) ?? 0) + count)
      if (result.violations.length > 0) failures.push(result)
      return failures.length < stopAfter ? 'go on' : 'stop'
    },
  )
  return { runs: ended, events, calls, failures, seen }
}
