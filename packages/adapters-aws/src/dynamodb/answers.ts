/** What DynamoDB has answered, as the store reads it. @module */

import type { Image, ServerTime } from '@warmtoken/core/adapter'
import type { Item, Output, Reply } from './operations.ts'

/** The output of an operation without a condition. */
export async function answered(
  reply: Promise<Reply>,
): Promise<{ readonly output: Output; readonly time: ServerTime | undefined }> {
  const given = await reply
  if (given.outcome === 'done') return given
  throw Object.assign(new Error('a condition that was not set did not hold'), { name: 'AnswerUnreadable' })
}

/** An item is read only if it has both texts; anything else under the key is an image that no tag can match. */
export function imageOf(item: Item): Image | undefined {
  return item === undefined ? undefined : { body: textOf(item['body']?.S), tag: textOf(item['tag']?.S) }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
