import type { Entry } from '../../contracts.ts'
import { StoreError } from '../../errors.ts'
import type { Failure } from '../../record/record.ts'
import type { Flight, MissContext } from '../context.ts'
import { packEntry } from '../packed-entry.ts'
import { rareOf, type Slot } from '../slot.ts'
import { newEntry, usableEntry } from '../time/expiry.ts'
import { placeEntry } from '../time/freshness.ts'
import { createServerClock, type ServerClock } from '../time/server-clock.ts'
import { callSource, secretFingerprintOf } from './call-source.ts'
import { bookWithoutStore, nextFailure, rememberFailure } from './cool-down.ts'
import { pauseAlone } from './refusals.ts'
import { writeFile } from './sealing.ts'

/** The store cannot be used: serves a value that is still alive, else fetches for this environment alone. */
export async function withoutStore<T>(flight: Flight<T>, cause: StoreError | undefined): Promise<Entry<T>> {
  const { context, slot, ask } = flight
  const { key } = slot
  slot.subject.guard?.relax(slot, context.outage.until)
  const usable = usableEntry(context, slot, { ...ask, minLifetime: 0 })
  if (usable !== undefined) {
    const rare = rareOf(slot)
    rare.hold = { ...rare.hold, until: context.outage.until }
    return usable
  }
  // A wrong configuration must be seen, not hidden behind a fetch per environment.
  if (cause !== undefined && !cause.retryable) throw errorFor(key, cause)
  if (slot.subject.source.exclusive !== undefined) {
    const message = `the store is down, and ${key} may be fetched only under its lease`
    throw cause === undefined ? new StoreError(message, { key, retryable: true }) : errorFor(key, cause)
  }
  return fetchAlone(flight)
}

/** Fetches without a lease: only the single flight and the cool-down of this environment limit it. */
async function fetchAlone<T>(flight: Flight<T>): Promise<Entry<T>> {
  const { context, slot, ask } = flight
  const { clock, policy, runtime } = context
  const server = context.server.latest() === undefined ? wallClock(context) : context.server
  const { earliest: askedAt, latest } = server.interval()
  const before = slot.rare?.failedAlone
  // Between calls the store may answer again, so this pause is kept apart from what the record says.
  if (before !== undefined && clock.fast() < before.until && !(await isAnotherSecret(context, slot, before.failure))) {
    const { failure } = before
    throw rememberFailure(context, slot, { failure, secretFingerprint: failure.secretFingerprint })
  }
  bookWithoutStore(context, slot, latest)
  const answer = await callSource(flight, {
    time: Math.min(policy.sourceTimeout, ask.timeout),
    nonce: runtime.unique(),
    previous: slot.entry?.value,
    alone: true,
  })
  if (answer.outcome === 'failed') {
    const { curtailed, error: cause, what, secretFingerprint } = answer
    if (curtailed) throw cause
    const failure = nextFailure(context, before?.failure, { what, secretFingerprint })
    const pause = failure.notBefore - server.interval().latest
    rareOf(slot).failedAlone = { failure, until: clock.fast() + pause }
    throw rememberFailure(context, slot, { failure, secretFingerprint, cause })
  }
  if (slot.rare) slot.rare.failedAlone = undefined
  const entry = packEntry(newEntry(flight, answer.issued, askedAt))
  if (answer.issued.passing) return entry
  // Asked because of a refusal, whatever the source gave: without the store this environment alone can end the minting.
  if (ask.rejected !== undefined) pauseAlone(context, slot, entry, server.interval().latest)
  placeEntry(context, slot, { entry, tier: 'source', ...server.interval() })
  await writeFile(context, slot, { server })
  return entry
}

async function isAnotherSecret(context: MissContext, slot: Slot<unknown>, failure: Failure): Promise<boolean> {
  return failure.kind === 'refused' && (await secretFingerprintOf(context, slot)) !== failure.secretFingerprint
}

/** This machine's wall clock in place of a server that has not answered yet. Good for durations only. */
function wallClock({ clock, runtime }: MissContext): ServerClock {
  const server = createServerClock(clock)
  const wall = runtime.wall()
  server.adopt(wall, wall)
  return server
}

/** The error as it concerns this key, when the store failed for another one. */
function errorFor(key: string, error: StoreError): StoreError {
  const { message, code, retryable, cause } = error
  if (error.key === undefined || error.key === key) return error
  return new StoreError(message.replace(error.key, key), { key, code, retryable, cause })
}
