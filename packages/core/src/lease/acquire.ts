import type { StoreContext } from '../engine/context.ts'
import { attemptRead, type Snapshot, swapRecord, toSnapshot } from '../engine/miss/record-io.ts'
import { StoreError } from '../errors.ts'
import { sleep } from '../lib/timing.ts'
import type { WarmRecord } from '../record/record.ts'
import { acquire } from '../record/transitions.ts'
import { LeaseError } from './error.ts'

/** How often a lease is tried at most, whatever `wait` is. */
const MAX_ATTEMPTS = 10_000
/** The pauses between looks, in ms: from the first they double up to the longest. */
const PAUSES = { first: 50, longest: 2_000 }
/** How many unanswered acquires of one call are remembered. */
const MAX_NONCES = 32
const NEVER = new AbortController().signal

/** Which lease is wanted. Durations are in ms. */
export interface Wanted {
  readonly key: string
  readonly name: string
  readonly length: number
  readonly wait: number
  readonly signal: AbortSignal | undefined
}

/** A lease that is held, with the record as it was written. */
export interface AcquiredLease extends Pick<Snapshot, 'image' | 'record'> {
  readonly nonce: string
  /** `clock.fast()` before the acquire was sent: the lease counts from there. */
  readonly sentAt: number
}

/** What this call has seen so far. */
interface Search {
  readonly wanted: Wanted
  /** Acquires that were sent: one whose answer is lost is recognized by its nonce. */
  readonly sent: Map<string, number>
  /** The image that is in the way, and `clock.slow()` when it was first seen. */
  seen: { readonly tag: string | undefined; readonly at: number } | undefined
}

/** Acquires a lease. Rejects with `LeaseError` when it is held for all of `wait`, and with `StoreError`. */
export async function acquireLease(context: StoreContext, wanted: Wanted): Promise<AcquiredLease> {
  const { clock, runtime } = context
  const search: Search = { wanted, sent: new Map(), seen: undefined }
  const endsAt = clock.fast() + wanted.wait
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const step = await tryOnce(context, search).catch((error: unknown) => asBlocked(error))
    if (step.outcome === 'acquired') return step.lease
    wanted.signal?.throwIfAborted()
    const left = endsAt - clock.fast()
    if (left <= 0) throw step.error
    const pause = Math.min(PAUSES.longest, PAUSES.first * 2 ** Math.min(attempt, 10)) * (0.5 + runtime.random() / 2)
    await sleep(runtime, Math.min(pause, left), wanted.signal ?? NEVER)
    wanted.signal?.throwIfAborted()
  }
  throw heldError(context, wanted, undefined)
}

type Step =
  | { readonly outcome: 'acquired'; readonly lease: AcquiredLease }
  | { readonly outcome: 'blocked'; readonly error: Error }

/** A store that may answer later blocks only. */
function asBlocked(error: unknown): Step {
  if (error instanceof StoreError && error.retryable) return { outcome: 'blocked', error }
  throw error
}

/** One look, and one acquire where nobody holds the lease. */
async function tryOnce(context: StoreContext, search: Search): Promise<Step> {
  const { key, length } = search.wanted
  const looked = await look(context, search)
  const own = ownLease(context, search, looked)
  if (own !== undefined) return { outcome: 'acquired', lease: own }
  const free = isFree(context, search, looked)
  if (!free) return { outcome: 'blocked', error: heldError(context, search.wanted, looked.record) }

  const nonce = context.runtime.unique()
  const sentAt = context.clock.fast()
  if (search.sent.size >= MAX_NONCES) search.sent.clear()
  search.sent.set(nonce, sentAt)
  const now = Math.ceil(context.server.latest() ?? 0)
  const record = acquire(looked.record, { nonce, now, length, rejected: undefined })
  const written = await swapRecord(context, record, {
    expected: looked.image,
    tag: context.runtime.unique(),
    signal: search.wanted.signal,
  })
  if (written.outcome === 'swapped') {
    context.emit({
      type: 'acquire',
      key,
      epoch: record.epoch,
      takeOver: looked.record.lease !== undefined,
      adopted: false,
    })
    return { outcome: 'acquired', lease: { image: written.image, record, nonce, sentAt } }
  }
  // What the write became shows at the next look.
  const snapshot = written.outcome === 'conflict' ? written.snapshot : looked
  return { outcome: 'blocked', error: heldError(context, search.wanted, snapshot.record) }
}

async function look(context: StoreContext, { wanted: { key, signal = NEVER } }: Search): Promise<Snapshot> {
  const { value: seen, sentAt } = await attemptRead(context, { key, signal }, (inner) =>
    context.store.read(key, { signal: inner, consistent: true }),
  )
  return toSnapshot(context, key, { seen, sentAt })
}

/** The lease in the record when this call has asked for it and no answer came. */
function ownLease({ clock }: StoreContext, { sent, wanted }: Search, looked: Snapshot): AcquiredLease | undefined {
  const nonce = looked.record.lease?.nonce
  const sentAt = nonce === undefined ? undefined : sent.get(nonce)
  if (nonce === undefined || sentAt === undefined) return undefined
  // Too little of it is left: it is waited out, as that of another.
  if (clock.fast() - sentAt > wanted.length / 2) return undefined
  return { image: looked.image, record: looked.record, nonce, sentAt }
}

/**
 * Whether nobody can hold the lease any more, by true time. One that was seen unchanged for its whole length is over whatever
 * its date; a record that cannot be read counts as a lease that began when it was first seen.
 */
function isFree({ clock, server }: StoreContext, search: Search, { image, record, unreadable }: Snapshot): boolean {
  const { lease } = record
  if (lease === undefined && unreadable === undefined) return true
  if (search.seen?.tag !== image?.tag || search.seen === undefined) search.seen = { tag: image?.tag, at: clock.slow() }
  const seenFor = clock.slow() - search.seen.at
  if (lease === undefined) return seenFor > search.wanted.length
  return (server.earliest() ?? 0) > lease.acquiredAt + lease.length || seenFor > lease.length
}

function heldError(
  { server, runtime }: StoreContext,
  { key, name }: Wanted,
  record: WarmRecord | undefined,
): LeaseError {
  const lease = record?.lease
  const left = lease && Math.max(0, lease.acquiredAt + lease.length - (server.earliest() ?? 0))
  const message = `the lease "${name}" is held by another; raise "wait", or try again later`
  return new LeaseError(message, {
    code: 'LEASE_HELD',
    key,
    ...(left !== undefined && { retryAt: runtime.wall() + left }),
  })
}
