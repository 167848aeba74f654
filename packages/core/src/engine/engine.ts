import type { Entry, Store } from '../contracts.ts'
import { createFileReader, type FileTierOptions } from '../tiers/file.ts'
import { createMemoryTier } from '../tiers/memory.ts'
import { createClock, createServerClock } from './clock.ts'
import { forget, readFile, remaining } from './keep.ts'
import type { SlowPath } from './slow.ts'
import type { Ask, Shared, Slot, Subject } from './subject.ts'

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
  /** Resolves to an entry from the nearest tier, or from the source. */
  get<T>(slot: Slot<T>, ask: Ask): Promise<Entry<T>>
  /** Tells the life left of an entry that was just handed out, at least, in ms. */
  lifeOf<T>(slot: Slot<T>, entry: Entry<T>): () => number
  /**
   * Forgets the entry with this fingerprint, in memory at once, then in the file; others learn of it with the next
   * acquire.
   */
  reject(slot: Slot<unknown>, fingerprint: string): Promise<void>
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
  const { directory, runtime, emit } = options
  const clock = createClock(runtime)
  const onProblem: FileTierOptions['onProblem'] = (key, reason) => emit({ type: 'file-error', key, reason })
  const parts: Shared = {
    ...options,
    file: directory === false ? undefined : createFileReader({ directory, runtime, onProblem }),
    clock,
    server: createServerClock(clock),
    share: runtime.random(),
    flights: new Map(),
    background: 0,
  }
  const memory = createMemoryTier<Slot<unknown>>(options.maxEntries)

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
      pending: undefined,
      booked: undefined,
      flight: undefined,
      looking: undefined,
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

  let slow: Promise<SlowPath> | undefined
  const loadSlow = (): Promise<SlowPath> => {
    slow ??= Promise.all([import('./slow.ts'), options.openStore()]).then(([{ createSlowPath }, store]) =>
      createSlowPath({ shared: parts, store, lifeOf }),
    )
    slow.catch(() => {
      slow = undefined
    })
    return slow
  }

  /** Another worker of this environment, or the process before this one, may have left a fresh value in the file. */
  const look = async <T>(slot: Slot<T>, rejected: string | undefined): Promise<void> => {
    const { key } = slot.subject
    const found = await readFile(parts, slot, rejected ?? slot.rejected)
    slot.looking = undefined
    const stale = clock.fast() >= slot.freshUntil
    if (found && !stale) emit({ type: 'hit', key, tier: 'file', stale, remaining: remaining(parts, slot) })
    else emit({ type: 'miss', key, tier: 'file' })
  }

  /** However many ask at once, one of them looks. */
  const lookInFile = (slot: Slot<unknown>, rejected: string | undefined): Promise<void> | undefined => {
    const now = clock.fast()
    if (
      parts.file === undefined ||
      slot.subject.exclusive ||
      slot.flight ||
      now < Math.max(slot.holdUntil, slot.freshUntil)
    )
      return
    slot.looking ??= look(slot, rejected)
    return slot.looking
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
    async get(slot, ask) {
      await lookInFile(slot, ask.rejected)
      const { entry } = slot
      const isFresh = entry !== undefined && clock.fast() < slot.freshUntil && entry.fingerprint !== ask.rejected
      if (isFresh && slot.tier === 'file' && remaining(parts, slot) > ask.minLife) return entry
      return (await loadSlow()).get(slot, ask)
    },
    lifeOf,
    async reject(slot, fingerprint) {
      // Compare, then replace: a value that is not the refused one is a newer one.
      if (slot.entry !== undefined && slot.entry.fingerprint !== fingerprint) return
      slot.rejected = fingerprint
      forget(slot)
      emit({ type: 'reject', key: slot.subject.key, fingerprint })
      if (parts.file !== undefined) (await loadSlow()).reject(slot, fingerprint)
    },
    enter() {
      let entered = 1
      parts.background += entered
      return () => {
        parts.background -= entered
        entered = 0
      }
    },
    async settle(timeout) {
      if (parts.flights.size > 0) await (await loadSlow()).settle(timeout)
    },
  }
}
