import type { Entry, Store } from '../../contracts.ts'
import { TimeoutError } from '../../errors.ts'
import type { WarmEvent } from '../../events.ts'
import { systemRuntime } from '../../lib/runtime.ts'
import { atMost } from '../../lib/timing.ts'
import { createFileTier, type FileWriterOptions } from '../../tiers/file/writer.ts'
import type { Ask, Parts, Served, Shared, Slot, Wish } from '../context.ts'
import { DEFAULT_POLICY } from '../policy.ts'
import { asideOf, hasRefused, tidyAside } from '../slot.ts'
import { lifeUntil } from '../time/expiry.ts'
import { createServerClock } from '../time/server-clock.ts'
import { usableEntry } from '../time/usable-entry.ts'
import { type Crowd, createCrowds } from './coalesce.ts'
import { converge, coolingError } from './refresh.ts'
import { remaining, sealerOf, tellOfShut } from './sealing.ts'

/** How often one call starts over because a flight that it joined did not give what it asked for. */
const MAX_FLIGHTS = 3
/** How many refused values are known again. */
const MAX_REJECTED = 8
/** What is kept back of a settle's time for aborted calls to give their leases back, in ms. */
const ABORT_GRACE = 100

/** Everything beyond a hit: loaded when a fresh value is in neither memory nor file. */
export interface SlowPath {
  /** Resolves to a value: from memory if a stale one will do, else by the one flight of its slot. */
  get<T>(slot: Slot<T>, wish: Wish, before: Entry<T> | undefined, crowd?: Crowd): Promise<Served<T>>
  /** Tells that a look into the file found nothing fresh, and why. */
  tellOfMiss(slot: Slot<unknown>): void
  /** Forgets the value with this fingerprint, which the API refused: in memory, then in the file. */
  reject(slot: Slot<unknown>, fingerprint: string): void
  /** Waits for every flight, at most `timeout` ms, then aborts the rest. Never rejects. */
  settle(timeout: number): Promise<void>
}

/** Makes the slow path of an engine; what the engine shares from the start becomes part of its parts. */
export function createSlowPath(shared: Shared, store: Store): SlowPath {
  const late = shared.runtime ?? systemRuntime
  const onProblem: FileWriterOptions['onProblem'] = (key, reason) => shared.emit({ type: 'file-error', key, reason })
  const crowds = createCrowds(shared.clock)
  // Those who have waited for this to be loaded came before anybody could have them share. They are a crowd apart, for they
  // are given what is served, the others what is made of it.
  const early = createCrowds(shared.clock)
  const parts: Parts = Object.assign(shared, {
    join: crowds.join,
    store,
    runtime: late,
    policy: { ...DEFAULT_POLICY, ...shared.policy },
    server: createServerClock(shared.clock, shared),
    fileTier: shared.file && createFileTier(shared.file, { runtime: late, onProblem }),
    seal: sealerOf(shared),
    environment: undefined,
    opening: undefined,
    storeDownUntil: 0,
    storeFault: undefined,
  })
  const { runtime, policy, server, clock, emit, flights } = parts

  const begin = <T>(slot: Slot<T>, ask: Ask): Promise<Entry<T>> => {
    const controller = new AbortController()
    // A refresh beside the caller may take its time; one that spends something must end while the caller is there.
    const isFree = parts.background > 0 && slot.subject.source.exclusive === undefined
    const timeout = Math.max(ask.timeout, isFree ? policy.timeout : 0)
    const flight = converge(
      parts,
      slot,
      { ...ask, timeout, rejected: ask.rejected ?? slot.aside?.rejected?.[0] },
      controller.signal,
    ).finally(() => {
      asideOf(slot).flight = undefined
      tidyAside(slot)
      flights.delete(flight)
    })
    // Whoever waits sees the rejection; a refresh beside the handler tells by events.
    flight.catch(() => {})
    asideOf(slot).flight = flight
    flights.set(flight, controller)
    return flight
  }

  /** The instant, by `clock.fast()`, until which an entry lives that was just handed out. */
  const endOf = <T>(slot: Slot<T>, entry: Entry<T>): number => {
    if (slot.entry === entry) return slot.usableUntil
    // Others were handed it a moment ago, and one of them has rejected it since.
    if (hasRefused(slot, entry.fingerprint)) return 0
    return clock.fast() + entry.hardExpiry - (server.latest() ?? runtime.wall())
  }

  /** A usable value that nobody needs to wait for, and a refresh of it begun where that is due. */
  const withoutWaiting = <T>(slot: Slot<T>, ask: Ask): Entry<T> | undefined => {
    const usable = usableEntry(parts, slot, ask)
    if (usable === undefined) return undefined
    const now = clock.fast()
    const held = slot.aside?.flight !== undefined || now < (slot.aside?.hold?.until ?? 0)
    if (!held && parts.background > 0 && now >= slot.freshUntil) begin(slot, ask)
    return held || parts.background > 0 || now < slot.freshUntil ? usable : undefined
  }

  const get = async <T>(slot: Slot<T>, ask: Ask, crowd: Crowd): Promise<Entry<T>> => {
    const endsAt = clock.fast() + ask.timeout
    for (let attempt = 0; attempt < MAX_FLIGHTS; attempt += 1) {
      const usable = withoutWaiting(slot, ask)
      if (usable !== undefined) {
        const stale = clock.fast() >= slot.freshUntil
        const left = remaining(parts, slot)
        tell(slot, crowd, crowd.size, { type: 'hit', key: slot.key, tier: 'memory', stale, remaining: left })
        return usable
      }
      const left = endsAt - clock.fast()
      const alive = usableEntry(parts, slot, { ...ask, minLifetime: 0 })
      const cooling = slot.aside?.flight === undefined ? await coolingError(parts, slot) : undefined
      if (cooling !== undefined && alive === undefined) throw cooling
      if (cooling !== undefined || left <= 0) return alive ?? timedOut(slot, ask)
      const flight = slot.aside?.flight
      const joined = flight !== undefined
      const result = await atMost(runtime, left, flight ?? begin(slot, { ...ask, timeout: left }))
      if (result.outcome === 'failed') {
        const still = usableEntry(parts, slot, { ...ask, minLifetime: 0 })
        if (still !== undefined) return still
        // The flight of a caller with less time, or of one who has given up.
        if (joined && result.cause instanceof TimeoutError) continue
        throw result.cause
      }
      if (result.outcome !== 'done') return usableEntry(parts, slot, { ...ask, minLifetime: 0 }) ?? timedOut(slot, ask)
      // The environment may have been frozen on the way, longer than the value lived.
      if (endOf(slot, result.value) - clock.fast() < 1) continue
      if (!joined && crowd.size === 1) return result.value
      // A flight that was joined half-way may not know what was asked here.
      if (usableEntry(parts, slot, ask) !== result.value) continue
      tell(slot, crowd, joined ? crowd.size : crowd.size - 1, { type: 'shared', key: slot.key })
      return result.value
    }
    return usableEntry(parts, slot, { ...ask, minLifetime: 0 }) ?? timedOut(slot, ask)
  }

  const answer = async <T>(
    slot: Slot<T>,
    wish: Wish,
    before: Entry<T> | undefined,
    crowd: Crowd,
  ): Promise<Served<T>> => {
    const entry = await get(slot, { ...wish, timeout: wish.timeout ?? policy.timeout }, crowd)
    const tier = entry === slot.entry ? slot.tier : 'source'
    const until = endOf(slot, entry)
    return { entry, tier: entry === before ? 'memory' : tier, remaining: () => lifeUntil(clock, until) }
  }

  /** An event for each of so many of a crowd. */
  const tell = (slot: Slot<unknown>, crowd: Crowd, times: number, event: WarmEvent): void => {
    crowds.close(slot, crowd)
    early.close(slot, crowd)
    for (let n = 0; n < times && parts.listening(); n += 1) emit(event)
  }

  return {
    get: (slot, wish, before, crowd) =>
      crowd === undefined
        ? early.join(slot, wish, (joined = { size: 1 }) => answer(slot, wish, before, joined))
        : answer(slot, wish, before, crowd),
    tellOfMiss(slot) {
      const { key } = slot
      // It says by itself why a file was not accepted.
      parts.fileTier?.read(key)
      tellOfShut(parts, slot)
      emit({ type: 'miss', key, tier: 'file' })
    },
    reject(slot, fingerprint) {
      const { key } = slot
      // Compare, then replace: a value that is not the refused one is a newer one.
      if (slot.entry !== undefined && slot.entry.fingerprint !== fingerprint) return
      const aside = asideOf(slot)
      const others = (aside.rejected ?? []).filter((one) => one !== fingerprint)
      aside.rejected = [fingerprint, ...others.slice(0, MAX_REJECTED - 1)]
      Object.assign(slot, { entry: undefined, freshUntil: 0, usableUntil: 0, view: undefined })
      emit({ type: 'reject', key, fingerprint })
      if (parts.fileTier?.read(key)?.lifetime.fingerprint === fingerprint) parts.fileTier.remove(key)
    },
    async settle(timeout) {
      await atMost(runtime, Math.max(0, timeout - ABORT_GRACE), Promise.allSettled(flights.keys()))
      // Another invocation of this environment may still be waiting for them.
      if (parts.background > 0) return
      for (const controller of flights.values()) controller.abort()
      await atMost(runtime, ABORT_GRACE, Promise.allSettled(flights.keys()))
    },
  }
}

function timedOut(slot: Slot<unknown>, ask: Ask): never {
  const { key } = slot
  throw new TimeoutError(`no value for ${key} within ${Math.round(ask.timeout)} ms`, { key })
}
