/** Text from outside, made fit for messages and logs. @module */

/** Characters that break a line of a log, move the cursor or turn the direction of text. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** The value as one line that is safe in a message or a log: at most `max` characters, control characters replaced by `?`. */
export function asLine(value: unknown, max: number): string | undefined {
  return typeof value === 'string' ? value.slice(0, max).replace(CONTROL, '?') : undefined
}
