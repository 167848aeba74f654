/** What an API's refusal of a value means for this environment, and when the issuer's word counts for more. @module */

import type { RejectPause, WarmRecord } from '../../record/record.ts'
import { isRejectPaused, nextRejectPause } from '../../record/reject-pause.ts'
import type { Flight, MissContext } from '../context.ts'
import { type Refused, rareOf, type Slot } from '../slot.ts'
import { wasRejected } from '../time/freshness.ts'

/** How many refused values are recognized. */
const MAX_REJECTED = 8

/**
 * Fingerprint of the value that counts as refused: the one in the record if this environment refused it, else the one that
 * the caller names. While the rejecting pauses, none does.
 */
export function refusedIn<T>({ context, slot, ask }: Flight<T>, record: WarmRecord): string | undefined {
  if (isRejectPaused(record, context.server.interval())) return undefined
  const { value } = record
  return value !== undefined && wasRejected(slot, value) ? value.fingerprint : ask.rejected
}

/** Remembers that the API refused this value, and forgets the entry in memory. */
export function forget(slot: Slot<unknown>, { fingerprint, version }: Refused): void {
  const rare = rareOf(slot)
  const known = rare.rejected?.find((one) => one.fingerprint === fingerprint)?.version ?? 0
  const others = (rare.rejected ?? []).filter((one) => one.fingerprint !== fingerprint)
  rare.rejected = [{ fingerprint, version: Math.max(version, known) }, ...others.slice(0, MAX_REJECTED - 1)]
  slot.entry = undefined
  slot.freshUntil = 0
  slot.usableUntil = 0
  slot.view = undefined
}

/** A value that was refused here while it was being fetched: the issuer has not vouched for it, whatever its new version. */
export function refuseStill(slot: Slot<unknown>, { fingerprint, version }: Refused): void {
  const { rare } = slot
  if (!rare?.rejected?.some((one) => one.fingerprint === fingerprint)) return
  rare.rejected = rare.rejected.map((one) => (one.fingerprint === fingerprint ? { fingerprint, version } : one))
}

/** Takes over what the record says: while the rejecting pauses, its value is served whatever an API says of it. */
export function noteRejectPause(context: MissContext, slot: Slot<unknown>, record: WarmRecord): void {
  const { value, rejectPause } = record
  const now = context.server.interval()
  if (value === undefined || rejectPause === undefined || !isRejectPaused(record, now)) return
  vouch(slot, value, { pause: rejectPause, until: context.clock.fast() + rejectPause.until - now.earliest })
}

/** The same without the store: this environment pauses alone. `now`: the server's time, at most. */
export function pauseAlone(context: MissContext, slot: Slot<unknown>, given: Refused, now: number): void {
  const pause = nextRejectPause(slot.rare?.vouched?.pause, now)
  vouch(slot, given, { pause, until: context.clock.fast() + pause.until - now })
}

function vouch(
  slot: Slot<unknown>,
  { fingerprint, version }: Refused,
  { pause, until }: { readonly pause: RejectPause; readonly until: number },
): void {
  const rare = rareOf(slot)
  const rejected = rare.rejected?.filter((one) => one.fingerprint !== fingerprint || one.version < version)
  rare.rejected = rejected?.length ? rejected : undefined
  rare.vouched = { fingerprint, until, pause }
}
