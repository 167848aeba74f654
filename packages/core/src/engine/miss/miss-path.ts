import type { Entry, Store } from '../../contracts.ts'
import { TimeoutError } from '../../errors.ts'
import type { WarmEvent } from '../../events.ts'
import { systemRuntime } from '../../lib/runtime.ts'
import { atMost } from '../../lib/timing.ts'
import { createFileTier, type FileWriterOptions } from '../../tiers/file/writer.ts'
import type { Ask, MissContext, Served, Shared, Wish } from '../context.ts'
import { DEFAULT_POLICY } from '../policy.ts'
import { dropEmptyRare, type Refused, rareOf, type Slot } from '../slot.ts'
import { usableEntry } from '../time/expiry.ts'
import { isVouched, MIN_REMAINING, remainingUntil, wasRejected } from '../time/freshness.ts'
import { createServerClock } from '../time/server-clock.ts'
import { catchUp } from './catch-up.ts'
import { type Callers, type Coalescer, createCoalescer } from './coalesce.ts'
import { coolingError, retriesWithin } from './cool-down.ts'
import { throwNamed } from './named-error.ts'
import { refresh } from './refresh.ts'
import { forget } from './refusals.ts'
import { createSealer, reportUnopened } from './sealing.ts'

/** How often one call starts over because the refresh that it joined did not give what it asked for. */
const MAX_FLIGHTS = 3
/** What is kept back of a settle's time so that aborted calls can give their leases back, in ms. */
const ABORT_GRACE = 100

/** Everything beyond a hit. Loaded when a fresh value is in neither memory nor file. */
export interface MissPath extends Pick<Coalescer, 'join'> {
  readonly context: MissContext
  /** Resolves to a value: from memory if a stale one will do, else by the one refresh of its slot. */
  get<T>(wanted: Wanted<T>): Promise<Served<T>>
  /** Reports that the file held nothing fresh, and why. */
  reportFileMiss(slot: Slot<unknown>): void
  /** Forgets a value that the API refused: in memory, then in the file. */
  reject(slot: Slot<unknown>, refused: Refused): void
  /** Whether a refresh is in progress. */
  isBusy(): boolean
  /** Waits for every refresh, at most `timeout` ms (default 1,000), then aborts the rest. Never rejects. */
  settle(options?: { readonly timeout?: number }): Promise<void>
}

/** What a caller wants of the miss path. */
interface Wanted<T> {
  readonly slot: Slot<T>
  readonly wish: Wish
  /** The entry in memory when the caller asked. */
  readonly before: Entry<T> | undefined
  /** `clock.fast()` when the caller asked: its time counts from then. */
  readonly startedAt: number
  /** Who shares this call; `undefined` for callers that came before the miss path was loaded. */
  readonly callers: Callers | undefined
}

/** Makes the miss path of an engine. */
export function createMissPath(shared: Shared, store: Store): MissPath {
  const context = createContext(shared, store)
  const { clock, policy, flights, runtime, emit, fileTier } = context
  const coalescer = createCoalescer(clock)
  // Callers that waited for this module to load came before anyone could coalesce them. They are coalesced apart: they are
  // given what is served, the others what was made of it.
  const whileLoading = createCoalescer(clock)

  const answer = async <T>({ slot, wish, before, startedAt }: Wanted<T>, callers: Callers): Promise<Served<T>> => {
    const announce = (times: number, event: WarmEvent): void => {
      coalescer.close(slot, callers)
      whileLoading.close(slot, callers)
      for (let left = times; left > 0 && context.listening(); left -= 1) emit(event)
    }
    const ask = { ...wish, timeout: wish.timeout ?? policy.timeout, since: startedAt, slowSince: clock.slow() }
    const endsAt = startedAt + ask.timeout
    const entry = await getEntry({ context, slot, ask, endsAt, callers, announce }).catch((error: unknown) =>
      throwNamed(error, shared.names?.get(slot.key)),
    )
    const tier = entry === slot.entry ? slot.tier : 'source'
    const until = usableUntil(context, slot, entry, ask)
    return { entry, tier: entry === before ? 'memory' : tier, remaining: () => remainingUntil(clock, until) }
  }

  return {
    context,
    join: coalescer.join,
    get: (wanted) =>
      wanted.callers === undefined
        ? whileLoading.join(wanted.slot, wanted.wish, (callers = { count: 1 }) => answer(wanted, callers))
        : answer(wanted, wanted.callers),
    reportFileMiss(slot) {
      const { key } = slot
      // Reports on its own why a file was not accepted.
      fileTier?.read(key)
      reportUnopened(context, slot)
      emit({ type: 'miss', key, tier: 'file' })
    },
    reject(slot, { fingerprint, version }) {
      const { key, entry } = slot
      const isOlder = entry !== undefined && entry.version > 0 && entry.version < version
      // Compare, then replace: any other value is a newer one.
      if (entry !== undefined && entry.fingerprint !== fingerprint && !isOlder) return
      forget(slot, { fingerprint, version: isOlder ? version : Math.max(version, entry?.version ?? 0) })
      emit({ type: 'reject', key, fingerprint })
      const inFile = fileTier?.read(key)?.lifetime
      if (inFile !== undefined && wasRejected(slot, inFile)) fileTier?.remove(key)
    },
    isBusy: () => flights.size > 0,
    async settle({ timeout = 1_000 } = {}) {
      if (flights.size === 0) return
      await atMost(runtime, Math.max(0, timeout - ABORT_GRACE), Promise.allSettled(flights.keys()))
      // Another invocation of this environment may still be waiting for them.
      if (context.background()) return
      for (const controller of flights.values()) controller.abort()
      await atMost(runtime, ABORT_GRACE, Promise.allSettled(flights.keys()))
    },
  }
}

/** One call of `get`. */
interface Call<T> {
  readonly context: MissContext
  readonly slot: Slot<T>
  readonly ask: Ask
  /** `clock.fast()` at which the call must be over. */
  readonly endsAt: number
  readonly callers: Callers
  /** Emits an event for so many of the callers. */
  readonly announce: (times: number, event: WarmEvent) => void
}

/** A usable entry: from memory, or from the refresh of its slot, which this call starts or joins. */
async function getEntry<T>({ context, slot, ask, endsAt, callers, announce }: Call<T>): Promise<Entry<T>> {
  const { clock, runtime } = context
  const { key } = slot
  const anyUsable = (): Entry<T> | undefined => usableEntry(context, slot, { ...ask, minLifetime: 0 })
  for (let attempt = 0; attempt < MAX_FLIGHTS; attempt += 1) {
    const usable = withoutWaiting(context, slot, ask)
    if (usable !== undefined) {
      const stale = clock.fast() >= slot.freshUntil
      const remaining = Math.max(0, slot.usableUntil - clock.fast())
      announce(callers.count, { type: 'hit', key, tier: 'memory', stale, remaining })
      return usable
    }
    const left = endsAt - clock.fast()
    const alive = anyUsable()
    const cooling = await coolingWithin(context, slot, left)
    if (cooling !== undefined && alive === undefined) throw cooling
    if (cooling !== undefined || left <= 0) return alive ?? timedOut(slot, ask)
    const flight = slot.rare?.flight
    const joined = flight !== undefined
    const result = await atMost(runtime, left, flight ?? startRefresh(context, slot, { ...ask, timeout: left }))
    if (result.outcome === 'failed') {
      const still = anyUsable()
      if (still !== undefined) return still
      // The refresh of a caller with less time, or of one that has given up.
      if (joined && result.cause instanceof TimeoutError) continue
      // The source may be asked again in time: the next refresh waits until then.
      if (attempt + 1 < MAX_FLIGHTS && retriesWithin(context, slot, endsAt - clock.fast())) continue
      throw result.cause
    }
    if (result.outcome !== 'done') return anyUsable() ?? timedOut(slot, ask)
    // The environment may have been frozen on the way, longer than the value lived.
    if (usableUntil(context, slot, result.value, ask) - clock.fast() < MIN_REMAINING) continue
    if (!joined && callers.count === 1) return result.value
    // A refresh that was joined halfway may not know what was asked here. What is guarded was judged for this caller.
    if (slot.subject.guard === undefined && usableEntry(context, slot, ask) !== result.value) continue
    announce(joined ? callers.count : callers.count - 1, { type: 'shared', key })
    return result.value
  }
  return anyUsable() ?? timedOut(slot, ask)
}

/**
 * The error of the failure on record, unless the source may be asked again within the time left: then a refresh waits for
 * that. A refresh in progress may know better.
 */
async function coolingWithin<T>(context: MissContext, slot: Slot<T>, left: number): Promise<Error | undefined> {
  if (slot.rare?.hold?.cooling === undefined || retriesWithin(context, slot, left)) return undefined
  if (slot.rare.flight !== undefined && !slot.rare.hold.cooling.isPassing) return undefined
  // It may ask for the secret in use, and that may hang.
  const found = await atMost(context.runtime, Math.max(0, left), coolingError(context, slot))
  return found.outcome === 'done' ? found.value : undefined
}

/** A usable value that no caller needs to wait for. Starts its refresh in the background where that is due. */
function withoutWaiting<T>(context: MissContext, slot: Slot<T>, ask: Ask): Entry<T> | undefined {
  const usable = usableEntry(context, slot, ask)
  if (usable === undefined) return undefined
  const now = context.clock.fast()
  if (now < slot.freshUntil) return usable
  const held = slot.rare?.flight !== undefined || now < (slot.rare?.hold?.until ?? 0)
  if (held) return usable
  if (!context.background()) return undefined
  startRefresh(context, slot, ask)
  return usable
}

/** Starts the one refresh of a slot. */
function startRefresh<T>(context: MissContext, slot: Slot<T>, ask: Ask): Promise<Entry<T>> {
  const { flights, policy } = context
  const controller = new AbortController()
  // A background refresh may take its time; one that spends something must end while the caller is there.
  const isFree = context.background() && slot.subject.source.exclusive === undefined
  const timeout = Math.max(ask.timeout, isFree ? policy.timeout : 0)
  const rejected = ask.rejected ?? slot.rare?.rejected?.[0]?.fingerprint
  const awaitedUntil = context.clock.fast() + ask.timeout
  const { signal } = controller
  const flight = refresh({ context, slot, ask: { ...ask, timeout, rejected }, awaitedUntil, signal }).finally(() => {
    rareOf(slot).flight = undefined
    dropEmptyRare(slot)
    flights.delete(flight)
  })
  // Callers that wait see the rejection; a background refresh reports by events.
  flight.catch(() => {})
  rareOf(slot).flight = flight
  flights.set(flight, controller)
  return flight
}

/** Until when, by `clock.fast()`, an entry may be used that was just returned. */
function usableUntil<T>({ clock, server, runtime }: MissContext, slot: Slot<T>, entry: Entry<T>, ask: Ask): number {
  const { guard } = slot.subject
  if (slot.entry === entry && guard === undefined) return slot.usableUntil
  // Other callers were handed it a moment ago, and one of them has rejected it since.
  if (wasRejected(slot, entry) && !isVouched(clock, slot, entry.fingerprint)) return 0
  if (guard?.judge(slot, entry, ask) === 'dead') return 0
  return clock.fast() + entry.hardExpiry - (server.latest() ?? runtime.wall())
}

function timedOut(slot: Slot<unknown>, ask: Ask): never {
  const { key } = slot
  throw new TimeoutError(`no value for ${key} within ${Math.round(ask.timeout)} ms`, { key })
}

function createContext(shared: Shared, store: Store): MissContext {
  const { runtime = systemRuntime, clock, file, emit } = shared
  const onProblem: FileWriterOptions['onProblem'] = (key, reason) => emit({ type: 'file-error', key, reason })
  let environment: string | undefined
  const context: MissContext = {
    ...shared,
    runtime,
    store,
    policy: { ...DEFAULT_POLICY, ...shared.policy },
    server: createServerClock(clock, shared.knownTime),
    fileTier: file && createFileTier(file, { runtime, onProblem }),
    seal: createSealer(shared),
    environment() {
      environment ??= runtime.unique().slice(0, 8)
      return environment
    },
    outage: { until: 0, error: undefined },
    flights: new Map(),
    catchUp: (slot, change) => catchUp(context, slot, change),
  }
  return context
}
