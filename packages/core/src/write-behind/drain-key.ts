/** Applying the writes of one key, in order, under a lease. @module */

import type { Json } from '../contracts.ts'
import { StoreError } from '../errors.ts'
import { asFields, matches } from '../lib/parse.ts'
import { withDeadline } from '../lib/timing.ts'
import type { BehindHome } from './home.ts'
import {
  confirm,
  type DrainLease,
  fail,
  hasRoomAside,
  isIdle,
  type Journal,
  type QueuedWrite,
  release,
  setAside,
  startDrain,
} from './journal.ts'
import { changeRecord, journalForm, latestOf, look, type Sight } from './records.ts'

/** A drainer stops so much before its lease ends, in ms: room for what no clock shows. */
const GUARD = 400
/** What is kept of the time for the last confirmation, in ms; by one that helps, less. */
const RESERVE = { drain: 1_000, help: 200 }
/** Less time than this is given to no write, in ms. */
const MIN_APPLY = 100
/** A write is tried again after so long, in ms; then the pause doubles, up to the longest. */
const PAUSES = { first: 1_000, longest: 300_000 }
/** How many writes one drain applies of one key, so that others get their turn. */
const MAX_APPLIED = 1_000

/** How a key is drained. */
export interface KeyDrain {
  /** The mark of the key in the index, read before: the key is taken out of the index when nothing is left. */
  readonly mark?: string | undefined
  /** The time that is left, in ms. */
  readonly remaining: () => number
  readonly signal?: AbortSignal | undefined
  /** True: with less time than `apply` may take, it is given what is left, and its end is no failure. Default false. */
  readonly isHelping?: boolean
}

/** How a key fared. */
export interface KeyOutcome {
  readonly outcome: 'drained' | 'failed' | 'waiting' | 'busy' | 'poisoned' | 'left' | 'unreadable'
  readonly applied: number
}

/** What goes through the drain of a key. */
interface Drain extends KeyDrain {
  readonly home: BehindHome
  readonly key: string
  readonly nonce: string
  /** The journal as this drain saw it last: what others of this environment saw may be older, and lack the lease. */
  sight: Sight<Journal> | undefined
  /** `clock.fast()` until which the lease is certainly held. */
  until: number
  applied: number
}

/** The time that a drain must have to begin a write, in ms. */
export function leastTime({ applyTimeout }: Pick<BehindHome, 'applyTimeout'>): number {
  return applyTimeout + RESERVE.drain
}

/** Applies the writes of a key that wait. Never rejects. */
export async function drainKey(home: BehindHome, key: string, options: KeyDrain): Promise<KeyOutcome> {
  const drain: Drain = {
    ...options,
    home,
    key,
    nonce: home.context.runtime.unique(),
    sight: undefined,
    until: 0,
    applied: 0,
  }
  try {
    const outcome = await run(drain)
    return { outcome, applied: drain.applied }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    // The store has told by an event. What is not confirmed is applied again, with the same number.
    return { outcome: error.code === 'STORE_UNREADABLE' ? 'unreadable' : 'left', applied: drain.applied }
  }
}

async function run(drain: Drain): Promise<KeyOutcome['outcome']> {
  const { home, key, mark } = drain
  const { context } = home
  const sight = await look(context, journalForm(key, null))
  home.sights.set(key, sight)
  const state = stateOf(home, sight.value)
  if (state === 'drained') return mark === undefined ? 'drained' : tidy(drain, sight, mark)
  if (state !== 'ready') return state
  if (!isOwn(home, key, sight.value.params)) {
    context.emit({ type: 'bad-record', key, reason: 'another key' })
    return 'unreadable'
  }
  if (!hasTime(drain)) return 'left'
  const started = await start(drain, sight)
  if (started === undefined) return 'busy'
  const outcome = await applyAll(drain, started)
  // The write that emptied the journal came after the mark was read: who read the journal before that must try again.
  if (outcome === 'drained' && mark !== undefined) await home.unmark(key, mark)
  return outcome
}

/** What is to be done about a journal. */
function stateOf({ context: { server } }: BehindHome, journal: Journal): KeyOutcome['outcome'] | 'ready' {
  const { queue, failure, lease } = journal
  const earliest = server.earliest() ?? 0
  if (isIdle(journal)) return 'drained'
  if (queue.length === 0 || failure?.parked === true) return 'poisoned'
  if (failure !== undefined && earliest < failure.notBefore) return 'waiting'
  return lease !== undefined && earliest <= lease.acquiredAt + lease.length ? 'busy' : 'ready'
}

/** Whether the journal's parameters are those of its key: what was copied from elsewhere is applied to nothing. */
function isOwn({ keys, template }: BehindHome, key: string, params: Json): boolean {
  try {
    return keys.journal(template.print(params ?? undefined)) === key
  } catch {
    return false
  }
}

/** Touches a journal that is idle, so that who read it before must try again, and takes the key out of the index. */
async function tidy({ home, key }: Drain, sight: Sight<Journal>, mark: string): Promise<'drained' | 'left'> {
  const touched = await changeRecord<Journal>(home.context, {
    form: journalForm(key, null),
    from: sight,
    endsAt: home.context.clock.fast() + home.timeout,
    next: (there) => (isIdle(there) ? release(there) : undefined),
  })
  if (touched.outcome === 'ended') throw touched.error
  home.sights.set(key, touched.sight)
  if (touched.outcome === 'left') return 'left'
  await home.unmark(key, mark)
  return 'drained'
}

/** A new lease, counted from before it is asked for. */
function newLease(drain: Drain): { readonly lease: DrainLease; readonly until: number } {
  const { home, nonce } = drain
  const { clock } = home.context
  const until = clock.fast() + home.leaseLength - GUARD
  return { until, lease: { nonce, acquiredAt: Math.ceil(latestOf(home.context)), length: home.leaseLength } }
}

/** Acquires the lease; `undefined` where another has it. */
async function start(drain: Drain, sight: Sight<Journal>): Promise<Journal | undefined> {
  const { home, key, nonce } = drain
  let until = 0
  const result = await changeRecord<Journal>(home.context, {
    form: journalForm(key, null),
    from: sight,
    endsAt: home.context.clock.fast() + home.timeout,
    next(there) {
      if (there.lease?.nonce === nonce || stateOf(home, there) !== 'ready') return undefined
      const own = newLease(drain)
      until = own.until
      return startDrain(there, own.lease)
    },
  })
  if (result.outcome === 'ended') throw result.error
  home.sights.set(key, result.sight)
  const { value } = result.sight
  if (value.lease?.nonce !== nonce) return undefined
  drain.sight = result.sight
  drain.until = until
  return value
}

/** The time that the next write may take, in ms; 0: none may begin. */
function applyTime({ home, until, remaining, signal, isHelping }: Drain): number {
  const left = Math.min(
    remaining() - (isHelping ? RESERVE.help : RESERVE.drain),
    until === 0 ? Number.POSITIVE_INFINITY : until - home.context.clock.fast(),
  )
  const least = isHelping ? MIN_APPLY : home.applyTimeout
  return signal?.aborted === true || left < least ? 0 : Math.min(left, home.applyTimeout)
}

function hasTime(drain: Drain): boolean {
  return applyTime(drain) > 0
}

async function applyAll(drain: Drain, started: Journal): Promise<KeyOutcome['outcome']> {
  let journal = started
  for (let count = 0; count < MAX_APPLIED; count += 1) {
    const [first] = journal.queue
    if (first === undefined) return isIdle(journal) ? 'drained' : 'poisoned'
    const result = await applyOne(drain, journal, first)
    if (result.outcome === 'stopped') break
    const next =
      result.outcome === 'failed'
        ? await noteFailure(drain, { write: first, ...result })
        : await noteApplied(drain, { write: first, ...result })
    if (next === undefined) {
      drain.home.emit({ type: 'behind-fenced', key: drain.key, n: first.n })
      return 'busy'
    }
    journal = next
    if (journal.lease?.nonce !== drain.nonce && journal.queue.length > 0) return afterFailure(journal)
  }
  await changeOwn(drain, release)
  return 'left'
}

function afterFailure({ failure }: Journal): KeyOutcome['outcome'] {
  if (failure === undefined) return 'left'
  return failure.parked ? 'poisoned' : 'failed'
}

/** What became of one call of `apply`. */
type Applied =
  | { readonly outcome: 'applied'; readonly took: number }
  | { readonly outcome: 'failed'; readonly code: string; readonly kind: 'refused' | 'failed' | 'unopened' }
  | { readonly outcome: 'stopped' }

async function applyOne(drain: Drain, { params }: Journal, write: QueuedWrite): Promise<Applied> {
  const { home, key } = drain
  const { clock, runtime } = home.context
  let value: unknown
  try {
    value = await home.values.open(write.sealed, key, write.id)
  } catch (error) {
    const isRefused = asFields(error)?.['retryable'] === false
    return { outcome: 'failed', code: codeOf(error), kind: isRefused ? 'refused' : 'unopened' }
  }
  const ms = applyTime(drain)
  if (ms === 0) return { outcome: 'stopped' }
  const startedAt = clock.fast()
  const { n, id, merged } = write
  const done = await withDeadline(runtime, { ms, signal: drain.signal }, async (signal) =>
    home.apply(params ?? undefined, value, { n, id, merged, signal }),
  )
  if (done.outcome === 'done') return { outcome: 'applied', took: clock.fast() - startedAt }
  if (done.outcome === 'aborted') return { outcome: 'stopped' }
  if (done.outcome === 'timed-out')
    return ms < home.applyTimeout ? { outcome: 'stopped' } : { outcome: 'failed', code: 'TIMEOUT', kind: 'failed' }
  const isRefused = asFields(done.cause)?.['retryable'] === false
  return { outcome: 'failed', code: codeOf(done.cause), kind: isRefused ? 'refused' : 'failed' }
}

/** The code of a failure; never its text, which may quote a value. */
function codeOf(cause: unknown): string {
  const code = asFields(cause)?.['code']
  return matches(code, /^[\w-]{1,64}$/) ? code : 'FAILED'
}

/** Changes the journal while the lease is held; `undefined` when another has it. Rejects with `StoreError`. */
async function changeOwn(
  drain: Drain,
  change: (journal: Journal) => Journal,
  isDone: (journal: Journal) => boolean = () => false,
): Promise<Journal | undefined> {
  const { home, key, nonce } = drain
  const result = await changeRecord<Journal>(home.context, {
    form: journalForm(key, null),
    from: drain.sight,
    endsAt: home.context.clock.fast() + home.timeout,
    next: (there) => (there.lease?.nonce === nonce && !isDone(there) ? change(there) : undefined),
  })
  if (result.outcome === 'ended') throw result.error
  drain.sight = result.sight
  home.sights.set(key, result.sight)
  return result.outcome === 'written' || isDone(result.sight.value) ? result.sight.value : undefined
}

/** Confirms a write; the lease is renewed where another write is to follow. */
async function noteApplied(
  drain: Drain,
  { write, took }: { readonly write: QueuedWrite; readonly took: number },
): Promise<Journal | undefined> {
  const { home, key } = drain
  const { n, merged, at } = write
  const age = Math.max(0, Math.round(latestOf(home.context) - at))
  drain.applied += 1
  home.counts.applied += 1
  home.emit({ type: 'behind-applied', key, n, merged, age, took: Math.round(took) })
  let until = drain.until
  const next = await changeOwn(
    drain,
    (there) => {
      const own = newLease(drain)
      until = own.until
      const lease = hasTime({ ...drain, until }) ? own.lease : undefined
      return confirm(there, n, { lease, keepLatest: home.merge === undefined })
    },
    ({ done }) => done >= n,
  )
  drain.until = until
  return next
}

/** Notes a failure and releases the lease. Poison stops the key, or is set aside. */
async function noteFailure(
  drain: Drain,
  { write: { n }, code, kind }: { readonly write: QueuedWrite } & Extract<Applied, { outcome: 'failed' }>,
): Promise<Journal | undefined> {
  const { home, key } = drain
  let tell = (): void => {}
  const next = await changeOwn(drain, (there) => {
    const failures = (there.failure?.count ?? 0) + (kind === 'unopened' ? 0 : 1)
    const isPoison = kind === 'refused' || failures >= home.attempts
    const [first] = there.queue
    const fits = first !== undefined && hasRoomAside(there, first)
    // One that only failed may be in the truth: under another number it would be applied twice.
    const isAside = kind === 'refused' && home.onPoison === 'skip' && fits
    const pause = Math.min(PAUSES.longest, PAUSES.first * 2 ** Math.max(0, failures - 1))
    const until = Math.ceil(latestOf(home.context)) + pause
    tell = () => {
      if (isPoison) home.emit({ type: 'behind-poison', key, n, code, failures, outcome: isAside ? 'aside' : 'stopped' })
      else home.emit({ type: 'behind-failed', key, n, code, failures, until })
      if (isPoison) home.counts.poisoned += 1
      home.counts.failed += 1
    }
    if (!isAside) return fail(there, { count: failures, code, notBefore: until, parked: isPoison })
    const own = newLease(drain)
    drain.until = own.until
    return setAside(there, n, own.lease)
  })
  if (next !== undefined) tell()
  return next
}
