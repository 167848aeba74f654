export { type CheckOptions, checkHistory, type HistoryCounts, type HistoryResult } from './check-history.ts'
export type { HistoryEvent, ReadEnded, SwapEnded, SwapSent } from './event.ts'
export { type RecordingOptions, recordingStore } from './recording-store.ts'
export type { HistoryInvariant, HistoryViolation } from './violation.ts'
