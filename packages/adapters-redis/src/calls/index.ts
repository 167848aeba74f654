/**
 * What every store on Redis shares, however it asks: the scripts, the requests made of them, and the words of a server
 * that refuses. For `@warmtoken/adapters-upstash`.
 *
 * @module
 */

export { type Ask, type Call, type CallsOptions, makeCalls } from './calls.ts'
export { createFaults, isAnswer, isReadOnly, type Remedy, wordsOf } from './faults.ts'
export { makePublisher, makeSubscribers } from './live.ts'
export { makePages } from './pages.ts'
