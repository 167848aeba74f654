import type { Entry, Store, Tier } from '../contracts.ts'
import { createFileReader } from '../tiers/file.ts'
import { createMemoryTier } from '../tiers/memory.ts'
import { createClock } from './clock.ts'
import { hitEdges } from './hit-edges.ts'
import { lifeUntil, readFile } from './keep.ts'
import type { SlowPath } from './slow.ts'
import type { Served, Shared, Slot, Subject, Wish } from './subject.ts'

/** How an engine is made. */
export interface EngineOptions extends Pick<Shared, 'codec' | 'runtime' | 'policy' | 'emit' | 'listening'> {
  /** Gives the store: called when a value is in neither memory nor file. */
  openStore(): Store | Promise<Store>
  /** The folder of the file tier; `false` for none. */
  readonly directory: string | false
  /** How many entries memory keeps. */
  readonly maxEntries: number
}

/** Keeps values warm. One for each environment and store. */
export interface Engine {
  /** The slot of a subject, made when there is none. */
  slot<T>(subject: Subject<T>): Slot<T>
  /** Whether memory has a fresh entry with this much life left, in ms. A hit, if so. No I/O, no allocation. */
  isHit(slot: Slot<unknown>, minLife: number): boolean
  /** Hands out the entry of a slot. Default `tier`: `memory`. */
  serve<T>(slot: Slot<T>, entry: Entry<T>, tier?: Tier): Served<T>
  /** Resolves to a value from the nearest tier, or from the source. */
  get<T>(slot: Slot<T>, wish: Wish): Promise<Served<T>>
  /** Forgets the entry with this fingerprint, in memory and in the file; others learn of it with the next acquire. */
  reject(slot: Slot<unknown>, fingerprint: string): Promise<void>
  /**
   * Until the returned function is called, refreshes of values that are still usable run beside the caller. Whoever
   * enters promises to `settle` before the environment may freeze.
   */
  enter(): () => void
  /** Whether anything that was begun is under way. */
  isBusy(): boolean
  /** Waits for everything that was begun, at most `timeout` ms, then aborts it. Never rejects. */
  settle(timeout: number): Promise<void>
}

/** Makes an engine. */
export const createEngine = (options: EngineOptions): Engine => {
  const { directory, runtime = hitEdges, emit, listening, maxEntries, openStore } = options
  const clock = createClock(runtime)
  const parts: Shared = {
    ...options,
    file: directory === false ? undefined : createFileReader({ directory, runtime }),
    clock,
    share: runtime.random(),
    flights: new Map(),
    background: 0,
  }
  const memory = createMemoryTier<Slot<unknown>>(maxEntries)

  let slow: Promise<SlowPath> | undefined
  const loadSlow = (): Promise<SlowPath> => {
    slow ??= import('./slow.ts').then(async ({ createSlowPath }) => createSlowPath(parts, await openStore()))
    slow.catch(() => {
      slow = undefined
    })
    return slow
  }

  const isFresh = (slot: Slot<unknown>, minLife = 0): boolean => {
    const now = clock.fast()
    return now < slot.freshUntil && now + minLife < slot.usableUntil
  }

  const serve: Engine['serve'] = (slot, entry, tier = 'memory') => {
    const { usableUntil } = slot
    return { entry, tier, remaining: () => lifeUntil(clock, usableUntil) }
  }

  const tellOfHit = ({ subject: { key }, usableUntil }: Slot<unknown>, tier: 'memory' | 'file'): void =>
    emit({ type: 'hit', key, tier, stale: false, remaining: lifeUntil(clock, usableUntil) })

  /** Another worker of this environment, or the process before this one, may have left a fresh value in the file. */
  const look = async <T>(slot: Slot<T>, rejected: string | undefined): Promise<void> => {
    const found = (await readFile(parts, slot, rejected)) && isFresh(slot)
    slot.looking = undefined
    if (found) tellOfHit(slot, 'file')
    // The slow path, where every miss leads, tells of it and why.
    slot.missed = !found
  }

  return {
    slot: <T>(subject: Subject<T>) =>
      // A key names its source, so a slot under the same key holds values of the same type.
      memory(subject.key, () => ({ subject, tier: 'memory', freshUntil: 0, usableUntil: 0, holdUntil: 0 })) as Slot<T>,
    isHit(slot, minLife) {
      const isHit = isFresh(slot, minLife)
      if (isHit && listening()) tellOfHit(slot, 'memory')
      return isHit
    },
    serve,
    async get(slot, wish) {
      const before = slot.entry
      const { minLife, rejected = slot.rejected } = wish
      const { exclusive } = slot.subject
      // However many ask at once, one of them looks.
      if (parts.file && !exclusive && !slot.flight && !isFresh(slot) && clock.fast() >= slot.holdUntil) {
        slot.looking ??= look(slot, rejected)
        await slot.looking
      }
      const { entry, tier } = slot
      if (entry && entry.fingerprint !== wish.rejected && tier === 'file' && isFresh(slot, minLife))
        return serve(slot, entry, entry === before ? 'memory' : tier)
      return (await loadSlow()).get(slot, wish, before)
    },
    async reject(slot, fingerprint) {
      if (slot.entry?.fingerprint === fingerprint) {
        // At once, so that no caller beside this one is handed it any more.
        slot.rejected = fingerprint
        slot.freshUntil = 0
      }
      return (await loadSlow()).reject(slot, fingerprint)
    },
    enter() {
      let entered = 1
      parts.background += entered
      return () => {
        parts.background -= entered
        entered = 0
      }
    },
    isBusy: () => parts.flights.size > 0,
    async settle(timeout) {
      if (parts.flights.size > 0) await (await loadSlow()).settle(timeout)
    },
  }
}
