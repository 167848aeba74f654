import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Image, ReadOptions, Seen, Store, Swap, Swapped } from '@warmtoken/core'
import { timeOf, watchDate } from './clock.ts'
import type { DynamoDBStoreOptions } from './dynamodb.ts'
import { sdkError, storeFault } from './failure.ts'

type Item = Record<string, AttributeValue> | undefined

/** BatchGetItem takes so many keys (DynamoDB API reference). */
const BATCH = 100

/** An item is read only if it has both texts; anything else under the key is an image that no tag can match. */
const imageOf = (item: Item): Image | undefined =>
  item === undefined ? undefined : { body: item['body']?.S ?? '', tag: item['tag']?.S ?? '' }

/** The settings are part of the protocol: an SDK client has no time-out by itself, and without the last one it only warns. */
const makeClient = ({ region, endpoint }: DynamoDBStoreOptions): DynamoDBClient =>
  new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 300, requestTimeout: 800, throwOnRequestTimeout: true },
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  })

/** The store's calls on a client. Loaded with the first of them. */
export const dynamoDBCalls = async (options: DynamoDBStoreOptions): Promise<Required<Omit<Store, 'name'>>> => {
  const { table, client: given } = options
  const client = typeof given === 'function' ? await given() : (given ?? makeClient(options))
  watchDate(client)
  const failed = (permission: string, error: unknown): Error =>
    storeFault(`DynamoDB table ${table}`, error, remedies(table, permission))

  const read = async (key: string, { signal, consistent }: ReadOptions): Promise<Seen> => {
    try {
      const command = new GetItemCommand({ TableName: table, Key: { pk: { S: key } }, ConsistentRead: consistent })
      const output = await client.send(command, { abortSignal: signal })
      return { image: imageOf(output.Item), time: timeOf(output) }
    } catch (error) {
      throw failed('dynamodb:GetItem', error)
    }
  }

  const readMany = async (
    keys: readonly string[],
    { signal, consistent }: ReadOptions,
  ): Promise<ReadonlyMap<string, Seen>> => {
    const found = new Map<string, Seen>()
    for (let start = 0; start < keys.length; start += BATCH) {
      const part = keys.slice(start, start + BATCH)
      try {
        const Keys = part.map((key) => ({ pk: { S: key } }))
        const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: consistent } } })
        const output = await client.send(command, { abortSignal: signal })
        const time = timeOf(output)
        const late = new Set(output.UnprocessedKeys?.[table]?.Keys?.map((key) => key['pk']?.S))
        for (const key of part) if (!late.has(key)) found.set(key, { image: undefined, time })
        for (const item of output.Responses?.[table] ?? [])
          found.set(item['pk']?.S ?? '', { image: imageOf(item), time })
      } catch (error) {
        throw failed('dynamodb:BatchGetItem', error)
      }
    }
    // What DynamoDB left unprocessed is asked for one by one: rare, and never "absent".
    for (const key of keys) if (!found.has(key)) found.set(key, await read(key, { signal, consistent }))
    return found
  }

  /** The record that was in the way. An emulator may leave it out: then one strong read tells. */
  const conflictWith = async (
    key: string,
    { tag }: Swap,
    error: ConditionalCheckFailedException,
    signal: AbortSignal,
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
    const { expected, body, tag, keepUntil } = wanted
    const command = new UpdateItemCommand({
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
    try {
      const output = await client.send(command, { abortSignal: signal })
      return { outcome: 'swapped', image: { body, tag }, time: timeOf(output) }
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) {
        return conflictWith(key, wanted, error, signal).catch((cause: unknown) => ({ outcome: 'unknown', cause }))
      }
      const { status } = sdkError(error)
      // Without an answer, or with a server fault, it may have been applied.
      if (status === undefined || status >= 500) return { outcome: 'unknown', cause: error }
      throw failed('dynamodb:UpdateItem', error)
    }
  }

  return { read, readMany, swap }
}

/** A record without a tag was written by somebody else: only its still having none can be asked for. */
const conditionOf = (expected: Image | undefined): string => {
  if (expected === undefined) return 'attribute_not_exists(#pk)'
  return expected.tag === '' ? 'attribute_not_exists(#tag)' : '#tag = :seen'
}

const remedies = (table: string, permission: string): Parameters<typeof storeFault>[2] => {
  const denied = { code: 'STORE_DENIED', message: `access denied; the role needs ${permission} on this table` }
  return {
    AccessDeniedException: denied,
    UnrecognizedClientException: { code: 'STORE_DENIED', message: 'the credentials are not accepted' },
    CredentialsProviderError: { code: 'STORE_DENIED', message: 'there are no credentials' },
    ResourceNotFoundException: {
      code: 'STORE_MISSING',
      message: `it does not exist; serverless.yml makes it with "TableName: ${table}" under resources, Type AWS::DynamoDB::Table, hash key pk (S)`,
    },
  }
}
