import { runInTurn } from './in-turn.ts'

/** How many runs are played. */
export interface TallyOptions {
  /** The first seed; the next runs take the next seeds. Default 1. */
  readonly seed?: number
  readonly runs: number
  /** Ends early after so many runs that broke a promise. Default: never. */
  readonly stopAfter?: number
}

/** What came of many runs. */
export interface Tally<Result> {
  readonly runs: number
  readonly events: number
  /** Every run that broke a promise, whole. */
  readonly failures: readonly Result[]
  /** How often each thing worth seeing was seen: all must be positive, or nothing was shown. */
  readonly seen: ReadonlyMap<string, number>
}

/** What is added up of a run. */
interface Countable {
  readonly violations: readonly unknown[]
  readonly events: number
  readonly seen: ReadonlyMap<string, number>
}

/** Plays runs of consecutive seeds and adds up what came of them. `onEnd` sees each result. */
export async function tally<Result extends Countable>(
  { seed = 1, runs, stopAfter = Number.POSITIVE_INFINITY }: TallyOptions,
  prepare: (seed: number) => { step(): boolean; finish(): Result },
  onEnd?: (result: Result) => void,
): Promise<Tally<Result>> {
  const failures: Result[] = []
  const seen = new Map<string, number>()
  let [ended, events] = [0, 0]
  await runInTurn(
    runs,
    (index) => prepare(seed + index),
    (result) => {
      ended += 1
      events += result.events
      for (const [name, count] of result.seen) seen.set(name, (seen.get(name) ?? 0) + count)
      if (result.violations.length > 0) failures.push(result)
      onEnd?.(result)
      return failures.length < stopAfter ? 'go on' : 'stop'
    },
  )
  return { runs: ended, events, failures, seen }
}
