import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadStream, StreamRecord } from './live-tables.ts'

/** How often the stream is read, in ms; AWS does so about four times a second. */
const EVERY = 20
const BATCH = 100
const MAX_RETRIES = 10
const RETRY_PAUSE = 100

/** How {@link startEventSource} is set up. */
export interface EventSourceOptions {
  readonly read: ReadStream
  /** Where the function is invoked. */
  readonly url: string
}

/**
 * Invokes a function with the records of a stream that have the attribute `live`, in their order, as the event source mapping
 * of `serverless.live.yml` does: batches of 100; what a batch reports as failed comes again from there on, ten times.
 */
export function startEventSource({ read, url }: EventSourceOptions): { close(): Promise<void> } {
  const ending = new AbortController()

  /** Resolves to the records that are left to do. */
  const invoke = async (records: readonly StreamRecord[]): Promise<readonly StreamRecord[]> => {
    const Records = records.map((record) => ({ eventSource: 'aws:dynamodb', ...record }))
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ Records }), signal: ending.signal })
    const body = (await answer.json()) as { batchItemFailures?: readonly { itemIdentifier: string }[] } | null
    if (!answer.ok || body === null || !('batchItemFailures' in body)) return records
    const [failed] = body.batchItemFailures ?? []
    const index = records.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === failed?.itemIdentifier)
    if (failed === undefined) return []
    return index < 0 ? records : records.slice(index)
  }

  const deliver = async (batch: readonly StreamRecord[]): Promise<void> => {
    let left = batch
    for (let retry = 0; retry <= MAX_RETRIES && left.length > 0 && !ending.signal.aborted; retry += 1) {
      if (retry > 0) await sleep(RETRY_PAUSE)
      left = await invoke(left).catch(() => left)
    }
  }

  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const records = await read().catch(() => [])
      const live = records.filter(({ dynamodb }) => dynamodb?.NewImage?.['live'] !== undefined)
      for (let start = 0; start < live.length; start += BATCH) await deliver(live.slice(start, start + BATCH))
      if (records.length === 0) await sleep(EVERY)
    }
  }

  const running = run()
  return {
    async close() {
      ending.abort()
      await running
    },
  }
}
