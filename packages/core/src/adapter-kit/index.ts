/**
 * What the author of a store needs at run time, and the types of the contract. A store in use loads it; a hit does not.
 *
 * @module
 */

export type { Image, ReadOptions, Runtime, Seen, ServerTime, Store, StoreFault, Swap, Swapped } from '../contracts.ts'
export {
  checkOptions,
  countRule,
  durationOrZeroRule,
  durationRule,
  flagRule,
  functionRule,
  isFunction,
  misuse,
  objectRule,
  oneOf,
  type Rule,
  shaped,
  textOrFunctionRule,
  textRule,
  textsRule,
  urlRule,
} from '../lib/options.ts'
export { asFields, type Fields, matches, parseJson } from '../lib/parse.ts'
export { abortable, pause } from '../lib/timing.ts'
export { type FaultFacts, isStoreFault, storeFault, withoutContents } from './fault.ts'
export { type MemoizeOptions, memoize, type WithClient, withClient } from './memoize.ts'
export { type Answer, agentRule, createPost, type Post, type PostOptions, type PostRequest } from './post.ts'
export { markAmbiguous, mayHaveBeenApplied, type RepeatOptions, repeatOnce } from './repeat.ts'
export { parseServerDate, stopwatch, withDeadline } from './time.ts'
