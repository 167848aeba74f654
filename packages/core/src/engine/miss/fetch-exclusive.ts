import type { Entry } from '../../contracts.ts'
import { StoreError, WarmTokenError } from '../../errors.ts'
import type { Failure } from '../../record/record.ts'
import { abandon, release } from '../../record/transitions.ts'
import type { Flight, MissContext } from '../context.ts'
import { packEntry } from '../packed-entry.ts'
import { type Given, rareOf, type Slot } from '../slot.ts'
import { newEntry } from '../time/expiry.ts'
import { placeEntry } from '../time/freshness.ts'
import { isEnoughToFetch, timeToFetch } from '../time/lease-length.ts'
import { forgetNonce, type HeldLease } from './acquire.ts'
import { type Answer, callSource, classify, isVouchedFor } from './call-source.ts'
import { nextFailure, rememberFailure } from './cool-down.ts'
import { abortedBeforeFetch } from './fetch-shared.ts'
import { publishEntry, publishedByOther, publishFailure, UNCOMMITTED, versioned, writeBack } from './publish.ts'
import { refuseStill } from './refusals.ts'
import { canSeal, seal } from './sealing.ts'

/**
 * The same for a source whose fetch spends what cannot be spent twice. The value is served only once it is committed to the
 * store; until then it is kept here, and committed with the next lease. It is never written to a file.
 */
export async function fetchExclusive<T>(flight: Flight<T>, held: HeldLease): Promise<Entry<T> | undefined> {
  const { context, slot } = flight
  const { policy, clock, server } = context
  const time = timeToFetch(policy, held.lease.length, clock.fast() - held.sentAt)
  if (!isEnoughToFetch(time, policy, true)) {
    await writeBack(flight, held, release)
    return undefined
  }
  const answer = await askSource(flight, held, time)
  if (answer.outcome === 'failed') return publishFailure(flight, held, answer)
  const { issued, askedAt, took } = answer
  const entry = versioned(context, held, newEntry(flight, issued, askedAt))
  const sealed = await seal(context, slot, entry)
  const vouched = isVouchedFor(flight, entry)
  const failure = issued.unusable && failureOf(context, held, issued.unusable)
  const published =
    sealed === undefined ? undefined : await publishEntry(flight, held, { entry, sealed, took, vouched, failure })
  const newer = published?.outcome === 'fenced' ? await publishedByOther(flight, held, published.snapshot) : undefined
  if (newer !== undefined) return newer
  // The intent stays: what it names is spent.
  if (published?.outcome === 'refused') await writeBack(flight, held, abandon)
  if (published?.outcome !== 'published')
    throw keepUncommitted(slot, held, { given: answer, retryable: published?.outcome !== 'refused' })
  if (failure !== undefined) throw rememberFailure(context, slot, { failure, cause: issued.unusable })
  const { version } = published
  if (!vouched) refuseStill(slot, { fingerprint: entry.fingerprint, version })
  placeEntry(context, slot, { entry: packEntry({ ...entry, version }), tier: 'source', ...server.interval() })
  return slot.entry ?? entry
}

/** What the source gave before and could not be committed then, else what it gives now. */
async function askSource<T>(flight: Flight<T>, held: HeldLease, time: number): Promise<Answer<T>> {
  const { context, slot, signal, opened } = flight
  const { key } = slot
  const { nonce } = held.lease
  const previous = opened?.entry?.value
  // Whatever comes of it, this nonce never asks the source again.
  forgetNonce(slot, nonce)
  const rare = rareOf(slot)
  const { uncommitted } = rare
  rare.uncommitted = undefined
  if (uncommitted !== undefined && uncommitted.spent === held.record.intent?.fingerprint) {
    return { outcome: 'ok', ...uncommitted }
  }
  // A codec that fails afterwards would lose what was spent.
  if (!(await canSeal(context, slot))) {
    await writeBack(flight, held, release)
    throw new WarmTokenError(`the codec cannot seal values of ${key}`, { key, code: 'CODEC_FAILED', retryable: true })
  }
  if (signal.aborted) {
    await writeBack(flight, held, release)
    throw abortedBeforeFetch(key)
  }
  return callSource(flight, { time, nonce, previous, spends: held.spends })
}

/** Keeps a value that is not committed. Nobody sees it before the next lease commits it. */
function keepUncommitted<T>(
  slot: Slot<T>,
  held: HeldLease,
  { given: { issued, took, askedAt }, retryable }: { readonly given: Given<T>; readonly retryable: boolean },
): StoreError {
  const { key } = slot
  const spent = held.record.intent?.fingerprint
  if (spent !== undefined) rareOf(slot).uncommitted = { issued, took, askedAt, spent }
  return new StoreError(`the new value of ${key} could not be committed; it is kept and committed with the next call`, {
    key,
    code: UNCOMMITTED,
    retryable,
  })
}

/**
 * What is recorded beside a chain whose value is unusable: nobody is served by that value, and the next fetch continues with
 * the new chain. It passes, whatever the issuer said, since it took the old refresh token.
 */
function failureOf(context: MissContext, { record }: HeldLease, cause: Error): Failure {
  const { kind, ...what } = classify(cause)
  const passing = kind === 'throttled' ? kind : 'unavailable'
  return nextFailure(context, record.failure, { what: { ...what, kind: passing } })
}
