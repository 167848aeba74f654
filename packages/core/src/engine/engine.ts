import type { Codec, Entry, Listener, Runtime, Store } from '../contracts.ts'
import { createFileTier } from '../tiers/file.ts'
import { createMemoryTier } from '../tiers/memory.ts'
import { createClock, createServerClock } from './clock.ts'
import { forget, readFile, remaining } from './keep.ts'
import type { Policy } from './policy.ts'
import type { SlowPath } from './slow.ts'
import type { Ask, Parts, Slot, Subject } from './subject.ts'

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
  const { runtime, emit } = options
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
    policy: options.policy,
    clock,
    server: createServerClock(clock),
    environment: undefined,
    share: runtime.random(),
    emit,
    listening: options.listening,
    flights: new Map(),
    background: 0,
    storeDownUntil: 0,
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
    slow ??= import('./slow.ts').then(({ createSlowPath }) => createSlowPath(parts, lifeOf))
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
    if (parts.file === undefined || slot.flight !== undefined || now < slot.holdUntil || now < slot.freshUntil) return
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
    reject(slot, fingerprint) {
      // Compare, then replace: a value that is not the refused one is a newer one.
      if (slot.entry !== undefined && slot.entry.fingerprint !== fingerprint) return
      slot.rejected = fingerprint
      forget(slot)
      if (parts.file?.read(slot.subject.key)?.fingerprint === fingerprint) parts.file.remove(slot.subject.key)
      emit({ type: 'reject', key: slot.subject.key, fingerprint })
    },
    enter() {
      parts.background += 1
      let left = false
      return () => {
        if (!left) parts.background -= 1
        left = true
      }
    },
    async settle(timeout) {
      if (parts.flights.size > 0) await (await loadSlow()).settle(timeout)
    },
  }
}
