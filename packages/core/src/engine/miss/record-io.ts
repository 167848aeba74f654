import type { Image, Seen, Swapped } from '../../contracts.ts'
import { StoreError, TimeoutError } from '../../errors.ts'
import { asFields, asText } from '../../lib/parse.ts'
import { within } from '../../lib/timing.ts'
import { emptyRecord, parseRecord, printRecord, type WarmRecord } from '../../record/record.ts'
import type { Parts } from '../context.ts'
import { readGathered } from './batch-reads.ts'

/** How often a read is tried before the store counts as down. */
const READ_ATTEMPTS = 2

/** A record as it was seen, with the image that the next swap must still find. */
export interface Sight {
  /** What the next swap expects. */
  readonly image: Image | undefined
  /** The record in it; an empty one when there is none or none that can be read. */
  readonly record: WarmRecord
}

/** Loading an SDK may take longer than a request may, on a machine with much to do; it says nothing of the store. */
function opened(parts: Parts): Promise<void> | undefined {
  parts.opening ??= parts.store.open?.().catch(() => {
    parts.opening = undefined
  })
  return parts.opening
}

/** Reads the record of a key. Rejects with a `StoreError` when the store gives no answer in time. */
export async function readRecord(
  parts: Parts,
  key: string,
  options: { readonly consistent: boolean; readonly signal: AbortSignal },
): Promise<Sight> {
  let cause: unknown
  await opened(parts)
  for (let attempt = 0; attempt < READ_ATTEMPTS && !options.signal.aborted; attempt += 1) {
    const sentAt = parts.clock.fast()
    const read = await within(
      parts.runtime,
      parts.policy.storeTimeout,
      options.signal,
      (signal) => readGathered(parts, key, { signal, consistent: options.consistent }),
      true,
    )
    if (read.outcome === 'done') return sight(parts, key, read.value, sentAt)
    // Given up by the caller: that says nothing of the store.
    if (options.signal.aborted) break
    cause = read.outcome === 'failed' ? read.cause : undefined
    const error = asStoreError(parts, key, cause)
    parts.emit({ type: 'store-error', key, operation: 'read', code: error.code })
    if (!error.retryable) throw error
  }
  if (options.signal.aborted) throw new TimeoutError(`no value for ${key}: the call was given up`, { key })
  throw asStoreError(parts, key, cause)
}

/** What became of a swap, the conflict already read. */
export type SwapResult =
  | { readonly outcome: 'swapped'; readonly image: Image }
  | { readonly outcome: 'conflict'; readonly sight: Sight }
  | { readonly outcome: 'unknown' }

/** Swaps the record of a key. Rejects with a `StoreError` only when nothing was written. */
export async function swapRecord(
  parts: Parts,
  record: WarmRecord,
  options: { readonly expected: Image | undefined; readonly tag: string; readonly signal: AbortSignal | undefined },
): Promise<SwapResult> {
  const { key, keepUntil } = record
  const { expected, tag } = options
  const sentAt = parts.clock.fast()
  const body = printRecord(record)
  const result = await within<Swapped>(
    parts.runtime,
    parts.policy.storeTimeout,
    options.signal,
    (signal) => parts.store.swap(key, { expected, body, tag, keepUntil }, { signal }),
    true,
  )
  if (result.outcome === 'failed') {
    const error = asStoreError(parts, key, result.cause)
    parts.emit({ type: 'store-error', key, operation: 'swap', code: error.code })
    throw error
  }
  if (result.outcome !== 'done' || result.value.outcome === 'unknown') {
    parts.emit({ type: 'store-error', key, operation: 'swap', code: 'STORE_UNKNOWN' })
    return { outcome: 'unknown' }
  }
  if (result.value.outcome === 'conflict') {
    return { outcome: 'conflict', sight: sight(parts, key, result.value.seen, sentAt) }
  }
  if (result.value.time !== undefined) parts.server.observe(result.value.time, sentAt)
  return { outcome: 'swapped', image: result.value.image }
}

/** A body that is no record for this key counts as empty; its tag is kept, so that the next swap repairs it. */
function sight(parts: Parts, key: string, seen: Seen, sentAt: number): Sight {
  const wall = parts.runtime.wall()
  parts.server.observe(seen.time ?? { at: wall, precision: 0 }, sentAt)
  if (seen.image === undefined) return { image: undefined, record: emptyRecord(key) }
  const record = parseRecord(seen.image.body, key)
  if (typeof record !== 'string') return { image: seen.image, record }
  parts.emit({ type: 'bad-record', key, reason: record })
  return { image: seen.image, record: emptyRecord(key) }
}

/** Adapters do not load this package, so their faults are known by their form. */
function asStoreError({ store }: Parts, key: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const fault = asFields(cause)
  const code = asText(fault?.['code'], 64)
  if (cause instanceof Error && code?.startsWith('STORE_') && typeof fault?.['retryable'] === 'boolean') {
    return new StoreError(`${cause.message} (${key})`, { key, code, retryable: fault['retryable'], cause })
  }
  const late = cause === undefined
  const message = `the ${store.name} store ${late ? 'did not answer in time' : 'failed'} for ${key}`
  // What an unknown store says may quote a record, so it goes no further.
  return new StoreError(message, { key, retryable: true, code: late ? 'STORE_TIMEOUT' : 'STORE_UNAVAILABLE' })
}
