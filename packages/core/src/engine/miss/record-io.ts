import type { Image, ReadOptions, Seen, Swap, Swapped } from '../../contracts.ts'
import { StoreError, TimeoutError } from '../../errors.ts'
import { asLine } from '../../lib/line.ts'
import { asFields, matches } from '../../lib/parse.ts'
import { withDeadline } from '../../lib/timing.ts'
import { withoutImplausible } from '../../record/plausible.ts'
import { type Damage, emptyRecord, parseRecord, printRecord, type WarmRecord } from '../../record/record.ts'
import type { MissContext, StoreContext } from '../context.ts'
import type { Look, Slot } from '../slot.ts'
import { readTogether } from './batch-reads.ts'

/** How often a read is tried before the store counts as down. */
const READ_ATTEMPTS = 2
/** The longest text of a store's error that is passed on, in characters. */
const MAX_MESSAGE = 500
/** The code of a store's fault. */
const STORE_CODE = /^STORE_[A-Z_]{1,57}$/
/** The code of a record that an exclusive source cannot continue from. */
export const UNREADABLE = 'STORE_UNREADABLE'
/** The parts without which nobody knows what an exclusive source may spend. */
const CHAIN: readonly Damage[] = ['value', 'intent']

/** A record as it was seen, with the image that the next swap must still find. */
export interface Snapshot {
  /** What the next swap expects. */
  readonly image: Image | undefined
  /** The record in it; an empty one when there is none or none that can be read. */
  readonly record: WarmRecord
  /** Why nobody can tell from it what an exclusive source may spend; `undefined` when that can be told. */
  readonly unreadable?: string | undefined
  /** When a guard has read it. A swap shows a record without a look. */
  readonly look?: Look | undefined
}

/** What became of a swap, the conflict already read. */
export type SwapResult =
  | { readonly outcome: 'swapped'; readonly image: Image }
  | { readonly outcome: 'conflict'; readonly snapshot: Snapshot }
  | { readonly outcome: 'unknown' }

/**
 * Reads the record of a slot, with all that its value is judged by. Rejects with a `StoreError` when the store gives no
 * answer in time.
 */
export async function readRecord(
  context: MissContext,
  slot: Slot<unknown>,
  { consistent, signal, attempts }: ReadOptions & { readonly attempts?: number },
): Promise<Snapshot> {
  const { key, subject } = slot
  const { value: seen, sentAt } = await attemptRead<Seen & Pick<Snapshot, 'look'>>(
    context,
    { key, signal, attempts },
    (inner) =>
      subject.guard === undefined
        ? readTogether(context, key, { signal: inner, consistent })
        : subject.guard.read(context.store, slot, { signal: inner, consistent: true }),
  )
  return { ...toSnapshot(context, key, { seen, sentAt }), look: seen.look }
}

/** What a read is tried for, and how often. */
interface Attempts {
  readonly key: string
  readonly signal: AbortSignal
  /** Default 2. */
  readonly attempts?: number | undefined
}

/** Reads for a key, twice unless said otherwise. Rejects with a `StoreError` when the store gives no answer in time. */
export async function attemptRead<T>(
  context: StoreContext,
  { key, signal: outer, attempts = READ_ATTEMPTS }: Attempts,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<{ readonly value: T; readonly sentAt: number }> {
  const { clock, runtime, policy, emit } = context
  let cause: unknown
  await openStore(context)
  for (let attempt = 0; attempt < attempts && !outer.aborted; attempt += 1) {
    const sentAt = clock.fast()
    const deadline = { ms: policy.storeTimeout, signal: outer, patient: true }
    const read = await withDeadline(runtime, deadline, call)
    if (read.outcome === 'done') return { value: read.value, sentAt }
    // Aborted by the caller: that says nothing about the store.
    if (outer.aborted) break
    cause = read.outcome === 'failed' ? read.cause : undefined
    const error = asStoreError(context, key, cause)
    emit({ type: 'store-error', key, operation: 'read', code: error.code })
    if (!error.retryable) throw error
  }
  if (outer.aborted) throw new TimeoutError(`no value for ${key}: the call was aborted`, { key })
  throw asStoreError(context, key, cause)
}

/** Swaps the record of a key. Rejects with a `StoreError` only when nothing was written. */
export async function swapRecord(
  context: StoreContext,
  record: WarmRecord,
  {
    expected,
    tag,
    signal,
  }: { readonly expected: Image | undefined; readonly tag: string; readonly signal: AbortSignal | undefined },
): Promise<SwapResult> {
  const { key, keepUntil } = record
  const swap = { expected, body: printRecord(record), tag, keepUntil }
  const { result, sentAt } = await attemptSwap(context, { key, signal }, swap)
  if (result.outcome !== 'conflict') return result
  return { outcome: 'conflict', snapshot: toSnapshot(context, key, { seen: result.seen, sentAt }) }
}

/** Swaps the body of a key, once. Rejects with a `StoreError` only when nothing was written. */
export async function attemptSwap(
  context: StoreContext,
  { key, signal: outer }: { readonly key: string; readonly signal: AbortSignal | undefined },
  swap: Swap,
): Promise<{
  readonly result: Exclude<Swapped, { outcome: 'unknown' }> | { readonly outcome: 'unknown' }
  readonly sentAt: number
}> {
  const { clock, runtime, policy, store, server, emit } = context
  await openStore(context)
  const endTurn = await context.writeTurn?.()
  const sentAt = clock.fast()
  const deadline = { ms: policy.storeTimeout, signal: outer, patient: true }
  const result = await withDeadline<Swapped>(runtime, deadline, (signal) => store.swap(key, swap, { signal }))
  endTurn?.()
  if (result.outcome === 'failed') {
    const error = asStoreError(context, key, result.cause)
    emit({ type: 'store-error', key, operation: 'swap', code: error.code })
    throw error
  }
  if (result.outcome !== 'done' || result.value.outcome === 'unknown') {
    emit({ type: 'store-error', key, operation: 'swap', code: 'STORE_UNKNOWN' })
    return { result: { outcome: 'unknown' }, sentAt }
  }
  const { value } = result
  if (value.outcome === 'swapped' && value.time !== undefined) server.observe(value.time, sentAt)
  return { result: value, sentAt }
}

/**
 * Awaits the store's `open` outside the deadline of a request: loading an SDK or a handshake may take longer than a request
 * may, and says nothing about the store. It resolves at once while nothing is to be done.
 */
async function openStore({ store }: StoreContext): Promise<void> {
  try {
    await store.open?.()
  } catch {
    // The request will say why.
  }
}

/**
 * Throws when a record is there that does not show what has been spent. An exclusive source must not take it for
 * an empty one: it would spend its first refresh token again, and the issuer would revoke the whole chain.
 */
export function checkReadable({ store }: MissContext, key: string, { unreadable }: Snapshot): void {
  if (unreadable === undefined) return
  const remedy =
    unreadable === 'another schema'
      ? 'deploy the release that wrote it'
      : 'restore the record, or delete it and have the user sign in again'
  const message = `the record of ${key} in the ${store.name} store cannot be read (${unreadable}); nothing was spent or overwritten: ${remedy}`
  throw new StoreError(message, { key, code: UNREADABLE, retryable: false })
}

/**
 * A body that is not a record for this key counts as empty, and so does each part that is damaged or not plausible. The
 * image is kept, so that the next swap repairs it.
 */
export function toSnapshot(
  { runtime, server, emit }: StoreContext,
  key: string,
  { seen, sentAt }: { readonly seen: Seen; readonly sentAt: number },
): Snapshot {
  const { image } = seen
  server.observe(seen.time ?? { at: runtime.wall(), precision: 0 }, sentAt)
  if (image === undefined) return { image, record: emptyRecord(key) }
  const parsed = parseRecord(image.body, key)
  if (parsed.outcome === 'not-a-record') {
    emit({ type: 'bad-record', key, reason: parsed.reason })
    return { image, record: emptyRecord(key), unreadable: parsed.reason }
  }
  for (const part of parsed.damaged) emit({ type: 'bad-record', key, reason: `damaged ${part}` })
  const lost = parsed.damaged.find((part) => CHAIN.includes(part))
  return {
    image,
    record: withoutImplausible(parsed.record, server.interval().latest),
    unreadable: lost && `damaged ${lost}`,
  }
}

/** Adapters need not load this package, so their faults are recognized by their fields. */
function asStoreError({ store }: StoreContext, key: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const fault = asFields(cause)
  const code = fault?.['code']
  if (cause instanceof Error && matches(code, STORE_CODE) && typeof fault?.['retryable'] === 'boolean') {
    return new StoreError(`${asLine(cause.message, MAX_MESSAGE)} (${key})`, {
      key,
      code,
      retryable: fault['retryable'],
      cause,
    })
  }
  const timedOut = cause === undefined
  const message = `the ${store.name} store ${timedOut ? 'did not answer in time' : 'failed'} for ${key}`
  // What an unknown store says may quote a record, so it goes no further.
  return new StoreError(message, { key, retryable: true, code: timedOut ? 'STORE_TIMEOUT' : 'STORE_UNAVAILABLE' })
}
