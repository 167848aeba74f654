import type { Entry } from '../../contracts.ts'
import { TimeoutError } from '../../errors.ts'
import { release } from '../../record/transitions.ts'
import type { Flight } from '../context.ts'
import { packEntry } from '../packed-entry.ts'
import { newEntry } from '../time/expiry.ts'
import { placeEntry } from '../time/freshness.ts'
import { isEnoughToFetch, timeToFetch } from '../time/lease-length.ts'
import { forgetNonce, type HeldLease } from './acquire.ts'
import { isVouchedFor } from './call-source.ts'
import { callTwice } from './call-twice.ts'
import { publishEntry, publishedByOther, publishFailure, versioned, writeBack } from './publish.ts'
import { pauseAlone, refuseStill } from './refusals.ts'
import { seal, writeFile } from './sealing.ts'

/**
 * Asks the source under the lease, and publishes what it gives. Resolves to `undefined` when too little of the lease
 * is left. A value that cannot be published is still served here, since fetching again is harmless.
 */
export async function fetchShared<T>(flight: Flight<T>, held: HeldLease): Promise<Entry<T> | undefined> {
  const { context, slot, signal, opened } = flight
  const { policy, clock, server } = context
  const time = timeToFetch(policy, held.lease.length, clock.fast() - held.sentAt)
  if (!isEnoughToFetch(time, policy, false)) {
    // Too late, or a clock that has stepped makes it look so. Giving the lease back spares others the wait. The nonce stays:
    // if this write is lost, the lease must still be recognized.
    await writeBack(flight, held, release)
    return undefined
  }
  // Whatever comes of it, this nonce never asks the source again.
  forgetNonce(slot, held.lease.nonce)
  if (signal.aborted) {
    await writeBack(flight, held, release)
    throw abortedBeforeFetch(slot.key)
  }
  const previous = opened?.entry?.value
  const answer = await callTwice(flight, held, { time, nonce: held.lease.nonce, previous })
  if (answer.outcome === 'failed') return publishFailure(flight, held, answer)
  const { took, issued, askedAt } = answer
  const entry = newEntry(flight, issued, askedAt)
  if (issued.passing) {
    await writeBack(flight, held, (record) => slot.subject.guard?.release(slot, entry, record) ?? release(record))
    return entry
  }
  const next = versioned(context, held, entry)
  const sealed = await seal(context, slot, next)
  if (sealed === undefined) {
    // Other environments must not wait for a value that cannot be shared.
    await writeBack(flight, held, release)
    if (isVouchedFor(flight, entry)) pauseAlone(context, slot, entry, server.latest() ?? 0)
    placeEntry(context, slot, { entry: packEntry(entry), tier: 'source', ...server.interval() })
    return slot.entry ?? entry
  }
  const vouched = isVouchedFor(flight, entry)
  const published = await publishEntry(flight, held, { entry: next, sealed, took, vouched })
  if (published.outcome === 'fenced') {
    const newer = await publishedByOther(flight, held, published.snapshot)
    // A caller may want nothing but what was loaded for it.
    const isWanted = newer !== undefined && slot.subject.guard?.judge(slot, newer, flight.ask) !== 'dead'
    return isWanted ? newer : entry
  }
  // Nothing was stored, so nobody waits for it.
  if (published.outcome === 'refused') await writeBack(flight, held, release)
  const version = published.outcome === 'published' ? published.version : 0
  if (vouched && version === 0) pauseAlone(context, slot, entry, server.latest() ?? 0)
  if (!vouched) refuseStill(slot, { fingerprint: entry.fingerprint, version })
  placeEntry(context, slot, { entry: packEntry({ ...entry, version }), tier: 'source', ...server.interval() })
  await writeFile(context, slot, { server, sealed })
  return slot.entry ?? entry
}

/** The caller gave up after the lease was acquired. */
export function abortedBeforeFetch(key: string): TimeoutError {
  return new TimeoutError(`no value for ${key}: the call was aborted before the source was asked`, { key })
}
