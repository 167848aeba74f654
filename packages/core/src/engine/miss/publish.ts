/** What a holder writes under its lease: the new value, a failure, or the lease given back. @module */

import type { Entry } from '../../contracts.ts'
import { StoreError } from '../../errors.ts'
import { sleep } from '../../lib/timing.ts'
import type { Failure, Refresh, WarmRecord } from '../../record/record.ts'
import { abandon, fail, nextVersion, publish } from '../../record/transitions.ts'
import type { Flight, MissContext } from '../context.ts'
import { rareOf, type Slot } from '../slot.ts'
import { isAlive } from '../time/expiry.ts'
import type { HeldLease } from './acquire.ts'
import type { Failed } from './call-source.ts'
import { nextFailure, rememberFailure, SIGN_IN } from './cool-down.ts'
import { readRecord, type Snapshot, type SwapResult, swapRecord } from './record-io.ts'
import { noteRejectPause } from './refusals.ts'
import { openPublished, placeFound, withOpened } from './sealing.ts'

/** The code of a value that could not be committed. */
export const UNCOMMITTED = 'STORE_UNCOMMITTED'
/** How often a publish is tried. Each try that got an answer has either landed or met a newer record. */
const PUBLISH_ATTEMPTS = 6
/** After how many of them without any answer the store counts as down. */
const MAX_SILENT = 2
/** The same as the attempts where the value must not be lost: more than fit into a lease, which ends them. */
const EXCLUSIVE_ATTEMPTS = 40
/** How long after a publish without an answer it is repeated, in ms at most, where the value must not be lost. */
const REPEAT_PAUSE = 70
/** How often a lease is released or a failure written, at most. */
const WRITE_BACK_ATTEMPTS = 2

/** What became of a publish. `unknown`: it may be in the store or not. */
export type Published =
  | { readonly outcome: 'published'; readonly version: number }
  | { readonly outcome: 'fenced'; readonly snapshot: Snapshot }
  | { readonly outcome: 'unknown' }
  /** The store refuses this record for good, for example because it is too long: it is not there. */
  | { readonly outcome: 'refused' }

/** A value to publish. */
interface Fresh<T> {
  /** With the version that it is sealed with, see `versioned`. */
  readonly entry: Entry<T>
  readonly sealed: string
  /** How long the source took, in ms. */
  readonly took: number
  /** Whether the issuer gave a value again that an API had refused. */
  readonly vouched: boolean
  /** What to record with it: the value of an exclusive source may be unusable and its chain be good. */
  readonly failure?: Failure | undefined
}

/** The entry with the version that a publish under this lease gives it. Until then nobody else publishes. */
export function versioned<T>({ server }: MissContext, { record }: HeldLease, entry: Entry<T>): Entry<T> {
  return { ...entry, version: nextVersion(record, server.latest() ?? 0) }
}

/** Publishes under the lease: repeated with the same tag while the answer is unknown, rebased while the lease is held. */
export async function publishEntry<T>(flight: Flight<T>, held: HeldLease, fresh: Fresh<T>): Promise<Published> {
  const { context, slot } = flight
  const { clock, runtime, emit } = context
  const { nonce } = held.lease
  const { key } = slot
  const exclusive = slot.subject.source.exclusive !== undefined
  let snapshot: Snapshot = held
  // One tag stands for one text: if the first try has landed, what is reported of it must be what is stored.
  let record = publishedRecord(context, held, { snapshot, fresh })
  let tag = runtime.unique()
  let silent = 0
  const attempts = exclusive ? EXCLUSIVE_ATTEMPTS : PUBLISH_ATTEMPTS
  // A swap that expects its own lease is safe at any time, and a clock that has stepped must not lose a value available.
  const always = exclusive ? PUBLISH_ATTEMPTS : 1
  const endsAt = exclusive ? held.sentAt + held.lease.length : flight.endsAt
  for (let attempt = 0; attempt < attempts && (attempt < always || clock.fast() < endsAt); attempt += 1) {
    const triedAt = clock.fast()
    const result = await swapOrUnknown(context, record, { snapshot, tag })
    if (result.outcome === 'refused') return result
    const current = await recordAfter(context, slot, result)
    if (result.outcome === 'swapped' || current?.record.value?.publisher === nonce) {
      const landed = current?.record ?? record
      const version = landed.value?.version ?? 0
      noteRejectPause(context, slot, landed)
      emit({ type: 'publish', key, version })
      return { outcome: 'published', version }
    }
    if (current === undefined && !exclusive) {
      silent += 1
      if (silent === MAX_SILENT || isTooLate(flight, triedAt)) return { outcome: 'unknown' }
    }
    if (current === undefined || current.image?.tag === snapshot.image?.tag) {
      // A store that fails at once would use up every attempt in no time.
      if (exclusive) await sleep(runtime, REPEAT_PAUSE * (1 - runtime.random() / 2), new AbortController().signal)
      continue
    }
    if (current.record.lease?.nonce !== nonce) {
      emit({ type: 'fenced', key, epoch: held.record.epoch })
      return { outcome: 'fenced', snapshot: current }
    }
    snapshot = current
    record = publishedRecord(context, held, { snapshot, fresh })
    tag = runtime.unique()
  }
  return { outcome: 'unknown' }
}

/** Records the failure for the fleet. A value that is still alive is served anyway (stale-if-error). */
export async function publishFailure<T>(flight: Flight<T>, held: HeldLease, failed: Failed): Promise<Entry<T>> {
  const { context, slot } = flight
  const { server, environment, emit } = context
  const { what, secretFingerprint, took, error: cause } = failed
  if (failed.curtailed) {
    await writeBack(flight, held, abandon)
    throw cause
  }
  const failure = nextFailure(context, held.record.failure, { what, secretFingerprint })
  const refresh: Refresh = [Math.floor(server.latest() ?? 0), environment(), took, what.kind, '']
  const spent = what.code === SIGN_IN ? 'dead' : what.kind === 'refused' || what.nothingDone ? 'nothing' : 'unknown'
  const instead = await writeBack(flight, held, (record) => fail(record, failure, refresh, spent))
  // Refused because another holder was faster: what that one published is good.
  const newer = instead && (await publishedByOther(flight, held, instead))
  if (newer !== undefined) return newer
  emit({ type: 'cool-down', key: slot.key, kind: failure.kind, until: failure.notBefore, count: failure.count })
  const error = rememberFailure(context, slot, { failure, secretFingerprint, cause })
  const { value } = held.record
  const alive = value !== undefined && isAlive({ record: held.record, ...server.interval() })
  // What could not be opened before may open now.
  if (flight.opened?.entry === undefined) flight.opened = undefined
  const entry = alive ? await openPublished(flight, value) : undefined
  if (entry === undefined || slot.subject.guard?.judge(slot, entry, flight.ask) === 'dead') throw error
  const hold = slot.rare?.hold
  placeFound(context, slot, entry)
  rareOf(slot).hold = hold
  return entry
}

/** The lease was lost. What another holder has published since, if it can be used, is what every environment has. */
export async function publishedByOther<T>(
  flight: Flight<T>,
  held: HeldLease,
  { record }: Snapshot,
): Promise<Entry<T> | undefined> {
  const { context, slot } = flight
  const { value } = record
  const { server } = context
  const isNewer = value !== undefined && value.version > (held.record.value?.version ?? 0)
  if (!isNewer || !isAlive({ record, ...server.interval() })) return undefined
  const entry = await openPublished(flight, value)
  if (!isAlive({ record: withOpened(record, entry), ...server.interval() })) return undefined
  if (entry !== undefined) placeFound(context, slot, entry)
  return entry
}

/**
 * Changes the record under the lease, as best it can: if the write is lost, the lease ends on its own. Its own tag tells a
 * repeat from a second write. Resolves to the record that was there instead, when the lease was lost.
 */
export async function writeBack<T>(
  flight: Flight<T>,
  held: HeldLease,
  change: (record: WarmRecord) => WarmRecord,
): Promise<Snapshot | undefined> {
  const { context } = flight
  const tag = context.runtime.unique()
  for (let attempt = 0; attempt < WRITE_BACK_ATTEMPTS; attempt += 1) {
    const triedAt = context.clock.fast()
    const result = await swapOrUnknown(context, change(held.record), { snapshot: held, tag })
    if (result.outcome === 'conflict') return result.snapshot
    if (result.outcome === 'swapped' || isTooLate(flight, triedAt)) return undefined
  }
  return undefined
}

/**
 * Whether a try that takes as long as the last one would end when nobody waits any longer for what was fetched. What an exclusive
 * source has spent is worth more than a call.
 */
function isTooLate<T>({ context, slot, awaitedUntil }: Flight<T>, triedAt: number): boolean {
  const now = context.clock.fast()
  return slot.subject.source.exclusive === undefined && now + (now - triedAt) > awaitedUntil
}

function publishedRecord<T>(
  { server, environment }: MissContext,
  { lease }: HeldLease,
  { snapshot, fresh }: { readonly snapshot: Snapshot; readonly fresh: Fresh<T> },
): WarmRecord {
  const { sealed, took, entry, vouched, failure } = fresh
  const { version, issuedAt, softExpiry, hardExpiry, fingerprint } = entry
  const now = server.latest() ?? 0
  const refresh: Refresh = [Math.floor(now), environment(), took, failure?.kind ?? 'ok', fingerprint]
  const value = { version, issuedAt, softExpiry, hardExpiry, fingerprint, sealed, publisher: lease.nonce }
  return publish(snapshot.record, { ...value, now, refresh, vouched, failure })
}

/** A store that fails now may not have failed for good: a value available is worth another try. */
async function swapOrUnknown(
  context: MissContext,
  record: WarmRecord,
  { snapshot, tag }: { readonly snapshot: Snapshot; readonly tag: string },
): Promise<SwapResult | { readonly outcome: 'refused' }> {
  try {
    return await swapRecord(context, record, { expected: snapshot.image, tag, signal: undefined })
  } catch (error) {
    const isFinal = error instanceof StoreError && !error.retryable
    return { outcome: isFinal ? 'refused' : 'unknown' }
  }
}

/** What the store holds after a swap that was not acknowledged; `undefined` when that is not known. */
async function recordAfter(
  context: MissContext,
  slot: Slot<unknown>,
  result: SwapResult,
): Promise<Snapshot | undefined> {
  if (result.outcome === 'conflict') return result.snapshot
  if (result.outcome === 'swapped') return undefined
  try {
    return await readRecord(context, slot, { consistent: true, signal: new AbortController().signal })
  } catch {
    return undefined
  }
}
