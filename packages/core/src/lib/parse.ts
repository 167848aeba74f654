/** Small tests of what comes from outside. @module */

/** The latest instant that a date can hold, in ms since 1970. */
const LAST_INSTANT = 8.64e15

/** An object with string keys, not yet trusted further. */
export type Fields = { readonly [name: string]: unknown }

/** The value as an object, if it is one. */
export function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

/** Whether it is an instant or a length: finite, not negative, within what a date can hold. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_INSTANT
}

/** Whether it is a text of a form. */
export function matches(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value)
}

/**
 * Whether it may be a token: at most 64 K of printable ASCII (VSCHAR, RFC 6749 appendix A.12). With anything else in it
 * `Headers.set` throws an error whose message shows the whole token.
 */
export function isToken(value: unknown): value is string {
  return matches(value, /^[\x20-\x7e]{1,65536}$/)
}

/** Whether it may be the word that presents a token, such as `Bearer`. */
export function isTokenType(value: unknown): value is string {
  return matches(value, /^[\w.-]{1,100}$/)
}

/** JSON of sources nests no deeper than this. */
export const MAX_DEPTH = 16

/** The text as JSON, `undefined` when it is not. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The value as a text of at most `max` characters. */
export function asText(value: unknown, max: number): string | undefined {
  return typeof value === 'string' && value.length <= max ? value : undefined
}

/** The value as an instant or a length. */
export function asTime(value: unknown): number | undefined {
  return isTime(value) ? value : undefined
}
