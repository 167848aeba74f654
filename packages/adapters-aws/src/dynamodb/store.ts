import type { Image, ReadOptions, Seen, Store, StoreCalls, Swap, Swapped } from '@warmtoken/core/adapter'
import { isStoreFault, overtaken } from '@warmtoken/core/adapter'
import { awsFault, type Remedy } from '../shared/faults.ts'
import { isAmbiguous, type SdkError } from '../shared/sdk-error.ts'
import { answered, imageOf } from './answers.ts'
import type { Inputs, Send } from './operations.ts'
import { createReadMany } from './read-many.ts'

/** The store's calls on a table. */
export function makeCalls(table: string, send: Send): Required<StoreCalls> & Pick<Store, 'lacks'> {
  const failed = (permission: string, error: unknown): Error =>
    awsFault(`DynamoDB table ${table}`, error, (one) => remedyOf(one, table, permission))

  const read = async (key: string, { signal, consistent }: ReadOptions): Promise<Seen> => {
    try {
      const input = { TableName: table, Key: { pk: { S: key } }, ConsistentRead: consistent }
      const { output, time } = await answered(send('GetItem', input, signal))
      return { image: imageOf(output.Item), time }
    } catch (error) {
      throw failed('dynamodb:GetItem', error)
    }
  }

  const swap = async (key: string, wanted: Swap, { signal }: { signal: AbortSignal }): Promise<Swapped> => {
    try {
      const reply = await send('UpdateItem', updateOf(table, key, wanted), signal)
      if (reply.outcome === 'done') {
        return { outcome: 'swapped', image: { body: wanted.body, tag: wanted.tag }, time: reply.time }
      }
      // An emulator may leave out the record in the way: then one strong read tells.
      const seen =
        reply.item === undefined
          ? await read(key, { signal, consistent: true })
          : { image: imageOf(reply.item), time: reply.time }
      // A repeat of a request whose answer was lost fails on our own write.
      if (seen.image?.tag === wanted.tag) return { outcome: 'swapped', image: seen.image, time: seen.time }
      // That write may have been replaced by others since.
      if (reply.isOpen === true) return { outcome: 'unknown', cause: overtaken() }
      return { outcome: 'conflict', seen }
    } catch (error) {
      // When the read after an unmet condition fails, nobody knows whose write that was.
      if (isStoreFault(error)) return { outcome: 'unknown', cause: error }
      const cause = failed('dynamodb:UpdateItem', error)
      if (isAmbiguous(error)) return { outcome: 'unknown', cause }
      throw cause
    }
  }

  return { read, swap, ...createReadMany({ table, send, read, failed }) }
}

/** The request that swaps a record, and that returns the one in the way where there is one. */
function updateOf(
  table: string,
  key: string,
  { expected, body, tag, keepUntil, announce }: Swap,
): Inputs['UpdateItem'] {
  return {
    TableName: table,
    Key: { pk: { S: key } },
    // A stream must not take this write for an announcement because of one that was announced before it.
    UpdateExpression: `SET #body = :body, #tag = :tag, #keepUntil = :keepUntil${announce ? ', #live = :live' : ' REMOVE #live'}`,
    ConditionExpression: conditionOf(expected),
    ExpressionAttributeNames: {
      '#body': 'body',
      '#tag': 'tag',
      '#keepUntil': 'keepUntil',
      '#live': 'live',
      ...(expected === undefined && { '#pk': 'pk' }),
    },
    ExpressionAttributeValues: {
      ':body': { S: body },
      ':tag': { S: tag },
      ':keepUntil': { N: String(Math.ceil(keepUntil / 1_000)) },
      ...(expected !== undefined && { ':seen': { S: expected.tag } }),
      ...(expected?.tag === '' && { ':string': { S: 'S' } }),
      ...(announce && { ':live': { S: announce } }),
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }
}

/** A record without a tag, or with one that is empty or not a string, was written by someone else: it must still have none. */
function conditionOf(expected: Image | undefined): string {
  if (expected === undefined) return 'attribute_not_exists(#pk)'
  if (expected.tag !== '') return '#tag = :seen'
  return 'attribute_not_exists(#tag) OR NOT attribute_type(#tag, :string) OR #tag = :seen'
}

/** What an operator must do about an error of DynamoDB. */
export function remedyOf({ name, message }: SdkError, table: string, permission: string): Remedy | undefined {
  if (name === 'AccessDeniedException' && /\bKMS\b/.test(message)) {
    const must = 'the role needs kms:Decrypt on it, in its policy or in that of the key'
    return { code: 'STORE_DENIED', message: `the KMS key of the table cannot be used; ${must}` }
  }
  if (name === 'AccessDeniedException')
    return { code: 'STORE_DENIED', message: `access denied; the role needs ${permission} on this table` }
  if (
    name === 'ValidationException' &&
    /key element|key schema|Type mismatch for key|conditions on the keys/i.test(message)
  )
    return {
      code: 'STORE_REFUSED',
      message: 'its key does not fit; it needs the hash key "pk", a string, and no sort key: create a new table so',
    }
  if (name === 'ResourceNotFoundException')
    return {
      code: 'STORE_MISSING',
      message: `it does not exist; serverless.yml makes it with "TableName: ${table}" under resources, Type AWS::DynamoDB::Table, hash key pk (S)`,
    }
  return undefined
}
