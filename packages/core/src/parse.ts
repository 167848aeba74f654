/** Small readers for what comes from outside: each returns `undefined` instead of throwing. @module */

/** The latest instant that a date can hold, in ms since 1970. */
const LAST_INSTANT = 8.64e15

/** An object with string keys, not yet trusted further. */
export type Fields = { readonly [name: string]: unknown }

/** The value as an object, if it is one. */
export const asFields = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined

/** The value as an instant or a length: finite, not negative, within what a date can hold. */
export const asTime = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 && value <= LAST_INSTANT ? value : undefined

/** The value as a text of a form. */
export const matching = (value: unknown, form: RegExp): string | undefined =>
  typeof value === 'string' && form.test(value) ? value : undefined

/**
 * The value as a token: at most 64 K of printable ASCII (VSCHAR, RFC 6749 appendix A.12). With anything else in it
 * `Headers.set` throws an error whose message shows the whole token.
 */
export const asToken = (value: unknown): string | undefined => matching(value, /^[\x20-\x7e]{1,65536}$/)

/** The value as the word that presents a token, such as `Bearer`. */
export const asTokenType = (value: unknown): string | undefined => matching(value, /^[\w.-]{1,100}$/)
