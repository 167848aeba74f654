import { pause, type ReadOptions, type Seen, type Store } from '@warmtoken/core/adapter'
import { sdkError } from '../shared/sdk-error.ts'
import { answered, imageOf } from './answers.ts'
import type { Send } from './operations.ts'

/** BatchGetItem takes so many keys (DynamoDB API reference). */
const BATCH = 100
/** How many batches are in flight at once. */
const PARALLEL_BATCHES = 4
/** How many single reads are in flight at once. */
const PARALLEL_READS = 8
/** How often what a batch left unprocessed is asked for by another batch, before it is read key by key. */
const MAX_REPEATS = 3
/** The longest pause before the first repeat, in ms; it doubles with each. */
const FIRST_PAUSE = 20
/** The right that only speed needs. */
const RIGHT = 'dynamodb:BatchGetItem'

interface Parts {
  readonly table: string
  readonly send: Send
  readonly read: Store['read']
  /** Makes the fault of an operation from what it failed with. */
  readonly failed: (permission: string, error: unknown) => Error
}

/**
 * Makes `readMany` by BatchGetItem. DynamoDB may leave keys unprocessed (an answer of 16 MB, 1 MB from one partition,
 * throttling): they are asked for again as a batch with backoff and full jitter, then one by one. A role that lacks the right
 * is refused once; from then on every key is read alone, and `lacks` names the right.
 */
export function createReadMany({ table, send, read, failed }: Parts): Required<Pick<Store, 'readMany' | 'lacks'>> {
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
      mayBatch = mayBatch && sdkError(error).name !== 'AccessDeniedException'
      if (!mayBatch) return new Map()
      throw failed(RIGHT, error)
    }
  }

  return {
    lacks: () => (mayBatch ? undefined : RIGHT),
    async readMany(keys, how) {
      const found = new Map<string, Seen>()
      let left = [...new Set(keys)]
      for (let repeat = 0; mayBatch && left.length > 0 && repeat <= MAX_REPEATS; repeat += 1) {
        if (repeat > 0) await pause(Math.random() * FIRST_PAUSE * 2 ** (repeat - 1), how.signal)
        await inParallel(partsOf(left), PARALLEL_BATCHES, async (part) => {
          for (const [key, seen] of mayBatch ? await readBatch(part, how) : []) found.set(key, seen)
        })
        left = left.filter((key) => !found.has(key))
      }
      await inParallel(left, PARALLEL_READS, async (key) => void found.set(key, await read(key, how)))
      return found
    },
  }
}

function partsOf(keys: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(keys.length / BATCH) }, (_, index) =>
    keys.slice(index * BATCH, (index + 1) * BATCH),
  )
}

/** Works on all items, so many at once. */
async function inParallel<T>(items: readonly T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker))
}
