import type { Image, ReadOptions, Seen, Store, StoreFault, Swap, Swapped } from '@warmtoken/core'
import { mayHaveLanded } from './doubt.ts'
import type { Inputs, Item, Send, Sent } from './dynamodb-send.ts'
import { type Remedies, sdkError, storeFault } from './failure.ts'

/** BatchGetItem takes so many keys (DynamoDB API reference). */
const BATCH = 100

/** An item is read only if it has both texts; anything else under the key is an image that no tag can match. */
const imageOf = (item: Item): Image | undefined =>
  item === undefined ? undefined : { body: item['body']?.S ?? '', tag: item['tag']?.S ?? '' }

/** The answer to an operation without a condition. */
const answered = async (sending: ReturnType<Send>): Promise<Sent> => {
  const sent = await sending
  return 'output' in sent ? sent : { output: { Item: sent.unmet }, time: sent.time }
}

/** The store's calls on a table. */
export const dynamoDBCalls = (table: string, send: Send): Required<Omit<Store, 'name' | 'open'>> => {
  const failed = (permission: string, error: unknown): Error =>
    storeFault(`DynamoDB table ${table}`, error, remedies(table, permission))
  /** False from when the role turned out to lack a right that only speed needs. */
  let mayBatch = true

  const read = async (key: string, { signal, consistent }: ReadOptions): Promise<Seen> => {
    try {
      const input = { TableName: table, Key: { pk: { S: key } }, ConsistentRead: consistent }
      const { output, time } = await answered(send('GetItem', input, signal))
      return { image: imageOf(output.Item), time }
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
      const input = { RequestItems: { [table]: { Keys, ConsistentRead: consistent } } }
      const { output, time } = await answered(send('BatchGetItem', input, signal))
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

  const swap = async (key: string, wanted: Swap, { signal }: { signal: AbortSignal }): Promise<Swapped> => {
    try {
      const sent = await send('UpdateItem', updateOf(table, key, wanted), signal)
      if ('output' in sent) {
        return { outcome: 'swapped', image: { body: wanted.body, tag: wanted.tag }, time: sent.time }
      }
      // An emulator may leave the record out that was in the way: then one strong read tells.
      const seen =
        sent.unmet === undefined
          ? await read(key, { signal, consistent: true })
          : { image: imageOf(sent.unmet), time: sent.time }
      // A repeat of a request whose answer was lost fails on our own write.
      return seen.image?.tag === wanted.tag
        ? { outcome: 'swapped', image: seen.image, time: seen.time }
        : { outcome: 'conflict', seen }
    } catch (error) {
      const cause = isStoreFault(error) ? error : failed('dynamodb:UpdateItem', error)
      if (isStoreFault(error) || mayHaveLanded(error)) return { outcome: 'unknown', cause }
      throw cause
    }
  }

  return { read, readMany, swap }
}

/** What the read after an unmet condition throws: then nobody knows whose write that was. */
const isStoreFault = (error: unknown): error is StoreFault => error instanceof Error && error.name === 'StoreFault'

const updateOf = (table: string, key: string, { expected, body, tag, keepUntil }: Swap): Inputs['UpdateItem'] => ({
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
