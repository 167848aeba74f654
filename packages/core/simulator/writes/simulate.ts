import { type Tally, type TallyOptions, tally } from '../tally.ts'
import { prepareWriteRun, type WriteResult } from './run.ts'

/** Runs production caches that write through in many worlds of virtual time. */
export function simulateWrites(options: TallyOptions): Promise<Tally<WriteResult>> {
  return tally(options, prepareWriteRun)
}
