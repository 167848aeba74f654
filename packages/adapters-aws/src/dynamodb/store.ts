import type { Image, ReadOptions, Seen, ServerTime, StoreCalls, Swap, Swapped } from '@warmtoken/core/adapter'
import { isStoreFault } from '@warmtoken/core/adapter'
import { awsFault, type Remedy } from '../shared/faults.ts'
import { isAmbiguous, type SdkError, sdkError } from '../shared/sdk-error.ts'
import type { Inputs, Item, Output, Reply, Send } from './operations.ts'

/** BatchGetItem takes so many keys (DynamoDB API reference). */
const BATCH = 100

/** The store's calls on a table. */
export function makeCalls(table: string, send: Send): Required<StoreCalls> {
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
      return seen.image?.tag === wanted.tag
        ? { outcome: 'swapped', image: seen.image, time: seen.time }
        : { outcome: 'conflict', seen }
    } catch (error) {
      // When the read after an unmet condition fails, nobody knows whose write that was.
      if (isStoreFault(error)) return { outcome: 'unknown', cause: error }
      const cause = failed('dynamodb:UpdateItem', error)
      if (isAmbiguous(error)) return { outcome: 'unknown', cause }
      throw cause
    }
  }

  let mayBatch = true

  /** Reads by one BatchGetItem. A key that it left unprocessed, or may not read, is not in the map. */
  const readBatch = async (
    keys: readonly string[],
    { signal, consistent }: ReadOptions,
  ): Promise<ReadonlyMap<string, Seen>> => {
    try {
      const Keys = keys.map((key) => ({ pk: { S: key } }))
      const input = { RequestItems: { [table]: { Keys, ConsistentRead: consistent } } }
      const { output, time } = await answered(send('BatchGetItem', input, signal))
      const unprocessed = new Set(output.UnprocessedKeys?.[table]?.Keys?.map((key) => key['pk']?.S))
      const items = new Map(output.Responses?.[table]?.map((item) => [item['pk']?.S, item]))
      const processed = keys.filter((key) => !unprocessed.has(key))
      return new Map(processed.map((key) => [key, { image: imageOf(items.get(key)), time }]))
    } catch (error) {
      mayBatch = sdkError(error).name !== 'AccessDeniedException'
      if (!mayBatch) return new Map()
      throw failed('dynamodb:BatchGetItem', error)
    }
  }

  /** Reads by few requests; one by one where the role lacks the permission, which only speed needs. */
  const readMany: Required<StoreCalls>['readMany'] = async (keys, how) => {
    const found = new Map<string, Seen>()
    const wanted = [...new Set(keys)]
    for (let start = 0; start < wanted.length; start += BATCH) {
      const part = wanted.slice(start, start + BATCH)
      const batch = mayBatch ? await readBatch(part, how) : new Map<string, Seen>()
      await Promise.all(part.map(async (key) => found.set(key, batch.get(key) ?? (await read(key, how)))))
    }
    return found
  }

  return { read, readMany, swap }
}

/** The output of an operation without a condition. */
async function answered(
  reply: Promise<Reply>,
): Promise<{ readonly output: Output; readonly time: ServerTime | undefined }> {
  const given = await reply
  if (given.outcome === 'done') return given
  throw Object.assign(new Error('a condition that was not set did not hold'), { name: 'AnswerUnreadable' })
}

/** An item is read only if it has both texts; anything else under the key is an image that no tag can match. */
function imageOf(item: Item): Image | undefined {
  return item === undefined ? undefined : { body: textOf(item['body']?.S), tag: textOf(item['tag']?.S) }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
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
