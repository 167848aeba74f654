import type { Entry, Issued } from '../contracts.ts'
import { SameValueError, SourceUnavailableError, type WarmTokenError } from '../errors.ts'
import type { Lease, Refresh, WarmRecord } from '../record.ts'
import { createServerClock, DRIFT_TOLERANCE } from './clock.ts'
import { within } from './deadline.ts'
import { classify, nextFailure, rememberFailure, secretOf } from './failure.ts'
import { keep } from './keep.ts'
import { commitReserve, windowOf } from './lease.ts'
import { openEntry, seal, writeFile } from './rest.ts'
import { readRecord, type Sight, swapRecord } from './store-calls.ts'
import type { Ask, Parts, Slot } from './subject.ts'
import { fail, publish, release } from './transitions.ts'

/** How often a publish is tried. Each try that got an answer has either landed or met a newer record. */
const PUBLISH_ATTEMPTS = 6
/** With less time than this left of the lease, in ms, the source is not asked. */
const MIN_FETCH = 250
/** The code of a source that did not answer in time. */
const TIMED_OUT = 'SOURCE_TIMEOUT'
/** The longest life that is believed, in ms: ten years. */
const MAX_LIFE = 10 * 365 * 86_400_000

/** A lease that is this flight's own. */
export interface Held extends Sight {
  readonly lease: Lease
  /** `clock.fast()` from before the acquire was sent: the lease is counted from there. */
  readonly sentAt: number
  /** `clock.fast()` at which the flight must be over. */
  readonly endsAt: number
  readonly signal: AbortSignal
}

/** This environment's mark in the ring of refreshes. Made late: random marks load Node's crypto module. */
const environmentOf = (parts: Parts): string => {
  parts.environment ??= parts.runtime.unique().slice(0, 8)
  return parts.environment
}

/** How long the source may take under a lease asked for when `clock.fast()` was `sentAt`, in ms. The rest is for the publish. */
const timeToFetch = (parts: Parts, lease: Lease, sentAt: number): number =>
  Math.min(parts.policy.sourceTimeout, lease.length - (parts.clock.fast() - sentAt) - commitReserve(parts.policy))

/** Whether enough of a lease is left to ask the source under it. */
export const isWorthwhile = (parts: Parts, lease: Lease, sentAt: number): boolean =>
  timeToFetch(parts, lease, sentAt) >= Math.min(MIN_FETCH, parts.policy.sourceTimeout)

/** Asks the source once and publishes what it gives. */
export const fetchUnderLease = async <T>(
  parts: Parts,
  slot: Slot<T>,
  ask: Ask,
  held: Held,
): Promise<Entry<T> | undefined> => {
  if (!isWorthwhile(parts, held.lease, held.sentAt)) return undefined
  const time = timeToFetch(parts, held.lease, held.sentAt)
  // Whatever comes of it, this nonce never asks the source again.
  slot.nonces?.delete(held.lease.nonce)
  const fetched = await callSource(parts, slot, ask, { time, nonce: held.lease.nonce, signal: held.signal })
  if (fetched.outcome === 'failed') {
    // A source that was not given its full time is not to blame: the next one who has more time may try at once.
    const curtailed = fetched.what.code === TIMED_OUT && (held.signal.aborted || time < parts.policy.sourceTimeout)
    if (!curtailed) return recordFailure(parts, slot, held, fetched)
    await writeBack(parts, held, release)
    throw fetched.error
  }
  const { issued, took, before } = fetched
  const entry = makeEntry(parts, slot, issued, before.earliest)
  const sealed = await seal(parts, slot, issued.value)
  const published = sealed === undefined ? undefined : await publishEntry(parts, held, { entry, sealed, took })
  if (published?.outcome === 'fenced') return afterFence(parts, slot, { held, entry, newer: published.sight })
  const version = published?.outcome === 'published' ? published.version : 0
  keep(parts, slot, { entry: { ...entry, version }, tier: 'source', server: parts.server })
  if (sealed !== undefined) await writeFile(parts, slot, parts.server, sealed)
  return slot.entry ?? entry
}

/** The store cannot be used: single flight and the cool-down of this environment are all that holds it back. */
export const fetchAlone = async <T>(parts: Parts, slot: Slot<T>, ask: Ask, signal: AbortSignal): Promise<Entry<T>> => {
  const server = parts.server.latest() === undefined ? wallServer(parts) : parts.server
  const time = Math.min(parts.policy.sourceTimeout, ask.timeout)
  const before = { earliest: server.earliest() ?? 0 }
  const fetched = await callSource(parts, slot, ask, { time, nonce: parts.runtime.unique(), signal, alone: true })
  if (fetched.outcome === 'failed') {
    const failure = nextFailure(parts, undefined, fetched.what, fetched.secret)
    throw rememberFailure(parts, slot, failure, fetched.secret, fetched.error)
  }
  const entry = makeEntry(parts, slot, fetched.issued, before.earliest)
  keep(parts, slot, { entry, tier: 'source', server })
  await writeFile(parts, slot, server)
  return entry
}

/** This machine's wall clock in the place of a server that has not been heard yet. Good for durations only. */
const wallServer = (parts: Parts): ReturnType<typeof createServerClock> => {
  const server = createServerClock(parts.clock)
  const wall = parts.runtime.wall()
  server.adopt(wall, wall)
  return server
}

type Fetched<T> =
  | {
      readonly outcome: 'ok'
      readonly issued: Issued<T>
      readonly took: number
      readonly before: { readonly earliest: number }
    }
  | Failed

interface Failed {
  readonly outcome: 'failed'
  readonly error: WarmTokenError | unknown
  readonly what: ReturnType<typeof classify>
  readonly secret: string | undefined
  readonly took: number
}

const callSource = async <T>(
  parts: Parts,
  slot: Slot<T>,
  ask: Ask,
  call: { time: number; nonce: string; signal: AbortSignal; alone?: boolean },
): Promise<Fetched<T>> => {
  const { subject } = slot
  const { nonce, time, alone = false } = call
  const startedAt = parts.clock.fast()
  const before = { earliest: parts.server.earliest() ?? 0 }
  const result = await within(parts.runtime, time, call.signal, (signal) => subject.fetch({ nonce, signal }))
  const took = Math.round(parts.clock.fast() - startedAt)
  const checked = check(slot, ask, result.outcome === 'done' ? result.value : undefined)
  if (result.outcome === 'done' && checked === undefined) {
    parts.emit({ type: 'fetch', key: subject.key, took, outcome: 'ok', alone })
    return { outcome: 'ok', issued: result.value, took, before }
  }
  const late = new SourceUnavailableError(`the source of ${subject.key} did not answer within ${Math.round(time)} ms`, {
    code: TIMED_OUT,
  })
  const error = result.outcome === 'failed' ? result.cause : (checked ?? late)
  const what = classify(error)
  const secret = what.kind === 'refused' ? await secretOf(parts, slot) : undefined
  parts.emit({ type: 'fetch', key: subject.key, took, outcome: what.kind, alone })
  return { outcome: 'failed', error, what, secret, took }
}

/** What is wrong with an answer: a life that makes no sense, or the very value that the API has refused. */
const check = <T>(slot: Slot<T>, ask: Ask, issued: Issued<T> | undefined): WarmTokenError | undefined => {
  if (issued === undefined) return undefined
  if (!(Number.isFinite(issued.life) && issued.life > 0 && issued.life <= MAX_LIFE)) {
    return new SourceUnavailableError('the source gave a life that is not a positive number of ms', {
      code: 'BAD_LIFE',
    })
  }
  if (ask.rejected !== undefined && slot.subject.fingerprint(issued.value) === ask.rejected) {
    return new SameValueError('the source gave the refused value again')
  }
  return undefined
}

/** The life counts from before the request was sent: whenever the issuer started its clock, it was not earlier. */
const makeEntry = <T>(parts: Parts, slot: Slot<T>, issued: Issued<T>, issuedAt: number): Entry<T> => {
  const hardExpiry = issuedAt + issued.life
  const softExpiry = hardExpiry - windowOf(issued.life, parts.policy, slot.subject.traits)
  return {
    value: issued.value,
    version: 0,
    issuedAt,
    softExpiry,
    hardExpiry,
    fingerprint: slot.subject.fingerprint(issued.value),
  }
}

type Published =
  | { readonly outcome: 'published'; readonly version: number }
  | { readonly outcome: 'fenced'; readonly sight: Sight }
  | { readonly outcome: 'lost' }

/** Publishes under the lease: repeated with the same tag while the answer is unknown, rebased while the lease is ours. */
const publishEntry = async <T>(
  parts: Parts,
  held: Held,
  { entry, sealed, took }: { entry: Entry<T>; sealed: string; took: number },
): Promise<Published> => {
  const { nonce } = held.lease
  const { key } = held.record
  const { value: _value, version: _version, ...life } = entry
  const compose = (on: Sight): WarmRecord => {
    const now = parts.server.latest() ?? 0
    const refresh: Refresh = [Math.floor(now), environmentOf(parts), took, 'ok', entry.fingerprint]
    return publish(on.record, { ...life, sealed, publisher: nonce, now, refresh })
  }
  let sight: Sight = held
  // One tag stands for one text: should the first try have landed, what is told of it must be what is stored.
  let record = compose(sight)
  let tag = parts.runtime.unique()
  for (let attempt = 0; attempt < PUBLISH_ATTEMPTS && parts.clock.fast() < held.endsAt; attempt += 1) {
    const result = await swapOrUnknown(parts, record, sight, tag)
    const current =
      result.outcome === 'conflict'
        ? result.sight
        : result.outcome === 'unknown'
          ? await lookAgain(parts, key)
          : undefined
    if (result.outcome === 'swapped' || current?.record.value?.publisher === nonce) {
      const version = (current?.record ?? record).value?.version ?? 0
      parts.emit({ type: 'publish', key, version })
      return { outcome: 'published', version }
    }
    if (current === undefined) continue
    if (current.image?.tag === sight.image?.tag) continue
    if (current.record.lease?.nonce !== nonce) {
      parts.emit({ type: 'fenced', key, epoch: held.record.epoch })
      return { outcome: 'fenced', sight: current }
    }
    sight = current
    record = compose(sight)
    tag = parts.runtime.unique()
  }
  return { outcome: 'lost' }
}

/** A store that fails now may not have failed for good: a value in hand is worth another try. */
const swapOrUnknown = async (
  parts: Parts,
  record: Parameters<typeof swapRecord>[1],
  sight: Sight,
  tag: string,
): ReturnType<typeof swapRecord> => {
  try {
    return await swapRecord(parts, record, { expected: sight.image, tag, signal: undefined })
  } catch {
    return { outcome: 'unknown' }
  }
}

const lookAgain = async (parts: Parts, key: string): Promise<Sight | undefined> => {
  try {
    return await readRecord(parts, key, { consistent: true, signal: new AbortController().signal })
  } catch {
    return undefined
  }
}

/** The lease was lost: a newer value from the store goes to everybody, one's own to this caller only. */
const afterFence = async <T>(
  parts: Parts,
  slot: Slot<T>,
  { held, entry, newer }: { held: Held; entry: Entry<T>; newer: Sight },
): Promise<Entry<T>> => {
  const { value, rejected } = newer.record
  const isNewer = value !== undefined && value.version > (held.record.value?.version ?? 0) && value.version !== rejected
  if (!isNewer || (parts.server.latest() ?? 0) >= value.hardExpiry) return entry
  const opened = await openEntry(parts, slot, value)
  if (opened === undefined) return entry
  keep(parts, slot, { entry: opened, tier: 'store', server: parts.server })
  return opened
}

/** Records the failure for the fleet. A value that is still alive is served all the same. */
const recordFailure = async <T>(parts: Parts, slot: Slot<T>, held: Held, failed: Failed): Promise<Entry<T>> => {
  const { what, secret, took } = failed
  const { key } = slot.subject
  const failure = nextFailure(parts, held.record.failure, what, secret)
  const refresh: Refresh = [Math.floor(parts.server.latest() ?? 0), environmentOf(parts), took, what.kind, '']
  await writeBack(parts, held, (record) => fail(record, failure, refresh))
  parts.emit({ type: 'cool-down', key, kind: failure.kind, until: failure.notBefore, count: failure.count })
  const error = rememberFailure(parts, slot, failure, secret, failed.error)
  const { value, rejected } = held.record
  const alive =
    value !== undefined &&
    value.version !== rejected &&
    (parts.server.latest() ?? 0) + DRIFT_TOLERANCE < value.hardExpiry
  const entry = alive ? await openEntry(parts, slot, value) : undefined
  if (entry === undefined) throw error
  const { holdUntil, cooling } = slot
  keep(parts, slot, { entry, tier: 'store', server: parts.server })
  slot.holdUntil = holdUntil
  slot.cooling = cooling
  return entry
}

/** Best effort: should it not land, the lease ends by itself. Its own tag tells a repeat from a second write. */
const writeBack = async (
  parts: Parts,
  held: Held,
  change: (record: Held['record']) => Held['record'],
): Promise<void> => {
  const tag = parts.runtime.unique()
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const result = await swapOrUnknown(parts, change(held.record), held, tag)
    if (result.outcome !== 'unknown') return
  }
}
