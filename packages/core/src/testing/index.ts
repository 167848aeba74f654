export { prepareRun, type Result, type Run, type RunOptions } from './simulator/run.ts'
export type { Scenario } from './simulator/scenario.ts'
export { type SimulateOptions, type Summary, simulate } from './simulator/simulate.ts'
export type { Invariant, Violation } from './simulator/witness.ts'
