/**
 * What the factory of a store needs: option checks, and the lazy loading of everything else. It is part of
 * `@warmtoken/core/adapter`, apart so that a hit loads nothing but this of a store whose requests are loaded when needed.
 *
 * @module
 */

import { isFunction, type Rule } from '../lib/options.ts'
import { asFields } from '../lib/parse.ts'

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
export { type LazyStore, lazyStore, type StoreCalls } from './lazy-store.ts'
export { type MemoizeOptions, memoize } from './memoize.ts'

/** The rule for an option `agent`. */
export const agentRule: Rule = ['an http(s) Agent', (value) => isFunction(asFields(value)?.['getName'])]
