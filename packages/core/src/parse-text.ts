/** Readers of texts, like those of parse.ts, for records: no hit needs them. @module */

import { isTime } from './parse.ts'

/** The text as JSON, `undefined` when it is not. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The value as a text of at most `max` characters. */
export const asText = (value: unknown, max: number): string | undefined =>
  typeof value === 'string' && value.length <= max ? value : undefined

/** The value as an instant or a length. */
export const asTime = (value: unknown): number | undefined => (isTime(value) ? value : undefined)
