/** Checks of options, and the rules that they must keep. Durations are in ms. @module */

import { asFields, isTime, matches } from './parse.ts'

/** Throws the `TypeError` for a wrong argument, which shows when things are set up: `where` it is, and `why` it is wrong. */
export const misuse: (where: string, why: string) => never = (where, why) => {
  throw new TypeError(`${where}: ${why}`)
}

/**
 * Checks options at construction. Throws `TypeError` that names the option: one that is missing, wrong, or unknown (a
 * typo must not silently become a default). Gives back those that are not `undefined`.
 */
export function checkOptions<T>(
  where: string,
  options: T,
  rules: { readonly [name: string]: Rule },
  required: readonly string[] = [],
): T {
  const fields = asFields(options) ?? misuse(where, 'options must be an object')
  const given: { [name: string]: unknown } = {}
  for (const name of Object.keys({ ...rules, ...fields })) {
    const value = fields[name]
    // Own names only: every object has a "constructor".
    const [must, test] =
      (Object.hasOwn(rules, name) && rules[name]) ||
      misuse(where, `unknown option "${name}"; known: ${Object.keys(rules).join(', ')}`)
    // No test takes `undefined`.
    if (test(value)) given[name] = value
    else if (value !== undefined || required.includes(name)) misuse(where, `option "${name}" must be ${must}`)
  }
  return given as T
}

/** What an option must be: words that complete "option X must be …", and the test, which takes no `undefined`. */
export type Rule = readonly [must: string, test: (value: unknown) => boolean]

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
/** Whether it is a function. */
export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
function isAbove0(value: unknown): boolean {
  return isTime(value) && value > 0
}

/** A length. */
export const durationRule: Rule = ['ms > 0', isAbove0]
/** A length that may be nothing. */
export const durationOrZeroRule: Rule = ['ms >= 0', isTime]
/** How many. */
export const countRule: Rule = ['an integer > 0', (value) => Number.isSafeInteger(value) && isAbove0(value)]
/** Yes or no. */
export const flagRule: Rule = ['true or false', (value) => typeof value === 'boolean']
/** A function. */
export const functionRule: Rule = ['a function', isFunction]
/** A string. */
export const textRule: Rule = ['a non-empty string', isText]
/** Anything with fields. */
export const objectRule: Rule = ['an object', (value) => asFields(value) !== undefined]
/** A string, or what gives it. */
export const textOrFunctionRule: Rule = [
  'a function or non-empty string',
  (value) => isText(value) || isFunction(value),
]
/** Strings. */
export const textsRule: Rule = ['a list of strings', (value) => Array.isArray(value) && value.every(isText)]
/** An address on the web. */
export const urlRule: Rule = ['an http(s) URL', (value) => matches(value, /^https?:/i) && URL.canParse(value)]
/** One of some words. */
export function oneOf(...words: readonly unknown[]): Rule {
  return [`one of ${words.join(', ')}`, (value) => words.includes(value)]
}
/** Something with methods. */
export function shaped(...methods: readonly string[]): Rule {
  return [`{ ${methods.join(', ')} }`, (value) => methods.every((method) => isFunction(asFields(value)?.[method]))]
}
