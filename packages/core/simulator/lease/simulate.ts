import { type Tally, type TallyOptions, tally } from '../tally.ts'
import { type LeaseResult, prepareLeaseRun } from './run.ts'

/** Runs production leases in many worlds of virtual time. */
export function simulateLeases(options: TallyOptions): Promise<Tally<LeaseResult>> {
  return tally(options, prepareLeaseRun)
}
