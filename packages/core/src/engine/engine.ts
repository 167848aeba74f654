import type { Codec, Entry, Listener, Runtime, Store } from '../contracts.ts'
import { TimeoutError } from '../errors.ts'
import { createFileTier } from '../tiers/file.ts'
import { createMemoryTier } from '../tiers/memory.ts'
import { createClock, createServerClock } from './clock.ts'
import { converge, coolingError, remaining, usableEntry } from './converge.ts'
import { atMost } from './deadline.ts'
import { forget } from './keep.ts'
import type { Policy } from './policy.ts'
import type { Ask, Parts, Slot, Subject } from './subject.ts'

/** How often one call starts over because a flight that it joined did not give what it asked for. */
const MAX_FLIGHTS = 3
/** What is kept back of a settle's time for aborted calls to give their leases back, in ms. */
const ABORT_GRACE = 100

/** How an engine is made. */
export interface EngineOptions {
  readonly store: Store
  readonly codec: Codec
  /** The folder of the file tier; `undefined` for none. */
  readonly directory: string | undefined
  readonly runtime: Runtime
  readonly policy: Policy
  /** How many entries memory keeps. */
  readonly maxEntries: number
  readonly emit: Listener
  /** Whether anybody listens; asked on the warm path before an event is made. */
  readonly listening: () => boolean
}

/** Keeps values warm. One for each environment and store. */
export interface Engine {
  /** The slot of a subject, made when there is none. */
  slot<T>(subject: Subject<T>): Slot<T>
  /** Whether memory has a fresh entry with this much life left, in ms. A hit, if so. No I/O, no allocation. */
  isHit(slot: Slot<unknown>, minLife: number): boolean
  /** Resolves to an entry from the nearest tier, or from the source. */
  get<T>(slot: Slot<T>, ask: Ask): Promise<Entry<T>>
  /** Tells the life left of an entry that was just handed out, at least, in ms. */
  lifeOf<T>(slot: Slot<T>, entry: Entry<T>): () => number
  /** Forgets the entry with this fingerprint in memory and file; others learn of it with the next acquire. */
  reject(slot: Slot<unknown>, fingerprint: string): void
  /**
   * Until the returned function is called, refreshes of values that are still usable run beside the caller. Whoever
   * enters promises to `settle` before the environment may freeze.
   */
  enter(): () => void
  /** Waits for everything that was begun, at most `timeout` ms, then aborts it. Never rejects. */
  settle(timeout: number): Promise<void>
}

/** Makes an engine. */
export const createEngine = (options: EngineOptions): Engine => {
  const { runtime, policy, emit } = options
  const clock = createClock(runtime)
  const parts: Parts = {
    store: options.store,
    codec: options.codec,
    file:
      options.directory === undefined
        ? undefined
        : createFileTier({
            directory: options.directory,
            runtime,
            onProblem: (key, reason) => emit({ type: 'file-error', key, reason }),
          }),
    runtime,
    policy,
    clock,
    server: createServerClock(clock),
    environment: runtime.unique().slice(0, 8),
    share: runtime.random(),
    emit,
    storeDownUntil: 0,
  }
  const memory = createMemoryTier<Slot<unknown>>(options.maxEntries)
  const flights = new Map<Promise<unknown>, AbortController>()
  let background = 0

  const slotOf = <T>(subject: Subject<T>): Slot<T> => {
    // A key names its source, so a slot under the same key holds values of the same type.
    const known = memory.get(subject.key) as Slot<T> | undefined
    if (known !== undefined) return known
    const slot: Slot<T> = {
      subject,
      entry: undefined,
      tier: 'memory',
      freshUntil: 0,
      usableUntil: 0,
      holdUntil: 0,
      cooling: undefined,
      rejected: undefined,
      nonces: undefined,
      flight: undefined,
      touched: false,
      view: undefined,
    }
    memory.set(subject.key, slot as Slot<unknown>)
    return slot
  }

  const lifeOf = <T>(slot: Slot<T>, entry: Entry<T>): (() => number) => {
    const kept = slot.entry === entry
    const until = kept ? slot.usableUntil : clock.fast() + entry.hardExpiry - (parts.server.latest() ?? runtime.wall())
    return () => Math.max(0, Math.floor(until - clock.fast()))
  }

  const begin = <T>(slot: Slot<T>, ask: Ask): Promise<Entry<T>> => {
    const controller = new AbortController()
    const timeout = Math.max(ask.timeout, background > 0 ? policy.timeout : 0)
    const flight = converge(
      parts,
      slot,
      { ...ask, timeout, rejected: ask.rejected ?? slot.rejected },
      controller.signal,
    ).finally(() => {
      if (slot.flight === flight) slot.flight = undefined
      flights.delete(flight)
    })
    // Whoever waits sees the rejection; a refresh beside the handler tells by events.
    flight.catch(() => {})
    slot.flight = flight
    flights.set(flight, controller)
    return flight
  }

  /** A usable value that nobody needs to wait for, and a refresh of it begun where that is due. */
  const withoutWaiting = <T>(slot: Slot<T>, ask: Ask): Entry<T> | undefined => {
    const usable = usableEntry(parts, slot, ask)
    if (usable === undefined) return undefined
    const now = clock.fast()
    const held = slot.flight !== undefined || now < slot.holdUntil
    if (!held && background > 0 && now >= slot.freshUntil) begin(slot, ask)
    return held || background > 0 || now < slot.freshUntil ? usable : undefined
  }

  const get = async <T>(slot: Slot<T>, ask: Ask): Promise<Entry<T>> => {
    const endsAt = clock.fast() + ask.timeout
    for (let attempt = 0; attempt < MAX_FLIGHTS; attempt += 1) {
      const usable = withoutWaiting(slot, ask)
      if (usable !== undefined) {
        const stale = clock.fast() >= slot.freshUntil
        if (options.listening())
          emit({ type: 'hit', key: slot.subject.key, tier: 'memory', stale, remaining: remaining(parts, slot) })
        return usable
      }
      const left = endsAt - clock.fast()
      const alive = usableEntry(parts, slot, { ...ask, minLife: 0 })
      const cooling = slot.flight === undefined ? await coolingError(parts, slot) : undefined
      if (cooling !== undefined && alive === undefined) throw cooling
      if (cooling !== undefined || left <= 0) return alive ?? timedOut(slot, ask)
      const joined = slot.flight !== undefined
      const result = await atMost(runtime, left, slot.flight ?? begin(slot, { ...ask, timeout: left }))
      if (result.outcome === 'failed') {
        const still = usableEntry(parts, slot, { ...ask, minLife: 0 })
        if (still === undefined) throw result.cause
        return still
      }
      if (result.outcome === 'late') return usableEntry(parts, slot, { ...ask, minLife: 0 }) ?? timedOut(slot, ask)
      // The environment may have been frozen on the way, longer than the value lived.
      if (lifeOf(slot, result.value)() === 0) continue
      // What one's own flight gave is what there is; a flight joined half-way may not know what was asked here.
      if (!joined || usableEntry(parts, slot, ask) === result.value) return result.value
    }
    return usableEntry(parts, slot, { ...ask, minLife: 0 }) ?? timedOut(slot, ask)
  }

  return {
    slot: slotOf,
    isHit(slot, minLife) {
      const now = clock.fast()
      if (now >= slot.freshUntil || now + minLife >= slot.usableUntil) return false
      if (options.listening()) {
        emit({ type: 'hit', key: slot.subject.key, tier: 'memory', stale: false, remaining: slot.usableUntil - now })
      }
      return true
    },
    get,
    lifeOf,
    reject(slot, fingerprint) {
      // Compare, then replace: a value that is not the refused one is a newer one.
      if (slot.entry !== undefined && slot.entry.fingerprint !== fingerprint) return
      slot.rejected = fingerprint
      forget(slot)
      if (parts.file?.read(slot.subject.key)?.fingerprint === fingerprint) parts.file.remove(slot.subject.key)
      emit({ type: 'reject', key: slot.subject.key, fingerprint })
    },
    enter() {
      background += 1
      let left = false
      return () => {
        if (!left) background -= 1
        left = true
      }
    },
    async settle(timeout) {
      if (flights.size === 0) return
      await atMost(runtime, Math.max(0, timeout - ABORT_GRACE), Promise.allSettled(flights.keys()))
      for (const controller of flights.values()) controller.abort()
      await atMost(runtime, ABORT_GRACE, Promise.allSettled(flights.keys()))
    },
  }
}

const timedOut = (slot: Slot<unknown>, ask: Ask): never => {
  const { key } = slot.subject
  throw new TimeoutError(`no value for ${key} within ${Math.round(ask.timeout)} ms`, { key })
}
