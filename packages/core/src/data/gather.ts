/** Sends reads of several callers together while a batch is in progress, and bounds the writes in flight. @module */

import type { ReadOptions, Runtime, Seen, Store } from '../contracts.ts'
import { whenAllAborted } from '../engine/miss/batch-reads.ts'

/** How many single reads are in flight at once where the store cannot read many by one request. */
const PARALLEL_READS = 8
/** How many writes of one cache are in flight at once. */
const PARALLEL_SWAPS = 32

/** Reads keys: at once, or together with what others read in the same turn. */
export interface Gather {
  /** Until the returned function is called, what is read in one turn goes by one call of the store. */
  open(): () => void
  readonly isOpen: boolean
  /** Resolves to what is there under each key. Rejects with what the store rejects with. */
  read(store: Store, keys: readonly string[], options: ReadOptions): Promise<ReadonlyMap<string, Seen>>
}

interface PendingRead {
  readonly keys: readonly string[]
  readonly options: ReadOptions
  readonly resolve: (found: Promise<ReadonlyMap<string, Seen>>) => void
}

/** Makes the reads of a cache. `onLack` is told once of a right that reading many needs and that was refused. */
export function createGather(runtime: Pick<Runtime, 'after'>, onLack: (right: string) => void): Gather {
  let openings = 0
  let pending: PendingRead[] = []
  let isLackTold = false

  const readNow = async (store: Store, keys: readonly string[], options: ReadOptions) => {
    const found = await readKeys(store, [...new Set(keys)], options)
    const lacking = isLackTold ? undefined : store.lacks?.()
    if (lacking !== undefined) {
      isLackTold = true
      onLack(lacking)
    }
    return found
  }

  const send = (store: Store): void => {
    const reads = pending
    pending = []
    const signal = whenAllAborted(reads.map(({ options }) => options.signal))
    const keys = reads.flatMap((read) => read.keys)
    const found = readNow(store, keys, { signal, consistent: reads.some(({ options }) => options.consistent) })
    for (const read of reads) read.resolve(found)
  }

  return {
    open() {
      let isClosed = false
      openings += 1
      return () => {
        if (isClosed) return
        isClosed = true
        openings -= 1
      }
    },
    get isOpen() {
      return openings > 0
    },
    read(store, keys, options) {
      if (openings === 0) return readNow(store, keys, options)
      return new Promise((resolve) => {
        if (pending.length === 0) runtime.after(0, () => send(store))
        pending.push({ keys, options, resolve })
      })
    },
  }
}

/** Reads keys by one request, or by several side by side. */
export async function readKeys(
  store: Store,
  keys: readonly string[],
  options: ReadOptions,
): Promise<ReadonlyMap<string, Seen>> {
  if (store.readMany !== undefined && keys.length > 1) return store.readMany(keys, options)
  const found = new Map<string, Seen>()
  const left = keys.values()
  const reader = async (): Promise<void> => {
    for (const key of left) found.set(key, await store.read(key, options))
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, keys.length) }, reader))
  return found
}

/** A bound on writes in flight, and whether there are any. */
export interface Turns {
  /** Resolves once a write may be sent, to what must be called when it is over. */
  take(): Promise<() => void>
  readonly isTaken: () => boolean
}

/** Lets at most 32 writes be in flight at once; others wait for their turn, in order. */
export function createTurns(): Turns {
  const waiting: (() => void)[] = []
  let taken = 0
  const give = (): void => {
    // The next one takes over the place.
    const next = waiting.shift()
    if (next === undefined) taken -= 1
    else next()
  }
  return {
    async take() {
      if (taken >= PARALLEL_SWAPS) await new Promise<void>((resolve) => waiting.push(resolve))
      else taken += 1
      return give
    },
    isTaken: () => taken > 0,
  }
}
