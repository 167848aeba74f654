/**
 * What every store must do, as cases for any test runner, and what helps to run them.
 *
 * @module
 */
export { type ProgrammableProxy, proxiedFaults, type WayFault } from './proxied-faults.ts'
export type { CaseResult, ConformanceCase, StoreFaultKind, StoreFaults, StoreSubject } from './subject.ts'
export { storeConformance } from './suite.ts'
