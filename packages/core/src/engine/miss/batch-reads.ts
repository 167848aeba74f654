import type { ReadOptions, Seen, Store } from '../../contracts.ts'
import type { Parts } from '../context.ts'

/** A read that waits for those beside it. */
interface Waiting {
  readonly key: string
  readonly how: ReadOptions
  readonly resolve: (seen: Seen | Promise<Seen>) => void
}

const gathered = new WeakMap<Store, Waiting[]>()

/** Reads a key: together with the others that are wanted with it and begin in this turn, else by itself. */
export function readGathered({ store, runtime, wanted }: Parts, key: string, how: ReadOptions): Promise<Seen> {
  // Another attempt, and whatever is read later, goes alone.
  if (!wanted.delete(key) || store.readMany === undefined) return store.read(key, how)
  return new Promise((resolve) => {
    const waiting = gathered.get(store)
    if (waiting === undefined) runtime.after(0, () => void send(store))
    gathered.set(store, [...(waiting ?? []), { key, how, resolve }])
  })
}

async function send(store: Store): Promise<void> {
  const waiting = gathered.get(store) ?? []
  gathered.delete(store)
  const found = waiting.length > 1 ? await readAll(store, waiting) : []
  // What the answer leaves out, or a store that failed, is asked for one by one: each read then speaks for itself.
  const alone = async ({ key, how }: Waiting): Promise<Seen> => store.read(key, how)
  for (const [index, one] of waiting.entries()) one.resolve(found[index] ?? alone(one))
}

async function readAll(store: Store, waiting: readonly Waiting[]): Promise<readonly (Seen | undefined)[]> {
  const keys = waiting.map(({ key }) => key)
  const consistent = waiting.some(({ how }) => how.consistent)
  try {
    const found = await store.readMany?.(keys, { consistent, signal: whenAll(waiting.map(({ how }) => how.signal)) })
    return keys.map((key) => found?.get(key))
  } catch {
    return []
  }
}

/** Aborts when the last of them has: whoever gives up must not end what others wait for. */
function whenAll(signals: readonly AbortSignal[]): AbortSignal {
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
