export type { CaseResult, ConformanceCase, StoreFaultKind, StoreFaults, StoreSubject } from './subject.ts'
export { storeConformance } from './suite.ts'
