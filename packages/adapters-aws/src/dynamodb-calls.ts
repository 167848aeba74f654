import type { ReadOptions, Seen, Store, StoreFault, Swap, Swapped } from '@warmtoken/core'
import { mayHaveLanded } from './doubt.ts'
import { batchesOf } from './dynamodb-batch.ts'
import { answered, imageOf, updateOf } from './dynamodb-items.ts'
import type { Send } from './dynamodb-send.ts'
import { type Remedies, storeFault } from './failure.ts'

/** The store's calls on a table. */
export function dynamoDBCalls(table: string, send: Send): Required<Omit<Store, 'name' | 'open'>> {
  const failed = (permission: string, error: unknown): Error =>
    storeFault(`DynamoDB table ${table}`, error, remedies(table, permission))
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

  return { read, readMany: batchesOf({ table, send, read, failed }), swap }
}

/** What the read after an unmet condition throws: then nobody knows whose write that was. */
function isStoreFault(error: unknown): error is StoreFault {
  return error instanceof Error && error.name === 'StoreFault'
}

function remedies(table: string, permission: string): Remedies {
  return {
    AccessDeniedException: {
      code: 'STORE_DENIED',
      message: `access denied; the role needs ${permission} on this table`,
    },
    ResourceNotFoundException: {
      code: 'STORE_MISSING',
      message: `it does not exist; serverless.yml makes it with "TableName: ${table}" under resources, Type AWS::DynamoDB::Table, hash key pk (S)`,
    },
  }
}
