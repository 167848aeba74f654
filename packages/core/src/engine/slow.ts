import type { Entry, Store } from '../contracts.ts'
import { TimeoutError } from '../errors.ts'
import { createFileTier } from '../tiers/file-writer.ts'
import { converge, coolingError, usableEntry } from './converge.ts'
import { atMost } from './deadline.ts'
import { remaining } from './keep.ts'
import { sealerOf } from './rest.ts'
import type { Ask, Parts, Shared, Slot } from './subject.ts'

/** How often one call starts over because a flight that it joined did not give what it asked for. */
const MAX_FLIGHTS = 3
/** What is kept back of a settle's time for aborted calls to give their leases back, in ms. */
const ABORT_GRACE = 100

/** Everything beyond a hit: loaded when a fresh value is in neither memory nor file. */
export interface SlowPath {
  /** Resolves to an entry: from memory if a stale one will do, else by the one flight of its slot. */
  get<T>(slot: Slot<T>, ask: Ask): Promise<Entry<T>>
  /** Removes the entry with this fingerprint from the file. */
  reject(slot: Slot<unknown>, fingerprint: string): void
  /** Waits for every flight, at most `timeout` ms, then aborts the rest. Never rejects. */
  settle(timeout: number): Promise<void>
}

/** What the slow path is made of. */
export interface SlowOptions {
  /** What the engine shares. The rest of the parts is put in. */
  readonly shared: Shared
  readonly store: Store
  /** As in the engine. */
  lifeOf<T>(slot: Slot<T>, entry: Entry<T>): () => number
}

/** Makes the slow path of an engine. */
export const createSlowPath = ({ shared, store, lifeOf }: SlowOptions): SlowPath => {
  const parts: Parts = Object.assign(shared, {
    store,
    fileTier: shared.file && createFileTier(shared.file),
    seal: sealerOf(shared),
    environment: undefined,
    storeDownUntil: 0,
  })
  const { runtime, policy, clock, emit, flights } = parts

  const begin = <T>(slot: Slot<T>, ask: Ask): Promise<Entry<T>> => {
    const controller = new AbortController()
    const timeout = Math.max(ask.timeout, parts.background > 0 ? policy.timeout : 0)
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
    if (!held && parts.background > 0 && now >= slot.freshUntil) begin(slot, ask)
    return held || parts.background > 0 || now < slot.freshUntil ? usable : undefined
  }

  const get = async <T>(slot: Slot<T>, ask: Ask): Promise<Entry<T>> => {
    const endsAt = clock.fast() + ask.timeout
    for (let attempt = 0; attempt < MAX_FLIGHTS; attempt += 1) {
      const usable = withoutWaiting(slot, ask)
      if (usable !== undefined) {
        const stale = clock.fast() >= slot.freshUntil
        if (parts.listening())
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
      if (!joined) return result.value
      // A flight that was joined half-way may not know what was asked here.
      if (usableEntry(parts, slot, ask) !== result.value) continue
      emit({ type: 'shared', key: slot.subject.key })
      return result.value
    }
    return usableEntry(parts, slot, { ...ask, minLife: 0 }) ?? timedOut(slot, ask)
  }

  return {
    get,
    reject({ subject: { key } }, fingerprint) {
      if (parts.fileTier?.read(key)?.fingerprint === fingerprint) parts.fileTier.remove(key)
    },
    async settle(timeout) {
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
