import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Image, ReadOptions, Seen, Store, Swap, Swapped } from '@warmtoken/core'
import { abortable, clientSettings } from './client.ts'
import { timeOf, watchDate } from './clock.ts'
import { mayHaveLanded, watchDoubt } from './doubt.ts'
import type { DynamoDBStoreOptions } from './dynamodb.ts'
import { type Remedies, sdkError, storeFault } from './failure.ts'

type Item = Record<string, AttributeValue> | undefined

/** BatchGetItem takes so many keys (DynamoDB API reference). */
const BATCH = 100

/** An item is read only if it has both texts; anything else under the key is an image that no tag can match. */
const imageOf = (item: Item): Image | undefined =>
  item === undefined ? undefined : { body: item['body']?.S ?? '', tag: item['tag']?.S ?? '' }

/** The store's calls on a client. Loaded with the first of them. */
export const dynamoDBCalls = async (options: DynamoDBStoreOptions): Promise<Required<Omit<Store, 'name'>>> => {
  const { table, client: given } = options
  const client = typeof given === 'function' ? await given() : (given ?? new DynamoDBClient(clientSettings(options)))
  watchDate(client)
  watchDoubt(client)
  const failed = (permission: string, error: unknown): Error =>
    storeFault(`DynamoDB table ${table}`, error, remedies(table, permission))
  /** False from when the role turned out to lack a right that only speed needs. */
  let mayBatch = true

  const read = async (key: string, { signal, consistent }: ReadOptions): Promise<Seen> => {
    try {
      const command = new GetItemCommand({ TableName: table, Key: { pk: { S: key } }, ConsistentRead: consistent })
      const output = await abortable(client.send(command, { abortSignal: signal }), signal)
      return { image: imageOf(output.Item), time: timeOf(output) }
    } catch (error) {
      throw failed('dynamodb:GetItem', error)
    }
  }

  /** What one BatchGetItem tells; a key that it left unprocessed, or may not read, is not in the map. */
  const readBatch = async (
    part: readonly string[],
    { signal, consistent }: ReadOptions,
  ): Promise<Map<string, Seen>> => {
    try {
      const Keys = part.map((key) => ({ pk: { S: key } }))
      const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: consistent } } })
      const output = await abortable(client.send(command, { abortSignal: signal }), signal)
      const time = timeOf(output)
      const late = new Set(output.UnprocessedKeys?.[table]?.Keys?.map((key) => key['pk']?.S))
      const items = new Map(output.Responses?.[table]?.map((item) => [item['pk']?.S, item]))
      const told = part.filter((key) => !late.has(key))
      return new Map(told.map((key) => [key, { image: imageOf(items.get(key)), time }]))
    } catch (error) {
      mayBatch = sdkError(error).name !== 'AccessDeniedException'
      if (!mayBatch) return new Map()
      throw failed('dynamodb:BatchGetItem', error)
    }
  }

  const readMany = async (keys: readonly string[], how: ReadOptions): Promise<ReadonlyMap<string, Seen>> => {
    const found = new Map<string, Seen>()
    const wanted = [...new Set(keys)]
    for (let start = 0; start < wanted.length; start += BATCH) {
      const part = wanted.slice(start, start + BATCH)
      const told = mayBatch ? await readBatch(part, how) : new Map<string, Seen>()
      const seen = await Promise.all(part.map((key) => told.get(key) ?? read(key, how)))
      for (const [index, key] of part.entries()) found.set(key, seen[index] ?? (await read(key, how)))
    }
    return found
  }

  /** The record that was in the way. An emulator may leave it out: then one strong read tells. */
  const conflictWith = async (
    key: string,
    { tag }: Swap,
    { error, signal }: { error: ConditionalCheckFailedException; signal: AbortSignal },
  ): Promise<Swapped> => {
    const seen =
      error.Item === undefined
        ? await read(key, { signal, consistent: true })
        : { image: imageOf(error.Item), time: timeOf(error) }
    // The SDK's own repeat of a request whose answer was lost fails on our own write.
    return seen.image?.tag === tag
      ? { outcome: 'swapped', image: seen.image, time: seen.time }
      : { outcome: 'conflict', seen }
  }

  const swap = async (key: string, wanted: Swap, { signal }: { signal: AbortSignal }): Promise<Swapped> => {
    const command = new UpdateItemCommand(updateOf(table, key, wanted))
    try {
      const output = await abortable(client.send(command, { abortSignal: signal }), signal)
      return { outcome: 'swapped', image: { body: wanted.body, tag: wanted.tag }, time: timeOf(output) }
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) {
        const read = conflictWith(key, wanted, { error, signal })
        return read.catch((cause: unknown) => ({ outcome: 'unknown', cause }))
      }
      const fault = failed('dynamodb:UpdateItem', error)
      if (mayHaveLanded(error)) return { outcome: 'unknown', cause: fault }
      throw fault
    }
  }

  return { read, readMany, swap }
}

const updateOf = (
  table: string,
  key: string,
  { expected, body, tag, keepUntil }: Swap,
): UpdateItemCommand['input'] => ({
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
})

/** A record without a tag was written by somebody else: only its still having none can be asked for. */
const conditionOf = (expected: Image | undefined): string => {
  if (expected === undefined) return 'attribute_not_exists(#pk)'
  return expected.tag === '' ? 'attribute_not_exists(#tag)' : '#tag = :seen'
}

const remedies = (table: string, permission: string): Remedies => ({
  AccessDeniedException: {
    code: 'STORE_DENIED',
    message: `access denied; the role needs ${permission} on this table`,
  },
  ResourceNotFoundException: {
    code: 'STORE_MISSING',
    message: `it does not exist; serverless.yml makes it with "TableName: ${table}" under resources, Type AWS::DynamoDB::Table, hash key pk (S)`,
  },
})
