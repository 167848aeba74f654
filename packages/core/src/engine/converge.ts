import type { Entry } from '../contracts.ts'
import { SourceUnavailableError, StoreError, TimeoutError } from '../errors.ts'
import type { Lease } from '../record.ts'
import { pollDelay } from './backoff.ts'
import { sleep } from './deadline.ts'
import { decide, isAlive, type Situation } from './decide.ts'
import { rememberFailure, secretOf } from './failure.ts'
import { fetchAlone, fetchUnderLease, type Held, isWorthwhile } from './fetch.ts'
import { keep, remaining } from './keep.ts'
import { leaseLength, reachableLife } from './lease.ts'
import { earlyBy } from './policy.ts'
import { openEntry, writeFile } from './rest.ts'
import { readRecord, type Sight, swapRecord } from './store-calls.ts'
import type { Ask, Parts, Slot } from './subject.ts'
import { acquire } from './transitions.ts'

/** More rounds than any call can need within its time; a bound, not a schedule. */
const MAX_ROUNDS = 200
/** How many acquires may fail outright, one after the other, before the store counts as down. */
const MAX_FAILED_SWAPS = 3
/** How many unanswered acquires are remembered. */
const MAX_NONCES = 32
/** With less time than this left, in ms, a lease is not worth asking for. */
const MIN_LEASE = 1_500
/** How long a stale value is used without another look while somebody else refreshes it, in ms. */
const HOLD = 1_000
/** How long the store is left alone after it failed to answer, in ms. */
const STORE_PAUSE = 2_000

/** What one flight knows and has done. */
interface Flight<T> {
  readonly parts: Parts
  readonly slot: Slot<T>
  readonly ask: Ask
  readonly signal: AbortSignal
  /** `clock.fast()` at which the flight must be over. */
  readonly endsAt: number
  /** The lease that is in the way, and `clock.slow()` at its first sight. */
  seen: { readonly nonce: string; readonly at: number } | undefined
  polls: number
  failedSwaps: number
  /** The last published value that was opened. */
  opened: { readonly sealed: string; readonly entry: Entry<T> | undefined } | undefined
  /** The secret's fingerprint, asked for only where a refusal is on record. */
  secret: string | undefined
}

/**
 * The way of a `get` beyond memory and file: the store, and the source only under a lease. Resolves to a usable entry, which
 * is then in the slot too; rejects with a typed error.
 */
export const converge = async <T>(parts: Parts, slot: Slot<T>, ask: Ask, signal: AbortSignal): Promise<Entry<T>> => {
  const flight: Flight<T> = {
    parts,
    slot,
    ask,
    signal,
    endsAt: parts.clock.fast() + ask.timeout,
    seen: undefined,
    polls: 0,
    failedSwaps: 0,
    opened: undefined,
    secret: undefined,
  }
  if (parts.clock.fast() < parts.storeDownUntil) return withoutStore(flight, undefined)
  try {
    return await rounds(flight)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    parts.storeDownUntil = parts.clock.fast() + STORE_PAUSE
    return withoutStore(flight, error)
  }
}

/** The store cannot be used: a living value is served, otherwise this environment goes on alone. */
const withoutStore = async <T>(flight: Flight<T>, cause: StoreError | undefined): Promise<Entry<T>> => {
  const { parts, slot, ask, signal } = flight
  const usable = usableEntry(parts, slot, { ...ask, minLife: 0 })
  // A wrong set-up must be seen, not papered over by a fetch per environment.
  if (usable === undefined && cause !== undefined && !cause.retryable) throw cause
  if (usable === undefined) return fetchAlone(parts, slot, ask, signal)
  slot.holdUntil = parts.storeDownUntil
  return usable
}

const rounds = async <T>(flight: Flight<T>): Promise<Entry<T>> => {
  const { parts, slot, ask, signal } = flight
  const { key } = slot.subject
  let sight = await readRecord(parts, key, { consistent: ask.rejected !== undefined, signal })
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const situation = await assess(flight, sight)
    const decision = decide(situation)
    if (decision === 'use' || decision === 'use-stale') return useStored(flight, sight, decision === 'use-stale')
    if (round === 0) parts.emit({ type: 'miss', key, tier: 'store' })
    if (decision === 'fail') throw coolDownError(flight, sight)
    const left = flight.endsAt - parts.clock.fast()
    if (decision === 'adopt') {
      const held = heldLease(flight, sight)
      if (held !== undefined)
        parts.emit({ type: 'acquire', key, epoch: sight.record.epoch, takeOver: false, adopted: true })
      const entry = held && (await fetchUnderLease(parts, slot, ask, held))
      if (entry !== undefined) return entry
    }
    if (signal.aborted || left <= 0) return lastResort(flight, sight, situation)
    if (decision === 'wait' || left < MIN_LEASE) sight = await waitAndLook(flight, sight, left)
    else {
      keepAlive(flight, situation)
      const next = await tryAcquire(flight, sight, decision === 'take-over')
      const entry = 'lease' in next ? await fetchUnderLease(parts, slot, ask, next) : undefined
      if (entry !== undefined) return entry
      sight = next
    }
  }
  throw new TimeoutError(`no value for ${key}: too many rounds`, { key })
}

/** Time is over. A value that is alive but has less life than asked for is still better than none. */
const lastResort = <T>(flight: Flight<T>, sight: Sight, situation: Situation): Promise<Entry<T>> | Entry<T> => {
  if (isAlive(situation)) return useStored(flight, sight, true)
  const { key } = flight.slot.subject
  throw new TimeoutError(`no value for ${key} within ${flight.ask.timeout} ms: another environment is fetching it`, {
    key,
  })
}

/** Gathers what the decision rests on; opens the published value, for one that cannot be opened is no value. */
const assess = async <T>(flight: Flight<T>, { record }: Sight): Promise<Situation> => {
  const { parts, slot, ask } = flight
  const { value, lease, failure } = record
  if (value !== undefined && flight.opened?.sealed !== value.sealed) {
    flight.opened = { sealed: value.sealed, entry: await openEntry(parts, slot, value) }
  }
  if (failure?.kind === 'refused' && flight.secret === undefined) {
    flight.secret = await secretOf(parts, slot)
  }
  if (lease !== undefined && flight.seen?.nonce !== lease.nonce) {
    flight.seen = { nonce: lease.nonce, at: parts.clock.slow() }
  }
  const unreadable = value !== undefined && flight.opened?.entry === undefined
  return {
    record,
    earliest: parts.server.earliest() ?? 0,
    latest: parts.server.latest() ?? 0,
    leaseSeenFor: flight.seen === undefined ? 0 : parts.clock.slow() - flight.seen.at,
    own: ownLease(parts, slot, lease),
    need: value === undefined ? 0 : Math.min(ask.minLife, reachableLife(value, slot.subject.traits)),
    early: value === undefined ? 0 : earlyBy(value, parts.share),
    rejected: unreadable ? value.fingerprint : ask.rejected,
    secret: flight.secret,
  }
}

/** A stale value that is alive is kept before the lease is asked for: should the store fail now, it is what there is. */
const keepAlive = <T>({ parts, slot, opened }: Flight<T>, situation: Situation): void => {
  const entry = opened?.entry
  if (entry === undefined || !isAlive(situation) || (slot.entry?.version ?? 0) >= entry.version) return
  keep(parts, slot, { entry, tier: 'store', server: parts.server })
}

/** Whether the lease came of an acquire of this environment's that no fetch has used yet. */
const ownLease = (parts: Parts, slot: Slot<unknown>, lease: Lease | undefined): Situation['own'] => {
  const sentAt = lease && slot.nonces?.get(lease.nonce)
  if (lease === undefined || sentAt === undefined) return 'no'
  return isWorthwhile(parts, lease, sentAt) ? 'usable' : 'spent'
}

/** Keeps the published value and hands it out. */
const useStored = async <T>(flight: Flight<T>, { record }: Sight, stale: boolean): Promise<Entry<T>> => {
  const { parts, slot } = flight
  const { key } = slot.subject
  const entry = flight.opened?.entry
  if (entry === undefined) throw new TimeoutError(`the value of ${key} could not be opened`, { key })
  keep(parts, slot, { entry, tier: 'store', server: parts.server })
  if (stale) {
    const pause =
      record.failure === undefined ? HOLD : Math.max(HOLD, record.failure.notBefore - (parts.server.earliest() ?? 0))
    slot.holdUntil = parts.clock.fast() + pause
  }
  await writeFile(parts, slot, parts.server, record.value?.sealed)
  parts.emit({ type: 'hit', key, tier: 'store', stale, remaining: remaining(parts, slot) })
  return entry
}

/** The error of a failure that the fleet obeys. It is kept, so that the next calls ask nobody. */
const coolDownError = <T>({ parts, slot, secret }: Flight<T>, { record }: Sight): Error => {
  const { failure } = record
  if (failure === undefined) return new SourceUnavailableError(`no value for ${slot.subject.key}`)
  return rememberFailure(parts, slot, failure, secret)
}

/** The lease in the record is one that this flight asked for, although the answer was lost. */
const heldLease = <T>(flight: Flight<T>, sight: Sight): Held | undefined => {
  const { lease } = sight.record
  const sentAt = lease && flight.slot.nonces?.get(lease.nonce)
  return lease === undefined || sentAt === undefined
    ? undefined
    : { ...sight, lease, sentAt, endsAt: flight.endsAt, signal: flight.signal }
}

/** Sleeps, then looks at the value again: never by swapping. */
const waitAndLook = async <T>(flight: Flight<T>, { record }: Sight, left: number): Promise<Sight> => {
  const { parts, slot, signal } = flight
  const { key } = slot.subject
  if (ownLease(parts, slot, record.lease) === 'no' && record.lease !== undefined)
    parts.emit({ type: 'wait', key, epoch: record.epoch, polls: flight.polls })
  await sleep(parts.runtime, Math.min(left, pollDelay(flight.polls, parts.runtime.random())), signal)
  flight.polls += 1
  return readRecord(parts, key, { consistent: true, signal })
}

/** One attempt at the lease, bound to the very record that was seen. */
const tryAcquire = async <T>(flight: Flight<T>, sight: Sight, takeOver: boolean): Promise<Sight | Held> => {
  const { parts, slot, ask, signal } = flight
  const { key } = slot.subject
  const refused = (error: unknown): undefined => {
    flight.failedSwaps += 1
    const isPassing = error instanceof StoreError && error.retryable
    if (!isPassing || flight.failedSwaps >= MAX_FAILED_SWAPS) throw error
  }
  const nonce = parts.runtime.unique()
  const sentAt = parts.clock.fast()
  slot.nonces ??= new Map()
  if (slot.nonces.size >= MAX_NONCES) slot.nonces.clear()
  slot.nonces.set(nonce, sentAt)
  const length = Math.min(leaseLength(parts.policy), flight.endsAt - sentAt)
  const now = Math.ceil(parts.server.latest() ?? 0)
  const record = acquire(sight.record, { nonce, now, length, rejected: ask.rejected })
  const result = await swapRecord(parts, record, { expected: sight.image, tag: parts.runtime.unique(), signal }).catch(
    refused,
  )
  // A store that answers reads but takes no writes is throttling: to go on alone now would only move the stampede.
  if (result === undefined) return waitAndLook(flight, sight, flight.endsAt - sentAt)
  if (result.outcome === 'conflict') {
    slot.nonces.delete(nonce)
    return result.sight
  }
  if (result.outcome === 'unknown') return readRecord(parts, key, { consistent: true, signal })
  parts.emit({ type: 'acquire', key, epoch: record.epoch, takeOver, adopted: false })
  const lease: Lease = { nonce, acquiredAt: now, length }
  return { image: result.image, record, lease, sentAt, endsAt: flight.endsAt, signal }
}

/** The slot's entry, if it has the life asked for and is not the refused one. */
export const usableEntry = <T>(parts: Parts, slot: Slot<T>, ask: Ask): Entry<T> | undefined => {
  const { entry } = slot
  if (entry === undefined || entry.fingerprint === ask.rejected || entry.fingerprint === slot.rejected) return undefined
  const need = ask.minLife === 0 ? 0 : Math.min(ask.minLife, reachableLife(entry, slot.subject.traits))
  return parts.clock.fast() + need < slot.usableUntil ? entry : undefined
}

/** For the engine: the failure in the slot, if it still holds for the secret in use. */
export const coolingError = async (parts: Parts, slot: Slot<unknown>): Promise<Error | undefined> => {
  const { cooling } = slot
  if (cooling === undefined || parts.clock.fast() >= cooling.until) return undefined
  if (cooling.secret !== undefined && (await secretOf(parts, slot)) !== cooling.secret) return undefined
  return cooling.error()
}
