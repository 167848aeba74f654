import type { Entry } from '../../contracts.ts'
import { SourceUnavailableError, StoreError, TimeoutError } from '../../errors.ts'
import type { Ask, Parts, Slot } from '../context.ts'
import { decide, isAlive, type Situation } from '../decide.ts'
import { asideOf, hasRefused } from '../slot.ts'
import { earlyBy } from '../time/jitter.ts'
import { keep } from '../time/keep.ts'
import { reachableLife } from '../time/lease-length.ts'
import { budgetFreeAt } from '../time/mint-budget.ts'
import { tryAcquire } from './acquire.ts'
import { refuseByBudget, rememberFailure, secretOf } from './cool-down.ts'
import { fetchUnderLease, UNCOMMITTED } from './fetch.ts'
import { type Flight, heldLease, ownLease, waitAndLook } from './flight.ts'
import { readRecord, type Sight } from './record-io.ts'
import { openEntry, remaining, writeFile } from './sealing.ts'
import { withoutStore } from './without-store.ts'

/** More rounds than any call can need within its time; a bound, not a schedule. */
const MAX_ROUNDS = 200
/** With less time than this left, in ms, a lease is not worth asking for. */
const MIN_LEASE = 600
/** The same for a source that is given more time at least. */
const MIN_EXCLUSIVE_LEASE = 2_500
/** How long a stale value is used without another look while somebody else refreshes it, in ms. */
const HOLD = 1_000
/** How long a secret that could not be read is not read again, in ms. */
const SECRET_PAUSE = 1_000
/** How long the store is left alone after it failed to answer, in ms. */
const STORE_PAUSE = 2_000

/**
 * The way of a `get` beyond memory and file: the store, and the source only under a lease. Resolves to a usable entry, which
 * is then in the slot too; rejects with a typed error.
 */
export async function converge<T>(parts: Parts, slot: Slot<T>, ask: Ask, signal: AbortSignal): Promise<Entry<T>> {
  const flight: Flight<T> = {
    parts,
    slot,
    ask,
    signal,
    endsAt: parts.clock.fast() + ask.timeout,
    seen: undefined,
    polls: 0,
    waitingSince: undefined,
    failedSwaps: 0,
    opened: undefined,
    secret: undefined,
  }
  if (parts.clock.fast() < parts.storeDownUntil) return withoutStore(flight, parts.storeFault)
  try {
    return await rounds(flight)
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === UNCOMMITTED) throw error
    parts.storeDownUntil = parts.clock.fast() + STORE_PAUSE
    parts.storeFault = error
    return withoutStore(flight, error)
  }
}

async function rounds<T>(flight: Flight<T>): Promise<Entry<T>> {
  const { parts, slot, ask, signal } = flight
  const { key } = slot
  const { exclusive } = slot.subject.source
  const minLease = exclusive === undefined ? MIN_LEASE : MIN_EXCLUSIVE_LEASE
  // On a stale image a chain that goes on looks broken.
  const consistent = ask.rejected !== undefined || exclusive !== undefined
  let sight = await readRecord(parts, key, { consistent, signal })
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
    if (decision === 'wait' || left < minLease) sight = await waitAndLook(flight, sight, left)
    else {
      keepAlive(flight, situation)
      const next = await tryAcquire(flight, sight, decision === 'take-over')
      const entry = 'lease' in next ? await fetchUnderLease(parts, slot, ask, next) : undefined
      if (entry !== undefined) return entry
      sight = 'lease' in next ? await waitAndLook(flight, next, left) : next
    }
  }
  throw new TimeoutError(`no value for ${key}: too many rounds`, { key })
}

/** Time is over. A value that is alive but has less life than asked for is still better than none. */
function lastResort<T>(flight: Flight<T>, sight: Sight, situation: Situation): Promise<Entry<T>> | Entry<T> {
  if (isAlive(situation)) return useStored(flight, sight, true)
  const { key } = flight.slot
  const why = sight.record.lease === undefined ? 'too little time to fetch it' : 'another environment is fetching it'
  throw new TimeoutError(`no value for ${key} within ${Math.round(flight.ask.timeout)} ms: ${why}`, { key })
}

/** Gathers what the decision rests on; opens the published value, for one that cannot be opened is no value. */
async function assess<T>(flight: Flight<T>, { record }: Sight): Promise<Situation> {
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
  const unwanted = value !== undefined && (unreadable || hasRefused(slot, value.fingerprint))
  const { mintBudget } = slot.subject.source.traits ?? {}
  if (record.budget !== undefined) noteBudget(slot, record.budget)
  return {
    record,
    earliest: parts.server.earliest() ?? 0,
    latest: parts.server.latest() ?? 0,
    leaseSeenFor: flight.seen === undefined ? 0 : parts.clock.slow() - flight.seen.at,
    own: ownLease(parts, slot, lease),
    need: value === undefined ? 0 : Math.min(ask.minLifetime, reachableLife(value, slot.subject.source.traits)),
    early: value === undefined ? 0 : earlyBy(value, parts.share),
    rejected: unwanted ? value.fingerprint : ask.rejected,
    secret: flight.secret,
    budgetFreeAt: budgetFreeAt(slot.aside?.booked, mintBudget),
  }
}

/** Another environment may have booked more than this one knew of. */
function noteBudget(slot: Slot<unknown>, budget: number): void {
  const aside = asideOf(slot)
  aside.booked = Math.max(aside.booked ?? 0, budget) || undefined
}

/** A stale value that is alive is kept before the lease is asked for: should the store fail now, it is what there is. */
function keepAlive<T>({ parts, slot, opened }: Flight<T>, situation: Situation): void {
  const entry = opened?.entry
  if (entry === undefined || !isAlive(situation) || (slot.entry?.version ?? 0) >= entry.version) return
  keep(parts, slot, { entry, tier: 'store', server: parts.server })
}

/** Keeps the published value and hands it out. */
async function useStored<T>(flight: Flight<T>, { record }: Sight, stale: boolean): Promise<Entry<T>> {
  const { parts, slot } = flight
  const { key } = slot
  const entry = flight.opened?.entry
  if (entry === undefined) throw new TimeoutError(`the value of ${key} could not be opened`, { key })
  keep(parts, slot, { entry, tier: 'store', server: parts.server })
  if (stale) {
    const freeAt = budgetFreeAt(record.budget, slot.subject.source.traits?.mintBudget)
    const until = Math.max(record.failure?.notBefore ?? 0, freeAt)
    const pause = Math.max(HOLD, until - (parts.server.earliest() ?? 0))
    asideOf(slot).hold = { until: parts.clock.fast() + pause }
  }
  await writeFile(parts, slot, parts.server, record.value?.sealed)
  const waited = flight.waitingSince === undefined ? undefined : Math.round(parts.clock.fast() - flight.waitingSince)
  const lifetime = { stale, remaining: remaining(parts, slot) }
  parts.emit({ type: 'hit', key, tier: 'store', ...lifetime, ...(waited !== undefined && { waited }) })
  return entry
}

/** The error of a failure that the fleet obeys. It is kept, so that the next calls ask nobody. */
function coolDownError<T>({ parts, slot, secret }: Flight<T>, { record }: Sight): Error {
  const { failure } = record
  const freeAt = budgetFreeAt(slot.aside?.booked, slot.subject.source.traits?.mintBudget)
  if (freeAt > (failure?.notBefore ?? 0)) return refuseByBudget(parts, slot, freeAt)
  if (failure === undefined) return new SourceUnavailableError(`no value for ${slot.key}`)
  return rememberFailure(parts, slot, failure, secret)
}

/** For the engine: the failure in the slot, if it still holds for the secret in use. */
export async function coolingError(parts: Parts, slot: Slot<unknown>): Promise<Error | undefined> {
  const cooling = slot.aside?.hold?.cooling
  if (cooling === undefined || parts.clock.fast() >= cooling.until) return undefined
  if (cooling.secret !== undefined && parts.clock.fast() >= cooling.askAgainAt) {
    const secret = await secretOf(parts, slot)
    if (secret !== undefined && secret !== '' && secret !== cooling.secret) return undefined
    if (secret !== cooling.secret) cooling.askAgainAt = parts.clock.fast() + SECRET_PAUSE
  }
  return cooling.error()
}
