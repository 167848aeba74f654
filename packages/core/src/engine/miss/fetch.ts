import type { Entry } from '../../contracts.ts'
import { SameValueError, StoreError, TimeoutError, WarmTokenError } from '../../errors.ts'
import type { Lease, Refresh } from '../../record/record.ts'
import { abandon, fail, release } from '../../record/transitions.ts'
import type { Ask, Parts, Slot } from '../context.ts'
import { compactEntry } from '../packed-entry.ts'
import { asideOf } from '../slot.ts'
import { DRIFT_TOLERANCE } from '../time/clock.ts'
import { keep } from '../time/keep.ts'
import { commitReserve } from '../time/lease-length.ts'
import { callSource, type Failed, type Given, isRefused } from './call-source.ts'
import { nextFailure, rememberFailure, SIGN_IN } from './cool-down.ts'
import { makeEntry } from './make-entry.ts'
import { forgetNonce } from './nonces.ts'
import { environmentOf, type Held, publishEntry, writeBack } from './publish.ts'
import type { Sight } from './record-io.ts'
import { canSeal, openEntry, seal, writeFile } from './sealing.ts'

/** The code of a value that could not be committed. */
export const UNCOMMITTED = 'STORE_UNCOMMITTED'
/** With less time than this left of the lease, in ms, the source is not asked. */
const MIN_FETCH = 250
/** The same where an answer that comes too late loses what was spent. */
const MIN_EXCLUSIVE_FETCH = 1_000

/** How long the source may take under a lease asked for when `clock.fast()` was `sentAt`, in ms. The rest is for the publish. */
function timeToFetch(parts: Parts, lease: Lease, sentAt: number): number {
  return Math.min(
    parts.policy.sourceTimeout,
    lease.length - (parts.clock.fast() - sentAt) - commitReserve(parts.policy, lease.length),
  )
}

/** Whether enough of a lease is left to ask the source under it. */
export function isWorthwhile(parts: Parts, slot: Slot<unknown>, lease: Lease, sentAt: number): boolean {
  const least = slot.subject.source.exclusive === undefined ? MIN_FETCH : MIN_EXCLUSIVE_FETCH
  return timeToFetch(parts, lease, sentAt) >= Math.min(least, parts.policy.sourceTimeout)
}

/** Asks the source once and publishes what it gives. */
export async function fetchUnderLease<T>(
  parts: Parts,
  slot: Slot<T>,
  ask: Ask,
  held: Held<T>,
): Promise<Entry<T> | undefined> {
  if (!isWorthwhile(parts, slot, held.lease, held.sentAt)) {
    // Too late, or a clock that has stepped makes it look so: nothing was spent, and nobody needs to wait for its end. The
    // nonce is remembered, for should this not land, the lease must still be known as one's own.
    await writeBack(parts, held, release)
    return undefined
  }
  const time = timeToFetch(parts, held.lease, held.sentAt)
  const fetched = await askSource(parts, slot, ask, { held, time })
  if (fetched.outcome === 'failed') {
    if (!fetched.curtailed) return recordFailure(parts, slot, held, fetched)
    await writeBack(parts, held, abandon)
    throw fetched.error
  }
  const { took } = fetched
  const entry = makeEntry(parts, slot, fetched.issued, fetched.askedAt)
  const sealed = await seal(parts, slot, entry.value)
  const exclusive = slot.subject.source.exclusive !== undefined
  // What cannot be shared must not keep the others waiting for it.
  if (sealed === undefined && !exclusive) await writeBack(parts, held, release)
  const published =
    sealed === undefined ? undefined : await publishEntry(parts, held, { entry, sealed, took, exclusive })
  const newer = published?.outcome === 'fenced' ? await newerEntry(parts, slot, held, published.sight) : undefined
  if (newer !== undefined) return newer
  if (exclusive && published?.outcome !== 'published') throw uncommitted(slot, held, fetched)
  if (published?.outcome === 'fenced') return entry
  if (exclusive && isRefused(slot, ask, fetched.issued)) throw sameAgain(parts, slot)
  const version = published?.outcome === 'published' ? published.version : 0
  keep(parts, slot, { entry: compactEntry({ ...entry, version }), tier: 'source', server: parts.server })
  if (sealed !== undefined) await writeFile(parts, slot, parts.server, sealed)
  return slot.entry ?? entry
}

/** What the source gave before and could not be committed then, else what it gives now. */
async function askSource<T>(
  parts: Parts,
  slot: Slot<T>,
  ask: Ask,
  { held, time }: { readonly held: Held<T>; readonly time: number },
): Promise<Given<T> | Failed> {
  const { lease, signal, previous, spends } = held
  // Whatever comes of it, this nonce never asks the source again.
  forgetNonce(slot, lease.nonce)
  const aside = asideOf(slot)
  const { pending } = aside
  aside.pending = undefined
  if (pending !== undefined && pending.spent === held.record.intent?.fingerprint) return pending.given
  // A codec that fails afterwards would lose what was spent.
  if (slot.subject.source.exclusive !== undefined && !(await canSeal(parts, slot))) {
    await writeBack(parts, held, release)
    const { key } = slot
    throw new WarmTokenError(`the codec cannot seal values of ${key}`, { key, code: 'CODEC_FAILED', retryable: true })
  }
  if (signal.aborted) {
    await writeBack(parts, held, release)
    const { key } = slot
    throw new TimeoutError(`no value for ${key}: the call was given up before the source was asked`, { key })
  }
  return callSource(parts, slot, ask, { time, nonce: lease.nonce, signal, previous, spends, alone: false })
}

/** A value that is not committed is kept, and published with the next lease; nobody sees it before. */
function uncommitted<T>(slot: Slot<T>, held: Held<T>, given: Given<T>): StoreError {
  const { key } = slot
  const spent = held.record.intent?.fingerprint
  if (spent !== undefined) asideOf(slot).pending = { given, spent }
  return new StoreError(`the new value of ${key} could not be committed; it is kept and committed with the next call`, {
    key,
    code: UNCOMMITTED,
    retryable: true,
  })
}

function sameAgain<T>(parts: Parts, slot: Slot<T>): WarmTokenError {
  const what = { kind: 'same-value', code: 'SAME_VALUE', retryAfter: undefined, nothingDone: false } as const
  const failure = nextFailure(parts, undefined, what, undefined)
  return rememberFailure(parts, slot, failure, undefined, new SameValueError('the source gave the refused value again'))
}

/** The lease was lost, and another holder has published since: its value, if it can be used, is what everybody has. */
async function newerEntry<T>(parts: Parts, slot: Slot<T>, held: Held<T>, newer: Sight): Promise<Entry<T> | undefined> {
  const { value, rejected } = newer.record
  const isNewer = value !== undefined && value.version > (held.record.value?.version ?? 0) && value.version !== rejected
  if (!isNewer || (parts.server.latest() ?? 0) >= value.hardExpiry) return undefined
  const opened = await openEntry(parts, slot, value)
  if (opened !== undefined) keep(parts, slot, { entry: opened, tier: 'store', server: parts.server })
  return opened
}

/** Records the failure for the fleet. A value that is still alive is served all the same. */
async function recordFailure<T>(parts: Parts, slot: Slot<T>, held: Held<T>, failed: Failed): Promise<Entry<T>> {
  const { what, secret, took } = failed
  const { key } = slot
  const failure = nextFailure(parts, held.record.failure, what, secret)
  const refresh: Refresh = [Math.floor(parts.server.latest() ?? 0), environmentOf(parts), took, what.kind, '']
  const spent = what.code === SIGN_IN ? 'dead' : what.kind === 'refused' || what.nothingDone ? 'nothing' : 'unknown'
  const instead = await writeBack(parts, held, (record) => fail(record, failure, refresh, spent))
  // Refused because another holder was faster: what it published is good.
  const newer = instead && (await newerEntry(parts, slot, held, instead))
  if (newer !== undefined) return newer
  parts.emit({ type: 'cool-down', key, kind: failure.kind, until: failure.notBefore, count: failure.count })
  const error = rememberFailure(parts, slot, failure, secret, failed.error)
  const { value, rejected } = held.record
  const alive =
    value !== undefined &&
    value.version !== rejected &&
    (parts.server.latest() ?? 0) + DRIFT_TOLERANCE < value.hardExpiry
  const entry = alive ? await openEntry(parts, slot, value) : undefined
  if (entry === undefined) throw error
  const hold = slot.aside?.hold
  keep(parts, slot, { entry, tier: 'store', server: parts.server })
  asideOf(slot).hold = hold
  return entry
}
