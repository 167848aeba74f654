/**
 * What the author of a store needs at run time, and the types of the contract.
 *
 * @module
 */

export type {
  Image,
  Inventory,
  InventoryPage,
  ReadOptions,
  Runtime,
  Seen,
  ServerTime,
  Store,
  StoreFault,
  Swap,
  Swapped,
} from '../contracts.ts'
export { abortable, pause } from '../lib/timing.ts'
export { type WithClient, withClient, withDeadline } from './call.ts'
export { type FaultFacts, isStoreFault, storeFault, withoutContents } from './fault.ts'
export { type Answer, createPost, type Post, type PostOptions, type PostRequest, parseServerDate } from './post.ts'
export { markAmbiguous, mayHaveBeenApplied, overtaken, type RepeatOptions, repeatOnce } from './repeat.ts'
export * from './setup.ts'
export { stopwatch } from './stopwatch.ts'
