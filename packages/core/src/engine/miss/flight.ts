import type { Entry } from '../../contracts.ts'
import { sleep } from '../../lib/timing.ts'
import type { Lease, WarmRecord } from '../../record/record.ts'
import type { Ask, Parts, Slot } from '../context.ts'
import type { Situation } from '../decide.ts'
import { pollDelay } from '../time/backoff.ts'
import { isWorthwhile } from './fetch.ts'
import type { Held } from './publish.ts'
import { readRecord, type Sight } from './record-io.ts'

/** Over how long the environments that saw a lease end are spread, in ms. */
const TAKE_OVER_SPREAD = 300

/** What one flight knows and has done. */
export interface Flight<T> {
  readonly parts: Parts
  readonly slot: Slot<T>
  readonly ask: Ask
  readonly signal: AbortSignal
  /** `clock.fast()` at which the flight must be over. */
  readonly endsAt: number
  /** The lease that is in the way, and `clock.slow()` at its first sight. */
  seen: { readonly nonce: string; readonly at: number } | undefined
  polls: number
  /** `clock.fast()` since when another environment's fetch has been waited for. */
  waitingSince: number | undefined
  failedSwaps: number
  /** The last published value that was opened. */
  opened: { readonly sealed: string; readonly entry: Entry<T> | undefined } | undefined
  /** The secret's fingerprint, asked for only where a refusal is on record. */
  secret: string | undefined
}

/** Whether the lease came of an acquire of this environment's that no fetch has used yet. */
export function ownLease(parts: Parts, slot: Slot<unknown>, lease: Lease | undefined): Situation['own'] {
  const sentAt = lease && slot.aside?.nonces?.get(lease.nonce)?.sentAt
  if (lease === undefined || sentAt === undefined) return 'no'
  return isWorthwhile(parts, slot, lease, sentAt) ? 'usable' : 'spent'
}

/** The lease in the record is one that this flight asked for, although the answer was lost. */
export function heldLease<T>(flight: Flight<T>, sight: Sight): Held<T> | undefined {
  const { lease } = sight.record
  const asked = lease && flight.slot.aside?.nonces?.get(lease.nonce)
  return lease === undefined || asked === undefined ? undefined : { ...sight, lease, ...asked, ...termsOf(flight) }
}

/** What every lease of a flight has in common. */
export function termsOf<T>({ endsAt, signal, opened }: Flight<T>): Pick<Held<T>, 'endsAt' | 'signal' | 'previous'> {
  return {
    endsAt,
    signal,
    previous: opened?.entry?.value,
  }
}

/** Sleeps, then looks at the value again: never by swapping. */
export async function waitAndLook<T>(flight: Flight<T>, { record }: Sight, left: number): Promise<Sight> {
  const { parts, slot, signal } = flight
  const { key } = slot
  if (ownLease(parts, slot, record.lease) === 'no' && record.lease !== undefined) {
    flight.waitingSince ??= parts.clock.fast()
    parts.emit({ type: 'wait', key, epoch: record.epoch, polls: flight.polls })
  }
  await sleep(parts.runtime, Math.min(left, pauseBeforeLook(flight, record)), signal)
  flight.polls += 1
  return readRecord(parts, key, { consistent: true, signal })
}

/** Not longer than the lease lasts: a holder that vanished is found out soon after. Spread, for all see it end at once. */
function pauseBeforeLook<T>({ parts, seen, polls }: Flight<T>, { lease }: WarmRecord): number {
  const random = parts.runtime.random()
  const pause = pollDelay(polls, random)
  if (lease === undefined || seen === undefined) return pause
  const left = lease.length - (parts.clock.slow() - seen.at)
  return left <= 0 ? pause : Math.min(pause, left + TAKE_OVER_SPREAD * random)
}
