/**
 * Every answer to "may this value be served, and until when" beyond a hit. A hit asks only `freshness.ts`: apart from here,
 * it loads 0.7 KB less.
 *
 * @module
 */

import type { Entry, Issued, Traits } from '../../contracts.ts'
import type { WarmRecord } from '../../record/record.ts'
import { isRejectPaused } from '../../record/reject-pause.ts'
import type { Ask, Flight, Shared } from '../context.ts'
import type { Policy } from '../policy.ts'
import type { Slot } from '../slot.ts'
import { DRIFT_TOLERANCE } from './clock.ts'
import { isVouched, JITTER_SHARE, jitterOf, MIN_REMAINING, wasRejected } from './freshness.ts'

/** The share of a value's lifetime in which a refresh is due: its last fifth, spread over the tenth before. */
const WINDOW_SHARE = 0.2

/** What decides whether the value of a record may be served. */
export interface Judged {
  readonly record: WarmRecord
  /** The time on the server is this or later. */
  readonly earliest: number
  /** The time on the server is this or earlier. */
  readonly latest: number
  /** Fingerprint of a value that must not be used: the API refused it, or it cannot be opened. */
  readonly rejected?: string | undefined
}

/**
 * Whether the value of a record may be served, fresh or stale: no API has refused it, and even by the latest possible time
 * on the server it lives for `need` ms more. As strict as `placeEntry`: what counts as alive here is usable once it is placed.
 */
export function isAlive({ record, earliest, latest, rejected }: Judged, need = 0): boolean {
  const { value } = record
  return (
    value !== undefined &&
    (value.version !== record.rejected || isRejectPaused(record, { earliest, latest })) &&
    value.fingerprint !== rejected &&
    latest + DRIFT_TOLERANCE + need + MIN_REMAINING <= value.hardExpiry
  )
}

/**
 * The entry in memory, fresh or stale, if the API has not refused it and it has the lifetime that is asked for, as far as a
 * new value would have more.
 */
export function usableEntry<T>({ clock }: Shared, slot: Slot<T>, ask: Omit<Ask, 'timeout'>): Entry<T> | undefined {
  const { entry, subject } = slot
  if (entry === undefined || subject.guard?.judge(slot, entry, ask) === 'dead') return undefined
  const { minLifetime, rejected } = ask
  if (!isVouched(clock, slot, entry.fingerprint) && (entry.fingerprint === rejected || wasRejected(slot, entry))) {
    return undefined
  }
  const need = minLifetime === 0 ? 0 : Math.min(minLifetime, reachableLifetime(entry, subject.source.traits))
  return clock.fast() + need + MIN_REMAINING <= slot.usableUntil ? entry : undefined
}

/**
 * The entry of a value that the source has just given. Its lifetime counts from before the request was sent: whenever the
 * issuer started its clock, it was not earlier. From soft expiry on, a refresh is due.
 */
export function newEntry<T>({ context, slot }: Flight<T>, issued: Issued<T>, issuedAt: number): Entry<T> {
  const { subject } = slot
  const hardExpiry = issuedAt + issued.lifetime
  return {
    value: issued.value,
    version: 0,
    issuedAt,
    softExpiry:
      issued.fresh === undefined
        ? hardExpiry - windowOf(issued.lifetime, context.policy, subject.source.traits)
        : Math.min(hardExpiry, issuedAt + issued.fresh),
    hardExpiry,
    fingerprint: subject.fingerprint(issued.value),
  }
}

/**
 * The largest `minLifetime` that a new value could satisfy better than this one. A refresh for more would bring nothing, or
 * would end the value that others hold: a long invocation would refresh a short-lived token on every call.
 */
export function reachableLifetime(
  entry: Pick<Entry<unknown>, 'issuedAt' | 'softExpiry' | 'hardExpiry'>,
  traits: Traits | undefined,
): number {
  const lifetime = entry.softExpiry - entry.issuedAt
  const { reuseWindow = Number.POSITIVE_INFINITY, overlap = Number.POSITIVE_INFINITY } = traits ?? {}
  return Math.max(0, Math.min(lifetime - jitterOf(entry, 1), reuseWindow, overlap))
}

/** How long before hard expiry a value of this lifetime should be refreshed, in ms. */
function windowOf(lifetime: number, policy: Policy, traits: Traits | undefined): number {
  const { reuseWindow = Number.POSITIVE_INFINITY, overlap = Number.POSITIVE_INFINITY } = traits ?? {}
  // Inside the reuse window even the environment that asks first must get a new value.
  const reuse = reuseWindow / (1 + JITTER_SHARE)
  // The environments that ask last still hold the old value while the first ones already have the new one.
  return Math.min(policy.refreshWindow, lifetime * WINDOW_SHARE, reuse, overlap / JITTER_SHARE)
}
