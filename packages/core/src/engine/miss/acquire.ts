import { StoreError, WarmTokenError } from '../../errors.ts'
import { fingerprint } from '../../lib/hash.ts'
import { within } from '../../lib/timing.ts'
import { intend, maySpend, withdraw } from '../../record/intent.ts'
import type { Intent, Lease } from '../../record/record.ts'
import { acquire } from '../../record/transitions.ts'
import { hasRefused } from '../slot.ts'
import { leaseLength } from '../time/lease-length.ts'
import { book } from '../time/mint-budget.ts'
import { classify, nextFailure, rememberFailure, SIGN_IN, secretOf } from './cool-down.ts'
import { type Flight, termsOf, waitAndLook } from './flight.ts'
import { forgetNonce, rememberNonce } from './nonces.ts'
import type { Held } from './publish.ts'
import { readRecord, type Sight, swapRecord } from './record-io.ts'

/** How many acquires may fail outright, one after the other, before the store counts as down. */
const MAX_FAILED_SWAPS = 3

/** One attempt at the lease, bound to the very record that was seen. */
export async function tryAcquire<T>(flight: Flight<T>, sight: Sight, takeOver: boolean): Promise<Sight | Held<T>> {
  const { parts, slot, ask, signal } = flight
  const { key } = slot
  const { traits } = slot.subject.source
  const nonce = parts.runtime.unique()
  const spends = await spendingOf(flight, sight)
  const intent = spends === undefined ? undefined : await writeAhead(flight, sight, { nonce, spends })
  const sentAt = parts.clock.fast()
  rememberNonce(slot, nonce, { sentAt, spends })
  const length = Math.min(leaseLength(parts.policy), flight.endsAt - sentAt)
  const now = Math.ceil(parts.server.latest() ?? 0)
  const budget = traits?.mintBudget === undefined ? undefined : book(sight.record.budget, now, traits.mintBudget)
  const { value } = sight.record
  const rejected = value !== undefined && hasRefused(slot, value.fingerprint) ? value.fingerprint : ask.rejected
  const record = acquire(sight.record, { nonce, now, length, rejected, intent, budget })
  const result = await swapRecord(parts, record, { expected: sight.image, tag: parts.runtime.unique(), signal }).catch(
    (error: unknown) => countFailedSwap(flight, error),
  )
  // A store that answers reads but takes no writes is throttling: to go on alone now would only move the stampede.
  if (result === undefined) return waitAndLook(flight, sight, flight.endsAt - sentAt)
  if (result.outcome === 'conflict') {
    forgetNonce(slot, nonce)
    return result.sight
  }
  if (result.outcome === 'unknown') return readRecord(parts, key, { consistent: true, signal })
  parts.emit({ type: 'acquire', key, epoch: record.epoch, takeOver, adopted: false })
  const lease: Lease = { nonce, acquiredAt: now, length }
  return { image: result.image, record, lease, sentAt, ...termsOf(flight), spends }
}

function countFailedSwap<T>(flight: Flight<T>, error: unknown): undefined {
  flight.failedSwaps += 1
  const isPassing = error instanceof StoreError && error.retryable
  if (!isPassing || flight.failedSwaps >= MAX_FAILED_SWAPS) throw error
}

/** What an exclusive source would spend, in its own words. Rejects when that cannot be known. */
async function spendingOf<T>(
  { parts, slot, opened, secret }: Flight<T>,
  { record }: Sight,
): Promise<string | undefined> {
  const { key } = slot
  const { exclusive } = slot.subject.source
  if (exclusive === undefined) return undefined
  const previous = opened?.entry?.value
  if (record.value !== undefined && previous === undefined) {
    const message = `the value of ${key} cannot be opened, and with it what its next fetch would spend`
    throw new WarmTokenError(message, { key, code: 'CODEC_FAILED', retryable: true })
  }
  const { sourceTimeout } = parts.policy
  const asked = await within(parts.runtime, sourceTimeout, undefined, async () => exclusive.spends(previous))
  if (asked.outcome === 'done' && typeof asked.value === 'string') return asked.value
  const error = asked.outcome === 'failed' ? asked.cause : undefined
  throw rememberFailure(parts, slot, nextFailure(parts, undefined, classify(error), secret), secret, error)
}

/** The intent of an exclusive source. Rejects when what it would spend may be spent already. */
async function writeAhead<T>(
  { parts, slot }: Flight<T>,
  { record }: Sight,
  { nonce, spends }: { readonly nonce: string; readonly spends: string },
): Promise<Intent> {
  // Hashed: a source that gives the refresh token itself, by a mistake, must not have it rest in the record.
  const spending = fingerprint(spends)
  // An intent under a nonce that is still unused here came to nothing.
  const unused = record.intent !== undefined && slot.aside?.nonces?.has(record.intent.nonce) === true
  const before = unused ? withdraw(record.intent) : record.intent
  const { afterCrash = 'stop' } = slot.subject.source.exclusive ?? {}
  // It would be spent at the latest when the lease ends.
  const latest = (parts.server.latest() ?? 0) + leaseLength(parts.policy)
  const known = slot.aside?.pending?.spent === spending
  if (!known && !maySpend(before, spending, { afterCrash, latest })) {
    const what = { kind: 'refused', code: SIGN_IN, retryAfter: undefined, nothingDone: true } as const
    const current = await secretOf(parts, slot)
    throw rememberFailure(parts, slot, nextFailure(parts, undefined, what, current), current)
  }
  return intend(before, { nonce, fingerprint: spending, at: Math.floor(parts.server.earliest() ?? 0) })
}
