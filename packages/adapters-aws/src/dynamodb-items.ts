import type { Image, Swap } from '@warmtoken/core'
import type { Inputs, Item, Send, Sent } from './dynamodb-send.ts'

/** An item is read only if it has both texts; anything else under the key is an image that no tag can match. */
export function imageOf(item: Item): Image | undefined {
  return item === undefined ? undefined : { body: textOf(item['body']?.S), tag: textOf(item['tag']?.S) }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The answer to an operation without a condition. */
export async function answered(sending: ReturnType<Send>): Promise<Sent> {
  const sent = await sending
  return 'output' in sent ? sent : { output: { Item: sent.unmet }, time: sent.time }
}

/** What swaps a record, and shows the one in the way where there is one. */
export function updateOf(table: string, key: string, { expected, body, tag, keepUntil }: Swap): Inputs['UpdateItem'] {
  return {
    TableName: table,
    Key: { pk: { S: key } },
    UpdateExpression: 'SET #body = :body, #tag = :tag, #keepUntil = :keepUntil',
    ConditionExpression: conditionOf(expected),
    ExpressionAttributeNames: {
      '#body': 'body',
      '#tag': 'tag',
      '#keepUntil': 'keepUntil',
      ...(expected === undefined && { '#pk': 'pk' }),
    },
    ExpressionAttributeValues: {
      ':body': { S: body },
      ':tag': { S: tag },
      ':keepUntil': { N: String(Math.ceil(keepUntil / 1_000)) },
      ...(expected !== undefined && expected.tag !== '' && { ':seen': { S: expected.tag } }),
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }
}

/** A record without a tag was written by somebody else: only its still having none can be asked for. */
function conditionOf(expected: Image | undefined): string {
  if (expected === undefined) return 'attribute_not_exists(#pk)'
  return expected.tag === '' ? 'attribute_not_exists(#tag)' : '#tag = :seen'
}
