import type { Entry, Store, Tier } from '../contracts.ts'
import { systemClocks } from '../lib/clocks.ts'
import { createFileReader } from '../tiers/file/reader.ts'
import { createMemoryTier } from '../tiers/memory.ts'
import type { MissContext, Served, Shared, Wish } from './context.ts'
import { readFile, within } from './file-hit.ts'
import type { Callers } from './miss/coalesce.ts'
import type { MissPath } from './miss/miss-path.ts'
import type { Refused, Slot, Subject } from './slot.ts'
import { createClock } from './time/clock.ts'
import { isFresh, isVouched, remainingUntil } from './time/freshness.ts'

/** How an engine is made. */
export interface EngineOptions
  extends Pick<Shared, 'codec' | 'place' | 'runtime' | 'policy' | 'emit' | 'listening' | 'names' | 'writeTurn'> {
  /** Returns the store. Called when a value is in neither memory nor file. */
  openStore(): Store | Promise<Store>
  /** The folder of the file tier; `false` for none. */
  readonly directory: string | false
  /** How many entries memory keeps. */
  readonly maxEntries: number
}

/** Keeps values warm. One for each environment and store. */
export interface Engine extends Pick<Shared, 'prefetchKeys'> {
  /** The slot of a key, created when there is none. */
  slot<T>(key: string, subject: Subject<T>): Slot<T>
  /**
   * What `make` returns for the entry in memory, made once for each entry, while the entry is fresh with this much lifetime
   * left, in ms. No I/O, no allocation. All callers of a slot must give the same `make`.
   */
  hit<T, V>(slot: Slot<T>, minLifetime: number, make: (served: Served<T>) => V): V | undefined
  /**
   * Resolves to what `make` returns for a value from the nearest tier, or from the source. Callers with the same wish for a
   * slot may be given the same promise.
   */
  get<T, V>(slot: Slot<T>, wish: Wish, make: (served: Served<T>) => V): Promise<V>
  /**
   * Forgets a value that the API refused, in memory and in the file. Other environments learn of it with the next acquire.
   * Resolves to the fingerprint to ask with; to `undefined` while the rejecting pauses for this value: it is served on.
   */
  reject(slot: Slot<unknown>, refused: Refused): Promise<string | undefined>
  /**
   * Until the returned function is called, refreshes of values that are still usable run in the background. The caller
   * promises to `settle` before the environment may freeze.
   */
  enter(): () => void
  /** Resolves to what the miss path works with, for layers above that write to the store. */
  reach(): Promise<MissContext>
  /** Whether a refresh is in progress. */
  isBusy(): boolean
  /** Waits for every refresh in progress, at most `timeout` ms (default 1,000), then aborts the rest. Never rejects. */
  settle(options?: { readonly timeout?: number }): Promise<void>
}

/** Makes a slot without an entry. */
export function newSlot<T>(key: string, subject: Subject<T>): Slot<T> {
  return {
    key,
    subject,
    entry: undefined,
    tier: 'memory',
    freshUntil: 0,
    usableUntil: 0,
    view: undefined,
    rare: undefined,
  }
}

/** Makes an engine. This is the read path: memory, then the file, then the miss path, which is loaded when it is first needed. */
export function createEngine(options: EngineOptions): Engine {
  const { directory, runtime = systemClocks, openStore, maxEntries } = options
  const clock = createClock(runtime)
  /** How many callers have promised to settle. */
  let entered = 0
  const shared: Shared = {
    ...options,
    file: directory ? createFileReader(directory, runtime) : undefined,
    clock,
    knownTime: {},
    jitter: runtime.random(),
    prefetchKeys: new Set(),
    background: () => entered > 0,
  }
  const { file, emit, prefetchKeys } = shared
  const memory = createMemoryTier<Slot<unknown>>(maxEntries)
  /** Reads of files in progress. */
  const fileReads = new Map<Slot<unknown>, Promise<void>>()

  let loading: Promise<MissPath> | undefined
  let loaded: MissPath | undefined
  const loadMissPath = (): Promise<MissPath> => {
    loading ??= import('./miss/miss-path.ts')
      .then(async ({ createMissPath }) => {
        loaded = createMissPath(shared, await openStore())
        return loaded
      })
      .catch((error: unknown) => {
        loading = undefined
        throw error
      })
    return loading
  }

  const serve = <T>({ usableUntil }: Slot<T>, entry: Entry<T>, tier: Tier = 'memory'): Served<T> => ({
    entry,
    tier,
    remaining: () => remainingUntil(clock, usableUntil),
  })

  const emitHit = ({ key, usableUntil }: Slot<unknown>, tier: 'memory' | 'file'): void =>
    emit({ type: 'hit', key, tier, stale: false, remaining: remainingUntil(clock, usableUntil) })

  /** Another worker of this environment, or the process before this one, may have left a fresh value in the file. */
  const lookIntoFile = async <T>(slot: Slot<T>, rejected: string | undefined): Promise<void> => {
    await readFile(shared, slot, rejected)
    if (isFresh(clock, slot)) emitHit(slot, 'file')
    // Every miss leads to the miss path, which also reports why.
    else (await loadMissPath()).reportFileMiss(slot)
  }

  const answer = async <T>(slot: Slot<T>, wish: Wish, callers: Callers | undefined): Promise<Served<T>> => {
    const startedAt = clock.fast()
    const { entry: before, rare } = slot
    const mayLook = file && !slot.subject.source.exclusive && clock.fast() >= (rare?.hold?.until ?? 0)
    if (mayLook && !rare?.flight && !isFresh(clock, slot)) {
      // However many ask at once, one of them reads.
      const reading = fileReads.get(slot) ?? lookIntoFile(slot, wish.rejected).finally(() => fileReads.delete(slot))
      fileReads.set(slot, reading)
      await within(wish.timeout ?? options.policy?.timeout, reading)
    }
    const { entry, tier } = slot
    if (entry && entry.fingerprint !== wish.rejected && tier === 'file' && isFresh(clock, slot, wish.minLifetime))
      return serve(slot, entry, entry === before ? undefined : tier)
    return (await loadMissPath()).get({ slot, wish, before, callers, startedAt })
  }

  return {
    prefetchKeys,
    slot<T>(key: string, subject: Subject<T>) {
      // A key names its source, so a slot under the same key holds values of the same type.
      const slot = memory(key, () => newSlot(key, subject) as Slot<unknown>) as Slot<T>
      // A source bound again may have a new secret.
      slot.subject = subject
      return slot
    },
    hit<T, V>(slot: Slot<T>, minLifetime: number, make: (served: Served<T>) => V) {
      const { entry } = slot
      if (!entry || !isFresh(clock, slot, minLifetime)) return undefined
      if (shared.listening(slot)) emitHit(slot, 'memory')
      slot.view ??= make(serve(slot, entry))
      // All callers of a slot give the same `make`.
      return slot.view as V
    },
    get(slot, wish, make) {
      const call = async (callers?: Callers) => make(await answer(slot, wish, callers))
      return loaded ? loaded.join(slot, wish, call) : call()
    },
    async reject(slot, refused) {
      const { fingerprint } = refused
      const isCurrent = slot.entry?.fingerprint === fingerprint
      if (isCurrent && isVouched(clock, slot, fingerprint)) {
        emit({ type: 'reject', key: slot.key, fingerprint, paused: true })
        return undefined
      }
      // At once, so that no other caller is handed it any more.
      if (isCurrent) slot.usableUntil = 0
      const { reject } = await loadMissPath()
      reject(slot, refused)
      return fingerprint
    },
    enter() {
      let own = 1
      entered += own
      return () => {
        entered -= own
        own = 0
      }
    },
    reach: async () => (await loadMissPath()).context,
    isBusy: () => loaded?.isBusy() === true,
    async settle(options) {
      await loaded?.settle(options)
    },
  }
}
