import type { Entry } from '../../contracts.ts'
import { StoreError, TimeoutError } from '../../errors.ts'
import { sleep } from '../../lib/timing.ts'
import type { WarmRecord } from '../../record/record.ts'
import type { Flight } from '../context.ts'
import { decide, type Situation } from '../decide.ts'
import { isAlive, reachableLifetime, usableEntry } from '../time/expiry.ts'
import { jitterOf } from '../time/freshness.ts'
import { backoffDelay, lookDelay, usualTime } from '../time/looks.ts'
import { heldLease, ownLease, tryAcquire, WEDGED } from './acquire.ts'
import { secretFingerprintOf } from './call-source.ts'
import { budgetFreeAtOf, coolDownError, holdStale, noteBudget, pauseStore, retryDelay } from './cool-down.ts'
import { fetchExclusive } from './fetch-exclusive.ts'
import { fetchShared } from './fetch-shared.ts'
import { UNCOMMITTED } from './publish.ts'
import { checkReadable, readRecord, type Snapshot, UNREADABLE } from './record-io.ts'
import { noteRejectPause, refusedIn } from './refusals.ts'
import { openPublished, placeFound, withOpened, writeFile } from './sealing.ts'
import { withoutStore } from './without-store.ts'

/** More rounds than any call can need within its time: a bound, not a schedule. */
const MAX_ROUNDS = 200
/** With less time than this left, in ms, a lease is not worth asking for. */
const MIN_LEASE = 600
/** The same for an exclusive source, which is always given more time. */
const MIN_EXCLUSIVE_LEASE = 2_500
/** How many looks of a young wait need not be consistent. */
const YOUNG_LOOKS = 8
/** How many looks in a row may fail before the store counts as down. */
const MAX_FAILED_LOOKS = 4
/** Over how long the environments that saw a lease end are spread, in ms. */
const TAKE_OVER_SPREAD = 300
/** How far the instants are apart at which the refreshes of a batch poll, in ms. */
const BATCH_ROUND = 50
/** Codes of errors that say nothing about other keys of the store. */
const OF_ONE_KEY: ReadonlySet<string> = new Set([UNCOMMITTED, UNREADABLE, WEDGED])

/**
 * A `get` beyond memory and file: asks the store, and the source only under a lease. Resolves to a usable entry, which is
 * then in the slot too; rejects with a typed error.
 */
export async function refresh<T>({
  context,
  slot,
  ask,
  awaitedUntil,
  signal,
}: Pick<Flight<T>, 'context' | 'slot' | 'ask' | 'awaitedUntil' | 'signal'>): Promise<Entry<T>> {
  const flight: Flight<T> = {
    context,
    slot,
    ask,
    awaitedUntil,
    signal,
    endsAt: context.clock.fast() + ask.timeout,
    seenLease: undefined,
    polls: 0,
    waitingSince: undefined,
    looksSince: undefined,
    failedSwaps: 0,
    failedLooks: 0,
    look: undefined,
    opened: undefined,
    secretFingerprint: undefined,
  }
  if (context.clock.fast() < context.outage.until) return withoutStore(flight, context.outage.error)
  for (let looked = false; ; looked = true) {
    try {
      return await lookDecideAct(flight)
    } catch (error) {
      if (!(error instanceof StoreError) || OF_ONE_KEY.has(error.code)) throw error
      if (!looked && error.retryable && mayLookAgain(flight)) {
        await sleep(context.runtime, backoffDelay(1, context.runtime.random()), signal)
        continue
      }
      pauseStore(context, error)
      return withoutStore(flight, error)
    }
  }
}

/**
 * Without the store each environment asks for itself, so it looks once more: where its caller has no usable value, and enough
 * time to ask the source without the store after that.
 */
function mayLookAgain<T>({ context, slot, ask, awaitedUntil, signal }: Flight<T>): boolean {
  const { clock, policy } = context
  if (usableEntry(context, slot, { ...ask, minLifetime: 0 }) !== undefined) return false
  return !signal.aborted && awaitedUntil - clock.fast() >= 2 * policy.storeTimeout + policy.sourceTimeout
}

/** The loop: looks at the record, decides, and acts, until there is a value or the time is over. */
async function lookDecideAct<T>(flight: Flight<T>): Promise<Entry<T>> {
  const { context, slot, signal } = flight
  const { key } = slot
  const exclusive = slot.subject.source.exclusive !== undefined
  const fetchUnderLease = exclusive ? fetchExclusive : fetchShared
  const minLease = exclusive ? MIN_EXCLUSIVE_LEASE : MIN_LEASE
  let snapshot = await readRecord(context, slot, { consistent: needsConsistent(flight), signal })
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const situation = await assess(flight, snapshot)
    snapshot = { ...snapshot, record: situation.record }
    const decision = decide(situation)
    if (decision === 'use' || decision === 'use-stale') return serve(flight, snapshot, decision === 'use-stale')
    if (round === 0) context.emit({ type: 'miss', key, tier: 'store' })
    if (decision === 'fail') {
      snapshot = await waitForSource(flight, snapshot)
      continue
    }
    if (exclusive) checkReadable(context, key, snapshot)
    const left = flight.endsAt - context.clock.fast()
    const held = decision === 'adopt' ? heldLease(flight, snapshot) : undefined
    if (held !== undefined) {
      context.emit({ type: 'acquire', key, epoch: snapshot.record.epoch, takeOver: false, adopted: true })
      const entry = await fetchUnderLease(flight, held)
      if (entry !== undefined) return entry
    }
    if (signal.aborted || left <= 0) return serveLastResort(flight, snapshot, situation)
    if (decision === 'wait' || left < minLease) {
      snapshot = await waitAndLook(flight, snapshot, left)
      continue
    }
    placeStale(flight, situation)
    const acquired = await tryAcquire(flight, snapshot, decision === 'take-over')
    if (acquired.outcome === 'seen') {
      snapshot = acquired.snapshot
      continue
    }
    const entry = acquired.outcome === 'acquired' ? await fetchUnderLease(flight, acquired.held) : undefined
    if (entry !== undefined) return entry
    const seen = acquired.outcome === 'acquired' ? acquired.held : snapshot
    snapshot = await waitAndLook(flight, seen, acquired.outcome === 'acquired' ? left : acquired.left)
  }
  throw new TimeoutError(`no value for ${key}: too many rounds`, { key })
}

/** Seen through a stale read, a refused value looks good, and a refresh chain that goes on looks broken. */
function needsConsistent<T>({ ask, slot }: Flight<T>): boolean {
  return ask.rejected !== undefined || slot.subject.source.exclusive !== undefined
}

/** Collects what the decision depends on. Opens the published value: one that cannot be opened is no value. */
async function assess<T>(flight: Flight<T>, snapshot: Snapshot): Promise<Situation> {
  const { context, slot, ask } = flight
  const { value: sealed, lease, failure } = snapshot.record
  const { guard, source } = slot.subject
  // What a swap has shown is later than the last look: to count from that look is safe.
  flight.look = snapshot.look ?? flight.look
  const entry = sealed && (await openPublished(flight, sealed))
  const record = withOpened(snapshot.record, entry)
  const { value } = record
  const { look, signal, endsAt } = flight
  if (look !== undefined) await guard?.prepare(slot, entry, { ...look, signal, endsAt })
  const judgement = entry && guard?.judge(slot, entry, ask)
  if (failure?.kind === 'refused' && flight.secretFingerprint === undefined) {
    flight.secretFingerprint = await secretFingerprintOf(context, slot)
  }
  if (lease !== undefined && flight.seenLease?.nonce !== lease.nonce) {
    flight.seenLease = { nonce: lease.nonce, at: context.clock.slow() }
  }
  if (record.budget !== undefined) noteBudget(slot, record.budget)
  noteRejectPause(context, slot, record)
  const isUnusable = value !== undefined && (entry === undefined || judgement === 'dead')
  return {
    record,
    ...context.server.interval(),
    leaseSeenFor: flight.seenLease === undefined ? 0 : context.clock.slow() - flight.seenLease.at,
    own: ownLease(context, slot, lease),
    need: value === undefined ? 0 : Math.min(ask.minLifetime, reachableLifetime(value, source.traits)),
    jitter: value === undefined ? 0 : jitterOf(value, context.jitter),
    rejected: isUnusable ? value.fingerprint : refusedIn(flight, record),
    outdated: judgement === 'stale',
    secretFingerprint: flight.secretFingerprint,
    budgetFreeAt: budgetFreeAtOf(slot),
  }
}

/** Serves the published value, and places it in memory and in the file. */
async function serve<T>(flight: Flight<T>, { record }: Snapshot, stale: boolean): Promise<Entry<T>> {
  const { context, slot, waitingSince } = flight
  const { clock, server } = context
  const { key } = slot
  const entry = flight.opened?.entry
  if (entry === undefined) throw new TimeoutError(`the value of ${key} could not be opened`, { key })
  placeFound(context, slot, entry)
  if (stale) holdStale(context, slot, record)
  await writeFile(context, slot, { server, sealed: record.value?.sealed })
  const remaining = Math.max(0, slot.usableUntil - clock.fast())
  const waited = waitingSince === undefined ? undefined : Math.round(clock.fast() - waitingSince)
  context.emit({ type: 'hit', key, tier: 'store', stale, remaining, ...(waited !== undefined && { waited }) })
  return entry
}

/** The time is over. A value that is alive but has less lifetime than asked for is better than none. */
function serveLastResort<T>(flight: Flight<T>, snapshot: Snapshot, situation: Situation): Promise<Entry<T>> {
  if (isAlive(situation)) return serve(flight, snapshot, true)
  const { key } = flight.slot
  const why = snapshot.record.lease === undefined ? 'too little time to fetch it' : 'another environment is fetching it'
  throw new TimeoutError(`no value for ${key} within ${Math.round(flight.ask.timeout)} ms: ${why}`, { key })
}

/** Places a stale value before the lease is asked for: if the store fails now, that value is what there is. */
function placeStale<T>({ context, slot, opened }: Flight<T>, situation: Situation): void {
  const entry = opened?.entry
  if (entry === undefined || !isAlive(situation) || (slot.entry?.version ?? 0) >= entry.version) return
  placeFound(context, slot, entry)
}

/** The source must not be asked now. Waits where it may be asked again soon, else throws the failure on record. */
async function waitForSource<T>(flight: Flight<T>, { record }: Snapshot): Promise<Snapshot> {
  const { context, slot, signal } = flight
  const delay = retryDelay(flight, record)
  // Remembered, so that callers with less time are told.
  const error = coolDownError(flight, record)
  if (delay === undefined || signal.aborted) throw error
  await sleep(context.runtime, delay, signal)
  return readRecord(context, slot, { consistent: true, signal })
}

/** Sleeps, then looks at the record again. Only reads: a waiting environment never swaps. */
async function waitAndLook<T>(flight: Flight<T>, seen: Snapshot, left: number): Promise<Snapshot> {
  const { context, slot, signal } = flight
  const { record } = seen
  if (ownLease(context, slot, record.lease) === 'no' && record.lease !== undefined) {
    flight.waitingSince ??= context.clock.fast()
    context.emit({ type: 'wait', key: slot.key, epoch: record.epoch, polls: flight.polls })
  }
  await sleep(context.runtime, Math.min(left, delayBeforeLook(flight, record)), signal)
  const isYoung = flight.polls < YOUNG_LOOKS
  flight.polls += 1
  try {
    // Young looks are many, and a read that need not be consistent costs the key and the user half as much.
    const consistent = !isYoung || needsConsistent(flight)
    const snapshot = await readRecord(context, slot, { consistent, signal, attempts: 1 })
    flight.failedLooks = 0
    return snapshot
  } catch (error) {
    // Another environment has the lease: a store that throttles is given time, and the source is left to that one.
    flight.failedLooks += 1
    const isPassing = error instanceof StoreError && error.retryable && flight.failedLooks < MAX_FAILED_LOOKS
    if (!isPassing || signal.aborted) throw error
    return seen
  }
}

/** No longer than the lease lasts, so that a vanished holder is noticed soon. Spread, since every environment sees it end at once. */
function delayBeforeLook<T>(flight: Flight<T>, record: WarmRecord): number {
  const { context, seenLease, polls, failedLooks: failed } = flight
  const { lease } = record
  const random = context.runtime.random()
  flight.looksSince ??= context.clock.fast()
  const waited = context.clock.fast() - flight.looksSince
  const inRounds = (ms: number): number => (flight.ask.isBatch ? roundEnd(context.clock.fast(), ms) : ms)
  const delay = lookDelay({ polls, waited, expected: usualTime(record), failed, random })
  if (lease === undefined || seenLease === undefined) return inRounds(delay)
  const left = lease.length - (context.clock.slow() - seenLease.at)
  return inRounds(left <= 0 ? delay : Math.min(delay, left + TAKE_OVER_SPREAD * random))
}

/** How long until the first common instant of a batch that is at least so many ms away. */
function roundEnd(now: number, ms: number): number {
  return Math.ceil((now + ms) / BATCH_ROUND) * BATCH_ROUND - now
}
