import type { Entry, Store, Tier } from '../contracts.ts'
import { hitEdges } from '../lib/hit-edges.ts'
import { createFileReader } from '../tiers/file/reader.ts'
import { createMemoryTier } from '../tiers/memory.ts'
import type { Served, Shared, Slot, Subject, Wish } from './context.ts'
import { readFile } from './file-hit.ts'
import type { Crowd } from './miss/coalesce.ts'
import type { SlowPath } from './miss/miss-path.ts'
import { createClock } from './time/clock.ts'
import { lifeUntil } from './time/expiry.ts'

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
export interface Engine extends Pick<Shared, 'wanted'> {
  /** The slot of a key, made when there is none. */
  slot<T>(key: string, subject: Subject<T>): Slot<T>
  /**
   * What is made of the entry in memory, once for each, while it is fresh with this much life left, in ms: a hit. No I/O,
   * no allocation. All who ask for a slot make the same.
   */
  hit<T, V>(slot: Slot<T>, minLifetime: number, make: (served: Served<T>) => V): V | undefined
  /**
   * Resolves to what is made of a value from the nearest tier, or from the source. Callers with the same wish for a slot
   * may be given the same promise.
   */
  get<T, V>(slot: Slot<T>, wish: Wish, make: (served: Served<T>) => V): Promise<V>
  /** Forgets the entry with this fingerprint, in memory and in the file; others learn of it with the next acquire. */
  reject(slot: Slot<unknown>, fingerprint: string): Promise<void>
  /**
   * Until the returned function is called, refreshes of values that are still usable run beside the caller. Whoever
   * enters promises to `settle` before the environment may freeze.
   */
  enter(): () => void
  /** Whether anything that was begun is under way. */
  isBusy(): boolean
  /** Waits for everything that was begun, at most `timeout` ms (default 1,000), then aborts it. Never rejects. */
  settle(options?: { readonly timeout?: number }): Promise<void>
}

/** Makes an engine. */
export function createEngine(options: EngineOptions): Engine {
  const { directory, runtime = hitEdges } = options
  const clock = createClock(runtime)
  const parts: Shared = {
    ...options,
    file: directory ? createFileReader(directory, runtime) : undefined,
    clock,
    share: runtime.random(),
    flights: new Map(),
    wanted: new Set(),
    join: (_slot, _wish, call) => call(),
    background: 0,
  }
  /** The looks into the file that are under way. */
  const looks = new Map<Slot<unknown>, Promise<void>>()
  const memory = createMemoryTier<Slot<unknown>>(options.maxEntries)

  let slow: Promise<SlowPath> | undefined
  const loadSlow = (): Promise<SlowPath> => {
    slow ??= import('./miss/miss-path.ts')
      .then(async ({ createSlowPath }) => createSlowPath(parts, await options.openStore()))
      .catch((error: unknown) => {
        slow = undefined
        throw error
      })
    return slow
  }

  const isFresh = (slot: Slot<unknown>, minLifetime = 0): boolean => {
    const now = clock.fast()
    return now < slot.freshUntil && now + minLifetime < slot.usableUntil
  }

  /** Hands out the entry of a slot. */
  const serve = <T>({ usableUntil }: Slot<T>, entry: Entry<T>, tier: Tier = 'memory'): Served<T> => ({
    entry,
    tier,
    remaining: () => lifeUntil(clock, usableUntil),
  })

  const tellOfHit = ({ key, usableUntil }: Slot<unknown>, tier: 'memory' | 'file'): void =>
    parts.emit({ type: 'hit', key, tier, stale: false, remaining: lifeUntil(clock, usableUntil) })

  /** Another worker of this environment, or the process before this one, may have left a fresh value in the file. */
  const look = async <T>(slot: Slot<T>, rejected: string | undefined): Promise<void> => {
    await readFile(parts, slot, rejected)
    if (isFresh(slot)) tellOfHit(slot, 'file')
    // The slow path, where every miss leads, tells of it and why.
    else (await loadSlow()).tellOfMiss(slot)
  }

  const answer = async <T>(slot: Slot<T>, wish: Wish, crowd: Crowd | undefined): Promise<Served<T>> => {
    const { entry: before, aside } = slot
    // However many ask at once, one of them looks.
    const mayLook = parts.file && !slot.subject.source.exclusive && clock.fast() >= (aside?.hold?.until ?? 0)
    if (mayLook && !aside?.flight && !isFresh(slot)) {
      const looking =
        looks.get(slot) ?? look(slot, wish.rejected ?? aside?.rejected?.[0]).finally(() => looks.delete(slot))
      looks.set(slot, looking)
      await looking
    }
    const { entry, tier } = slot
    if (entry && entry.fingerprint !== wish.rejected && tier === 'file' && isFresh(slot, wish.minLifetime))
      return serve(slot, entry, entry === before ? undefined : tier)
    return (await loadSlow()).get(slot, wish, before, crowd)
  }

  return {
    wanted: parts.wanted,
    slot: <T>(key: string, subject: Subject<T>) =>
      // A key names its source, so a slot under the same key holds values of the same type.
      memory(key, () => ({
        key,
        subject,
        entry: undefined,
        tier: 'memory',
        freshUntil: 0,
        usableUntil: 0,
        view: undefined,
        aside: undefined,
      })) as Slot<T>,
    hit<T, V>(slot: Slot<T>, minLifetime: number, make: (served: Served<T>) => V) {
      const { entry } = slot
      if (!entry || !isFresh(slot, minLifetime)) return undefined
      if (parts.listening()) tellOfHit(slot, 'memory')
      slot.view ??= make(serve(slot, entry))
      // Whoever has the slot makes the same of it each time.
      return slot.view as V
    },
    get: (slot, wish, make) => parts.join(slot, wish, async (crowd) => make(await answer(slot, wish, crowd))),
    async reject(slot, fingerprint) {
      // At once, so that no caller beside this one is handed it any more.
      if (slot.entry?.fingerprint === fingerprint) slot.usableUntil = 0
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
    async settle({ timeout = 1_000 } = {}) {
      if (parts.flights.size) await (await loadSlow()).settle(timeout)
    },
  }
}
