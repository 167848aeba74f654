/**
 * Readers of texts for sources. parse-text.ts has the same for records: a file that both load would be one more for a cold
 * start to find and read, and costs it more than these lines.
 *
 * @module
 */

import { isTime } from '../parse.ts'

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
