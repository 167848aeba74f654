/**
 * Readers of texts for sources. parse-text.ts has the same for records: a file that both load would be one more for a cold
 * start to find and read, and costs it more than these lines.
 *
 * @module
 */

import { isTime } from '../../lib/parse.ts'

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
