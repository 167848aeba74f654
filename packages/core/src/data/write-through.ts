/** Write-through and cache-aside: the truth is written under the lease of the key, and the record says so before. @module */

import type { Entry } from '../contracts.ts'
import { type Snapshot, type SwapResult, swapRecord } from '../engine/miss/record-io.ts'
import { leaseLength, timeToFetch } from '../engine/time/lease-length.ts'
import { StoreError, TimeoutError, WarmTokenError } from '../errors.ts'
import { asFields } from '../lib/parse.ts'
import { sleep, withDeadline } from '../lib/timing.ts'
import { MAX_LEASE } from '../record/plausible.ts'
import type { Lease } from '../record/record.ts'
import { acquire, release, remove } from '../record/transitions.ts'
import type { ChangeEvent } from './events.ts'
import type { Cached, Home, Item } from './home.ts'
import type { Found } from './look.ts'
import type { WriteContext, Written } from './types.ts'
import {
  type Attempted,
  adoptWritten,
  changeItem,
  type Draft,
  draftRecord,
  forget,
  lookToChange,
  NEVER,
  writeDraft,
} from './write.ts'

/** How the lease of a writer begins. One that loads gives way to a writer at once; another writer is waited for. */
const WRITER = 'write '
/** How often a write is announced at most, whatever its time. */
const MAX_ATTEMPTS = 200
/** The pauses between looks at the lease of another writer, in ms: from the first they double up to the longest. */
const PAUSES = { first: 25, longest: 500 }

/** What a write needs beside the item. */
export interface WriteThrough<V> {
  /** Writes the truth. Resolves to what is there now, or to `undefined`. */
  readonly call: (context: WriteContext) => Promise<V | undefined>
  /** Called before the truth is written, with all numbers read: what is to be kept of a value. */
  readonly begin: () => (value: V) => Draft<V>
  /** Within how long the lease must be had, in ms. */
  readonly timeout: number
}

/** An announcement that was sent. */
interface Sent<V> {
  readonly nonce: string
  readonly length: number
  /** `clock.fast()` before it was sent: the lease counts from there. */
  readonly sentAt: number
  /** The value with the instants that it had before; `undefined` where there was none. */
  readonly before: Entry<Cached<V>> | undefined
}

/** A write that the record announces: from now on the old value ends with the lease, whatever becomes of the writer. */
type Announced<V> = Snapshot & Sent<V>

/** What one announcing has seen so far. */
interface Search<V> {
  /** By nonce: one whose answer is lost is recognized by it. */
  readonly sent: Map<string, Sent<V>>
  /** The lease in the way, and `clock.slow()` when it was first seen. */
  seen: { readonly nonce: string; readonly at: number } | undefined
}

/**
 * Writes the truth of an item, then keeps what it is now, or drops the key. Rejects with what `call` rejects with, and before
 * the truth is touched with `StoreError`, with code `WRITE_BUSY` and with code `CACHE_READ_ONLY`.
 */
export async function writeThrough<V>(home: Home, item: Item<V>, what: WriteThrough<V>): Promise<Written<V>> {
  const { clock } = home.context()
  const startedAt = clock.fast()
  const tell = (outcome: ChangeEvent['outcome'], attempts: number): void =>
    home.emit({ type: 'change', key: item.slot.key, outcome, attempts, took: Math.round(clock.fast() - startedAt) })
  item.changing += 1
  try {
    const announced = await announce(home, item, {
      timeout: what.timeout,
      onBusy: (attempts) => tell('conflict', attempts),
    })
    const keep = what.begin()
    const value = await callWriter(home, item, { announced, call: what.call })
    const written = await keepOrDrop(home, item, { announced, value, keep })
    tell(written.outcome === 'pending' ? 'unknown' : 'written', announced.attempts)
    return written
  } finally {
    item.changing -= 1
  }
}

/** Takes the lease of the key, and ends the life of its value with it, by one swap. Waits for other writers. */
async function announce<V>(
  home: Home,
  item: Item<V>,
  { timeout, onBusy }: { readonly timeout: number; onBusy(attempts: number): void },
): Promise<Announced<V> & { readonly attempts: number }> {
  const { clock, runtime, policy } = home.context()
  const { key } = item.slot
  const endsAt = clock.fast() + timeout
  const search: Search<V> = { sent: new Map(), seen: undefined }
  let attempts = 0
  while (attempts < MAX_ATTEMPTS) {
    attempts += 1
    const found = await lookToChange(home, item)
    const { lease } = found.snapshot.record
    if (search.seen?.nonce !== lease?.nonce) search.seen = lease && { nonce: lease.nonce, at: clock.slow() }
    const own = lease && search.sent.get(lease.nonce)
    if (own !== undefined && timeToFetch(policy, own.length, clock.fast() - own.sentAt) > 0) {
      adoptWritten(home, item, { record: found.snapshot.record, entry: undefined, sentAt: own.sentAt })
      return { ...found.snapshot, ...own, attempts }
    }
    // What became of one without an answer shows at the next look.
    const announced = isFree(home, { lease, search }) ? await send(home, item, { found, search }) : undefined
    if (announced !== undefined) return { ...announced, attempts }
    const left = endsAt - clock.fast()
    if (left <= 0) break
    const pause = Math.min(PAUSES.longest, PAUSES.first * 2 ** Math.min(attempts - 1, 5)) * (0.5 + runtime.random() / 2)
    await sleep(runtime, Math.min(pause, left), NEVER)
  }
  onBusy(attempts)
  const message = `${key} is being written by another; nothing was written: call it again, or raise "timeout"`
  throw new WarmTokenError(message, { code: 'WRITE_BUSY', key, retryable: true })
}

/** Whether no other writer can hold the lease, by true time. */
function isFree<V>(
  home: Home,
  { lease, search }: { readonly lease: Lease | undefined; readonly search: Search<V> },
): boolean {
  if (lease === undefined || !lease.nonce.startsWith(WRITER)) return true
  if (search.sent.has(lease.nonce)) return true
  const { clock, server } = home.context()
  const seenFor = clock.slow() - (search.seen?.at ?? clock.slow())
  return (server.earliest() ?? 0) > lease.acquiredAt + lease.length || seenFor > lease.length
}

/** Sends one announcement, bound to the record as it was found. `undefined`: it was not written, or nobody knows. */
async function send<V>(
  home: Home,
  item: Item<V>,
  { found, search }: { readonly found: Found<V>; readonly search: Search<V> },
): Promise<Announced<V> | undefined> {
  const context = home.context()
  const { runtime, server, policy, clock } = context
  const { image, record } = found.snapshot
  const nonce = `${WRITER}${runtime.unique()}`
  const tag = runtime.unique()
  const length = Math.min(leaseLength(policy), MAX_LEASE)
  // Read before the date of the lease: this environment may be frozen in between.
  const sentAt = clock.fast()
  const now = Math.ceil(server.latest() ?? 0)
  const ending = found.entry && draftOf(found.entry, now + length)
  const made =
    ending === undefined
      ? // Where a value cannot be read here, others may be able to.
        { record: record.value === undefined ? record : remove(record, now), entry: undefined }
      : await draftRecord(home, item, { before: record, draft: ending, tag, isPacked: true })
  const next = acquire(made.record, { nonce, now, length, rejected: undefined })
  const sent: Sent<V> = { nonce, length, sentAt, before: found.entry }
  search.sent.set(nonce, sent)
  const result = await swapRecord(context, next, { expected: image, tag, signal: undefined })
  if (result.outcome !== 'swapped') return undefined
  adoptWritten(home, item, { record: next, entry: made.entry, sentAt })
  return { image: result.image, record: next, ...sent }
}

/** The entry as it is to be written, alive until that instant at most. A packed entry has no fields of its own to spread. */
function draftOf<V>(entry: Entry<Cached<V>>, until = Number.POSITIVE_INFINITY): Draft<V> {
  const { value, fingerprint, issuedAt, softExpiry, hardExpiry } = entry
  return {
    value,
    fingerprint,
    issuedAt,
    softExpiry: Math.min(softExpiry, until),
    hardExpiry: Math.min(hardExpiry, until),
  }
}

/** Calls the writer within the time that its lease has left. Rejects with what it rejects with. */
async function callWriter<V>(
  home: Home,
  item: Item<V>,
  { announced, call }: { readonly announced: Announced<V>; readonly call: WriteThrough<V>['call'] },
): Promise<V | undefined> {
  const { clock, runtime, policy } = home.context()
  const { nonce, length, sentAt, record } = announced
  const { key } = item.slot
  const ms = timeToFetch(policy, length, clock.fast() - sentAt)
  if (ms <= 0) throw new TimeoutError(`no time was left to write ${key}; nothing was written: call it again`, { key })
  const done = await withDeadline(runtime, { ms }, (signal) => call({ n: record.epoch, id: nonce, signal }))
  if (done.outcome === 'done') return done.value
  // Nobody knows what becomes of it, so the lease stays to its end: the request may still be on its way.
  if (done.outcome !== 'failed')
    throw new TimeoutError(
      `the writer of ${item.source.name} did not answer within ${Math.round(ms)} ms; raise "sourceTimeout". It may still write`,
      { key },
    )
  // A refusal says that nothing was written.
  if (asFields(done.cause)?.['retryable'] === false) await takeBack(home, item, announced)
  throw done.cause
}

/** Releases the lease, and restores the lives of the value. What fails leaves a value that ends with the lease. */
async function takeBack<V>(home: Home, item: Item<V>, { image, record, before }: Announced<V>): Promise<void> {
  try {
    const tag = home.context().runtime.unique()
    const { record: next, entry } =
      before === undefined
        ? { record: release(record), entry: undefined }
        : await draftRecord(home, item, { before: record, draft: draftOf(before), tag, isPacked: true })
    const sentAt = home.context().clock.fast()
    const result: SwapResult = await swapRecord(home.context(), next, { expected: image, tag, signal: undefined })
    if (result.outcome === 'swapped') adoptWritten(home, item, { record: next, entry, sentAt })
  } catch {
    // The store fails: the lease ends on its own.
  }
}

/** The truth is written: keeps what it is now, or drops the key. */
async function keepOrDrop<V>(
  home: Home,
  item: Item<V>,
  {
    announced,
    value,
    keep,
  }: {
    readonly announced: Announced<V>
    readonly value: V | undefined
    readonly keep: (value: V) => Draft<V>
  },
): Promise<Written<V>> {
  const { clock } = home.context()
  const { image, record, sentAt, length } = announced
  // A load that begins after the lease finds what was written.
  const isCovered = clock.fast() - sentAt < length
  const snapshot = { image, record }
  let kept: Attempted | undefined
  let problem: unknown
  try {
    const draft = value === undefined ? 'remove' : keep(value)
    kept = await writeDraft(home, item, { snapshot, draft })
  } catch (error) {
    problem = error
  }
  if (kept?.outcome === 'written') return { outcome: value === undefined ? 'dropped' : 'cached', value }
  // Whatever others may still serve, this environment knows better.
  item.changes += 1
  item.least = Math.max(item.least, (record.value?.version ?? record.rejected) + 1)
  forget(home, item)
  const isStoreDown = kept?.outcome === 'unknown' || problem instanceof StoreError
  if (isCovered && isStoreDown) return { outcome: 'pending', value }
  // The lease is in other hands, or the value cannot be kept. What is there may be older than what was written.
  try {
    await changeItem(home, item, async () => 'remove')
  } catch (cause) {
    const { key } = item.slot
    const message = `the truth of ${key} was written, and the key could not be dropped: delete it`
    throw new StoreError(message, { key, retryable: true, code: 'WRITE_NOT_DROPPED', cause })
  }
  if (problem !== undefined && !isStoreDown) throw problem
  return { outcome: 'dropped', value }
}
