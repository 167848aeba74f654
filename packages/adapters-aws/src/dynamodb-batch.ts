import type { ReadOptions, Seen, Store } from '@warmtoken/core'
import { answered, imageOf } from './dynamodb-items.ts'
import type { Send } from './dynamodb-send.ts'
import { sdkError } from './sdk-error.ts'

/** BatchGetItem takes so many keys (DynamoDB API reference). */
const BATCH = 100

/** What many keys are read by. */
interface BatchParts {
  readonly table: string
  readonly send: Send
  /** Reads one. */
  readonly read: Store['read']
  /** The fault of an operation that failed for want of a permission, or of something else. */
  failed(permission: string, error: unknown): Error
}

/** Reads many keys by few requests: one by one where the role lacks the right, which only speed needs. */
export function batchesOf({ table, send, read, failed }: BatchParts): Required<Store>['readMany'] {
  let mayBatch = true

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

  return async (keys, how) => {
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
}
