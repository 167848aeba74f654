/** Loaders of many values by one call. @module */

import type { Runtime } from '../contracts.ts'
import { whenAllAborted } from '../engine/miss/batch-reads.ts'
import { misuse } from '../lib/options.ts'
import { asMistake } from './kept.ts'
import type { LoadContext, LoadManyContext } from './types.ts'

/** How many values one call of `loadMany` is asked for at most. */
const MAX_LIST = 500
/** How long the first load waits for leases that are asked for in the same batch, in ms. It holds its own meanwhile. */
const MAX_HOLD = 200
/** How often it looks whether they are there, in ms. */
const STEP = 5

type Load<V> = (params: unknown, context: LoadContext<V>) => unknown
type LoadMany<V> = (list: readonly unknown[], context: LoadManyContext<V>) => unknown

/** When loads are gathered. */
export interface LoadGathering {
  /** Whether a batch is in progress: otherwise each value is loaded alone. */
  readonly isOpen: () => boolean
  /** Whether leases are being asked for, or values published. */
  readonly isWriting: () => boolean
  readonly runtime: Pick<Runtime, 'after'>
}

interface Wanted<V> {
  readonly params: unknown
  readonly context: LoadContext<V>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Makes the loader of a resource that may load many values at once. What was won is loaded; nothing waits for others' leases. */
export function gatherLoads<V>(
  load: Load<V>,
  loadMany: LoadMany<V>,
  { isOpen, isWriting, runtime }: LoadGathering,
): Load<V> {
  let wanted: Wanted<V>[] = []

  const flush = (held: number): void => {
    if (isWriting() && held < MAX_HOLD && wanted.length < MAX_LIST) {
      runtime.after(STEP, () => flush(held + STEP))
      return
    }
    const all = wanted
    wanted = []
    for (let start = 0; start < all.length; start += MAX_LIST)
      void callLoadMany(loadMany, all.slice(start, start + MAX_LIST))
  }

  return (params, context) => {
    if (!isOpen()) return load(params, context)
    return new Promise((resolve, reject) => {
      if (wanted.length === 0) runtime.after(0, () => flush(0))
      wanted.push({ params, context, resolve, reject })
    })
  }
}

/** Settles what is wanted by one call. An error in the list is that of its value only. */
async function callLoadMany<V>(loadMany: LoadMany<V>, wanted: readonly Wanted<V>[]): Promise<void> {
  try {
    const each = wanted.map(({ context }) => context)
    const context = { each, signal: whenAllAborted(each.map(({ signal }) => signal)) }
    const params = wanted.map((one) => one.params)
    const given = await loadMany(params, context)
    const results = asMistake(() => checkResults(given, wanted.length))
    for (const [index, { resolve, reject }] of wanted.entries()) {
      const result: unknown = results[index]
      if (result instanceof Error) reject(result)
      else resolve(result)
    }
  } catch (error) {
    for (const { reject } of wanted) reject(error)
  }
}

function checkResults(given: unknown, count: number): readonly unknown[] {
  if (Array.isArray(given) && given.length === count) return given
  return misuse('loadMany', `return a list of ${count} results, in the order of what was asked for`)
}
