/** What options must be: one rule an export, so that a bundle holds only those it uses. Lengths are in ms. @module */

import { asFields, isTime, matches } from './parse.ts'

/** What an option must be: words that complete "option X must be …", and the test, which takes no `undefined`. */
export type Rule = readonly [must: string, test: (value: unknown) => boolean]

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
/** Whether it is a function. */
export const isFunction = (value: unknown): boolean => typeof value === 'function'
const isAbove0 = (value: unknown): boolean => isTime(value) && value > 0

/** A length. */
export const length: Rule = ['ms > 0', isAbove0]
/** A length that may be nothing. */
export const lengthOrNone: Rule = ['ms >= 0', isTime]
/** How many. */
export const count: Rule = ['a whole number > 0', (value) => Number.isSafeInteger(value) && isAbove0(value)]
/** Yes or no. */
export const flag: Rule = ['true or false', (value) => typeof value === 'boolean']
/** A function. */
export const callback: Rule = ['a function', isFunction]
/** A text. */
export const text: Rule = ['a text, not empty', isText]
/** Anything with fields. */
export const object: Rule = ['an object', (value) => asFields(value) !== undefined]
/** A text, or what gives it. */
export const textOrCallback: Rule = ['a text or a function', (value) => isText(value) || isFunction(value)]
/** Texts. */
export const texts: Rule = ['a list of texts', (value) => Array.isArray(value) && value.every(isText)]
/** An address on the web. */
export const url: Rule = ['an http(s) URL', (value) => matches(value, /^https?:/i) && URL.canParse(value)]
/** One of some words. */
export const oneOf = (...words: readonly unknown[]): Rule => [
  `one of ${words.join(', ')}`,
  (value) => words.includes(value),
]
/** Something with methods. */
export const shaped = (...methods: readonly string[]): Rule => [
  `{ ${methods.join(', ')} }`,
  (value) => methods.every((method) => isFunction(asFields(value)?.[method])),
]
