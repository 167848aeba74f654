import { type Tally, type TallyOptions, tally } from '../tally.ts'
import { prepareSessionRun, type SessionResult } from './run.ts'

/** What came of many runs. */
export interface SessionSummary extends Tally<SessionResult> {
  readonly calls: number
}

/** Runs production sessions in many worlds of virtual time; `stopAfter` so many that broke a promise. */
export async function simulateSessions(options: TallyOptions): Promise<SessionSummary> {
  let calls = 0
  const all = await tally(options, prepareSessionRun, (result) => {
    calls += result.calls
  })
  return { ...all, calls }
}
