import { withdraw } from './intent.ts'
import type { Failure, Intent, PublishedValue, Refresh, WarmRecord } from './record.ts'
import { MAX_NUMBER, MAX_REFRESHES } from './record.ts'
import { nextRejectPause } from './reject-pause.ts'

/** How long a record outlives all that it holds, in ms: a clean-up must never meet a live lease. */
export const KEEP_MARGIN: number = 24 * 60 * 60 * 1000

/** How long a record with a chain of refresh tokens is kept after each acquire, in ms: longer than such tokens live unused. */
export const CHAIN_MARGIN: number = 400 * KEEP_MARGIN

/**
 * The next number of a sequence that must survive the deletion of its record: one more than the last, or the time in
 * ms where that is larger.
 */
function next(last: number, now: number): number {
  return Math.max(last < MAX_NUMBER ? last + 1 : 0, Math.floor(now))
}

function keepUntil(record: WarmRecord, leaseEnd: number): number {
  return Math.max(record.keepUntil, (record.value?.hardExpiry ?? 0) + KEEP_MARGIN, leaseEnd + KEEP_MARGIN)
}

function remember(record: WarmRecord, refresh: Refresh): readonly Refresh[] {
  return [...record.refreshes, refresh].slice(-MAX_REFRESHES)
}

/** What an acquire writes. */
export interface Acquire {
  /** Unique mark of this acquire. */
  readonly nonce: string
  /** Upper bound of the server's time. */
  readonly now: number
  /** Length of the lease in ms. */
  readonly length: number
  /** Fingerprint of the value that the API refused, if this acquire is to replace it. */
  readonly rejected: string | undefined
  /** For exclusive sources: what is about to be spent. */
  readonly intent?: Intent | undefined
  /** Where there is a mint budget: how far it is used up with this fetch. */
  readonly budget?: number | undefined
}

/** The record with the lease in new hands. Bound to the exact state that it replaces by the swap's expected tag. */
export function acquire(record: WarmRecord, { nonce, now, length, rejected, intent, budget }: Acquire): WarmRecord {
  const refused = record.value !== undefined && record.value.fingerprint === rejected
  return {
    ...record,
    epoch: next(record.epoch, now),
    rejected: refused && record.value !== undefined ? record.value.version : record.rejected,
    lease: { nonce, acquiredAt: now, length },
    keepUntil: Math.max(keepUntil(record, now + length), intent === undefined ? 0 : now + CHAIN_MARGIN),
    ...(intent && { intent, exclusive: true }),
    ...(budget !== undefined && { budget }),
  }
}

/** The record with the lease lasting longer. Its holder and its fencing token stay. `now`: upper bound of the server's time. */
export function extend(
  record: WarmRecord,
  { nonce, now, length }: Pick<Acquire, 'nonce' | 'now' | 'length'>,
): WarmRecord {
  return { ...record, lease: { nonce, acquiredAt: now, length }, keepUntil: keepUntil(record, now + length) }
}

/** The version of the next value to publish. `now`: upper bound of the server's time. */
export function nextVersion(record: WarmRecord, now: number): number {
  return next(lastVersion(record), now)
}

/** What a publish writes. */
export type Publish = PublishedValue & {
  /** Upper bound of the server's time. */
  readonly now: number
  /** For the ring of refreshes. */
  readonly refresh: Refresh
  /** Whether the issuer gave a value again that an API had refused. */
  readonly vouched?: boolean
  /** Until when the source is not asked for the next one: its answer had a new refresh token and nothing else of use. */
  readonly failure?: Failure | undefined
}

/**
 * The record with the new value; lease, failure and intent are gone with the same write. A value that was asked for because
 * an API had refused the one before begins a reject pause: the issuer has the last word.
 */
export function publish(record: WarmRecord, { now, refresh, vouched = false, failure, ...value }: Publish): WarmRecord {
  const { lease: _lease, failure: _failure, intent: _intent, ...rest } = record
  const afterRefusal = vouched || (record.value !== undefined && record.value.version === record.rejected)
  const published = {
    ...rest,
    value: { ...value, version: nextVersion(record, value.version) },
    ...(failure && { failure }),
    ...(afterRefusal && { rejectPause: nextRejectPause(record.rejectPause, now) }),
  }
  return { ...published, keepUntil: keepUntil(published, now), refreshes: remember(record, refresh) }
}

/** The record without its value, lease and failure. The next version is above the one that was removed. */
export function remove(record: WarmRecord, now: number): WarmRecord {
  const { lease: _lease, failure: _failure, value: _value, ...rest } = record
  const removed = { ...rest, rejected: lastVersion(record), epoch: next(record.epoch, now) }
  return { ...removed, keepUntil: keepUntil(removed, now) }
}

/** The version of the value, or of the one that was removed. */
function lastVersion({ value, rejected }: WarmRecord): number {
  return value?.version ?? rejected
}

function withIntent(record: WarmRecord, intent: Intent | undefined): WarmRecord {
  const { intent: _intent, ...rest } = record
  return intent === undefined ? rest : { ...rest, intent }
}

/** What is known of the thing that a failed fetch meant to spend. */
export type Spent = 'dead' | 'nothing' | 'unknown'

function afterFailure(intent: Intent | undefined, spent: Spent): Intent | undefined {
  if (spent === 'nothing') return withdraw(intent)
  return intent !== undefined && spent === 'dead' ? { ...intent, dead: true } : intent
}

/** The record with the failure; the lease is released with the same write. */
export function fail(record: WarmRecord, failure: Failure, refresh: Refresh, spent: Spent): WarmRecord {
  const { lease: _lease, ...rest } = record
  const intent = afterFailure(record.intent, spent)
  const failed = {
    ...rest,
    failure,
    keepUntil: keepUntil(rest, failure.notBefore),
    refreshes: remember(record, refresh),
  }
  return withIntent(failed, intent)
}

/** The record with the lease given back unused. */
export function release(record: WarmRecord): WarmRecord {
  const { lease: _lease, ...rest } = record
  return withIntent(rest, withdraw(record.intent))
}

/** The record with the lease given back by a holder that may have spent what it meant to. */
export function abandon(record: WarmRecord): WarmRecord {
  const { lease: _lease, ...rest } = record
  return rest
}
