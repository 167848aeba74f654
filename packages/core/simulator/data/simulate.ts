import { type SimulateOptions, type Summary, simulate } from '../simulate.ts'
import { prepareDataRun } from './run.ts'

/** Runs production caches in many worlds of virtual time, and checks V1 to V10 of the page on invalidation. */
export function simulateData(options: Omit<SimulateOptions, 'prepare'>): Promise<Summary> {
  return simulate({ ...options, prepare: prepareDataRun })
}
