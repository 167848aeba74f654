import type { ReadOptions, Seen, Store } from '../../contracts.ts'
import type { MissContext } from '../context.ts'

/** Reads that are sent together at the end of this turn. */
const pending = new WeakMap<Store, PendingRead[]>()

/** A read that waits for others. */
interface PendingRead {
  readonly key: string
  readonly options: ReadOptions
  readonly resolve: (seen: Seen | Promise<Seen>) => void
}

/** Reads a key: by one call with the other prefetched keys whose reads begin in this turn, else alone. */
export function readTogether(
  { store, runtime, prefetchKeys }: MissContext,
  key: string,
  options: ReadOptions,
): Promise<Seen> {
  // Another attempt, and every later read, goes alone.
  if (!prefetchKeys.delete(key) || store.readMany === undefined) return store.read(key, options)
  return new Promise((resolve) => {
    const reads = pending.get(store)
    if (reads === undefined) runtime.after(0, () => void send(store))
    pending.set(store, [...(reads ?? []), { key, options, resolve }])
  })
}

async function send(store: Store): Promise<void> {
  const reads = pending.get(store) ?? []
  pending.delete(store)
  const found = reads.length > 1 ? await readAll(store, reads) : []
  // Keys that the answer leaves out are read one by one, and so is every key when the store failed: each read then has its
  // own error.
  const readAlone = async ({ key, options }: PendingRead): Promise<Seen> => store.read(key, options)
  for (const [index, read] of reads.entries()) read.resolve(found[index] ?? readAlone(read))
}

async function readAll(store: Store, reads: readonly PendingRead[]): Promise<readonly (Seen | undefined)[]> {
  const keys = reads.map(({ key }) => key)
  const consistent = reads.some(({ options }) => options.consistent)
  const signal = whenAllAborted(reads.map(({ options }) => options.signal))
  try {
    const found = await store.readMany?.(keys, { consistent, signal })
    return keys.map((key) => found?.get(key))
  } catch {
    return []
  }
}

/** Aborts when the last of the signals has: one caller that gives up must not end what others wait for. */
export function whenAllAborted(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController()
  let left = signals.length
  const count = (): void => {
    left -= 1
    if (left === 0) controller.abort()
  }
  for (const signal of signals) {
    if (signal.aborted) count()
    else signal.addEventListener('abort', count, { once: true })
  }
  return controller.signal
}
