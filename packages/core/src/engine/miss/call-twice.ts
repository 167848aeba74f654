import { sleep } from '../../lib/timing.ts'
import type { Flight } from '../context.ts'
import { isEnoughToFetch, timeToFetch } from '../time/lease-length.ts'
import type { HeldLease } from './acquire.ts'
import { type Answer, callSource, type SourceCall } from './call-source.ts'

/** How long after a failure the source is asked once more, in ms: from, and up to so much later. */
const PAUSE = 50
const SPREAD = 200

/**
 * Asks a source that spends nothing, and once more under the same lease when the first request failed in passing: one reset
 * connection or one 503 must not fail a fleet whose callers have seconds left. In an outage each pause costs one request, so
 * only the first failure in a row is followed by a second request. A mint budget counts requests, so it allows none.
 */
export async function callTwice<T>(flight: Flight<T>, held: HeldLease, call: SourceCall<T>): Promise<Answer<T>> {
  const { context, slot, signal } = flight
  const { clock, policy, runtime } = context
  const first = await callSource(flight, call)
  if (first.outcome === 'ok' || first.curtailed) return first
  const { kind, retryAfter } = first.what
  const isFirst = held.record.failure === undefined
  const isBudgeted = slot.subject.source.traits?.mintBudget !== undefined
  if (kind !== 'unavailable' || retryAfter !== undefined || !isFirst || isBudgeted) return first
  await sleep(runtime, PAUSE + SPREAD * runtime.random(), signal)
  const time = timeToFetch(policy, held.lease.length, clock.fast() - held.sentAt)
  if (signal.aborted || !isEnoughToFetch(time, policy, false)) return first
  return callSource(flight, { ...call, time })
}
