import { runInTurn } from '../in-turn.ts'
import { prepareWriteRun, type WriteResult } from './run.ts'

/** What came of many runs. */
export interface WriteSummary {
  readonly runs: number
  readonly failures: readonly WriteResult[]
  readonly seen: ReadonlyMap<string, number>
}

/** Runs production caches that write through in many worlds of virtual time; `stopAfter` so many that broke a promise. */
export async function simulateWrites({
  seed = 1,
  runs,
  stopAfter = Number.POSITIVE_INFINITY,
}: {
  readonly seed?: number
  readonly runs: number
  readonly stopAfter?: number
}): Promise<WriteSummary> {
  const failures: WriteResult[] = []
  const seen = new Map<string, number>()
  let ended = 0
  await runInTurn(
    runs,
    (index) => prepareWriteRun(seed + index),
    (result) => {
      ended += 1
      for (const [name, count] of result.seen) seen.set(name, (seen.get(name) ?? 0) + count)
      if (result.violations.length > 0) failures.push(result)
      return failures.length < stopAfter ? 'go on' : 'stop'
    },
  )
  return { runs: ended, failures, seen }
}
