import { StoreError, WarmTokenError } from '../../errors.ts'
import { fingerprint } from '../../lib/hash.ts'
import { withDeadline } from '../../lib/timing.ts'
import { intend, maySpend, withdraw } from '../../record/intent.ts'
import { MAX_LEASE } from '../../record/plausible.ts'
import type { Intent, Lease } from '../../record/record.ts'
import { acquire } from '../../record/transitions.ts'
import type { Flight, MissContext } from '../context.ts'
import type { Situation } from '../decide.ts'
import { type Acquiring, rareOf, type Slot } from '../slot.ts'
import { isEnoughToFetch, leaseLength, timeToFetch } from '../time/lease-length.ts'
import { book } from '../time/mint-budget.ts'
import { classify, secretFingerprintOf } from './call-source.ts'
import { nextFailure, rememberFailure, SIGN_IN } from './cool-down.ts'
import { readRecord, type Snapshot, swapRecord } from './record-io.ts'
import { refusedIn } from './refusals.ts'

/** How many acquires may fail outright, one after the other, before the store counts as down. */
const MAX_FAILED_SWAPS = 3
/** The code of a record that the store neither changes nor shows changed. */
export const WEDGED = 'STORE_CONFLICT'
/** How many unanswered acquires are remembered. */
const MAX_NONCES = 32

/** A lease of this environment's own, with the record as it was written. */
export interface HeldLease extends Snapshot, Acquiring {
  readonly lease: Lease
}

/** What became of an acquire. */
export type Acquired =
  /** The lease is this environment's. */
  | { readonly outcome: 'acquired'; readonly held: HeldLease }
  /** The record had changed, or the answer was lost: decide again on what is there now. */
  | { readonly outcome: 'seen'; readonly snapshot: Snapshot }
  /** Nothing was written. Wait, for so many ms at most. */
  | { readonly outcome: 'not-written'; readonly left: number }

/** One attempt at the lease, bound to the exact record that was seen. */
export async function tryAcquire<T>(flight: Flight<T>, snapshot: Snapshot, takeOver: boolean): Promise<Acquired> {
  const { context, slot, signal } = flight
  const { clock, server, policy, runtime } = context
  const { key } = slot
  const { mintBudget } = slot.subject.source.traits ?? {}
  const nonce = runtime.unique()
  const spends = await spendingOf(flight, snapshot)
  const intent = spends === undefined ? undefined : await writeAhead(flight, snapshot, { nonce, spends })
  const sentAt = clock.fast()
  rememberNonce(slot, nonce, { sentAt, spends })
  // Others believe no longer one.
  const length = Math.min(leaseLength(policy), MAX_LEASE, flight.endsAt - sentAt)
  const now = Math.ceil(server.latest() ?? 0)
  const budget = mintBudget === undefined ? undefined : book(snapshot.record.budget, now, mintBudget)
  const rejected = refusedIn(flight, snapshot.record)
  const record = acquire(snapshot.record, { nonce, now, length, rejected, intent, budget })
  const result = await swapRecord(context, record, {
    expected: snapshot.image,
    tag: runtime.unique(),
    signal,
  }).catch((error: unknown) => countFailedSwap(flight, error))
  // A store that answers reads but takes no writes is throttling: to go on alone now would only move the stampede.
  if (result === undefined) return { outcome: 'not-written', left: flight.endsAt - sentAt }
  if (result.outcome === 'conflict') {
    forgetNonce(slot, nonce)
    if (isSameImage(result.snapshot, snapshot)) {
      countFailedSwap(flight, wedged(context, key))
      return { outcome: 'not-written', left: flight.endsAt - sentAt }
    }
    return { outcome: 'seen', snapshot: result.snapshot }
  }
  if (result.outcome === 'unknown') {
    return { outcome: 'seen', snapshot: await readRecord(context, slot, { consistent: true, signal }) }
  }
  context.emit({ type: 'acquire', key, epoch: record.epoch, takeOver, adopted: false })
  const lease: Lease = { nonce, acquiredAt: now, length }
  return { outcome: 'acquired', held: { image: result.image, record, lease, sentAt, spends } }
}

/** Whether the lease came of an acquire of this environment that no fetch has used yet. */
export function ownLease(context: MissContext, slot: Slot<unknown>, lease: Lease | undefined): Situation['own'] {
  const sentAt = lease && slot.rare?.nonces?.get(lease.nonce)?.sentAt
  if (lease === undefined || sentAt === undefined) return 'no'
  const time = timeToFetch(context.policy, lease.length, context.clock.fast() - sentAt)
  const exclusive = slot.subject.source.exclusive !== undefined
  return isEnoughToFetch(time, context.policy, exclusive) ? 'usable' : 'spent'
}

/** The lease in the record, when this environment asked for it although the answer was lost. */
export function heldLease<T>({ slot }: Flight<T>, snapshot: Snapshot): HeldLease | undefined {
  const { lease } = snapshot.record
  const acquiring = lease && slot.rare?.nonces?.get(lease.nonce)
  return lease === undefined || acquiring === undefined ? undefined : { ...snapshot, lease, ...acquiring }
}

/** Forgets an acquire. The last one frees the map, which takes as much memory as the rest of the slot. */
export function forgetNonce({ rare }: Slot<unknown>, nonce: string): void {
  rare?.nonces?.delete(nonce)
  if (rare?.nonces?.size === 0) rare.nonces = undefined
}

/** Remembers an acquire that is about to be sent: if its answer is lost, the lease is recognized by the nonce. */
function rememberNonce(slot: Slot<unknown>, nonce: string, acquiring: Acquiring): void {
  const rare = rareOf(slot)
  rare.nonces ??= new Map()
  if (rare.nonces.size >= MAX_NONCES) rare.nonces.clear()
  rare.nonces.set(nonce, acquiring)
}

function countFailedSwap<T>(flight: Flight<T>, error: unknown): undefined {
  flight.failedSwaps += 1
  const isTransient = error instanceof StoreError && error.retryable
  if (!isTransient || flight.failedSwaps >= MAX_FAILED_SWAPS) throw error
}

/** Whether a conflict brought the exact image that the swap expected. Another try would end the same way. */
function isSameImage({ image: seen }: Snapshot, { image: expected }: Snapshot): boolean {
  return seen?.tag === expected?.tag && seen?.mark === expected?.mark
}

function wedged({ store }: MissContext, key: string): StoreError {
  const message = `the ${store.name} store reports a conflict for ${key} and shows the expected record; delete that record`
  return new StoreError(message, { key, code: WEDGED, retryable: true })
}

/** What an exclusive source would spend, as the source names it. Rejects when that cannot be known. */
async function spendingOf<T>(flight: Flight<T>, { record }: Snapshot): Promise<string | undefined> {
  const { context, slot, opened, secretFingerprint } = flight
  const { key } = slot
  const { exclusive } = slot.subject.source
  if (exclusive === undefined) return undefined
  const previous = opened?.entry?.value
  if (record.value !== undefined && previous === undefined) {
    const message = `the value of ${key} cannot be opened, and with it what its next fetch would spend`
    throw new WarmTokenError(message, { key, code: 'CODEC_FAILED', retryable: true })
  }
  const call = async (): Promise<string> => exclusive.spends(previous)
  const answer = await withDeadline(context.runtime, { ms: context.policy.sourceTimeout }, call)
  if (answer.outcome === 'done' && typeof answer.value === 'string') return answer.value
  const cause = answer.outcome === 'failed' ? answer.cause : undefined
  const failure = nextFailure(context, undefined, { what: classify(cause), secretFingerprint })
  throw rememberFailure(context, slot, { failure, secretFingerprint, cause })
}

/** The intent of an exclusive source. Rejects when what it would spend may be spent already. */
async function writeAhead<T>(
  { context, slot }: Flight<T>,
  { record }: Snapshot,
  { nonce, spends }: { readonly nonce: string; readonly spends: string },
): Promise<Intent> {
  // Hashed: a source that returns the refresh token itself, by mistake, must not have it stored in the record.
  const spending = fingerprint(spends)
  // An intent whose nonce is still unused here came to nothing.
  const unused = record.intent !== undefined && slot.rare?.nonces?.has(record.intent.nonce) === true
  const before = unused ? withdraw(record.intent) : record.intent
  const { afterCrash = 'stop' } = slot.subject.source.exclusive ?? {}
  const { earliest, latest } = context.server.interval()
  // It would be spent at the latest when the lease ends.
  const spentBy = latest + leaseLength(context.policy)
  const known = slot.rare?.uncommitted?.spent === spending
  if (!known && !maySpend(before, spending, { afterCrash, latest: spentBy })) {
    const what = { kind: 'refused', code: SIGN_IN, retryAfter: undefined, nothingDone: true } as const
    const secretFingerprint = await secretFingerprintOf(context, slot)
    const failure = nextFailure(context, undefined, { what, secretFingerprint })
    throw rememberFailure(context, slot, { failure, secretFingerprint })
  }
  return intend(before, { nonce, fingerprint: spending, at: Math.floor(earliest) })
}
