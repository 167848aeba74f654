/** Keys that are newer than the filter: few, in one record, which every environment sees within `recheck`. @module */

import { asFields } from '../lib/parse.ts'
import type { Filter } from './filter.ts'

/** The most new keys. Beyond it every key passes, until the filter is built again. */
export const MAX_RECENT = 1_000
const MAX_KEY = 512

/** New keys, each with the build that was in force when it was added. */
export interface Recent {
  readonly keys: ReadonlyMap<string, number>
  /** More were added than it holds, so the oldest are not in it. */
  readonly isFull: boolean
}

export const NO_RECENT: Recent = { keys: new Map(), isFull: false }

/** Whether it once held more keys than it may, of which the filter may lack some: an absent key cannot be told then. */
export function lacksSome({ keys, isFull }: Recent, { before }: Pick<Filter, 'before'>): boolean {
  // Those that were dropped are older than the oldest that is left.
  const [oldest = 0] = keys.values()
  return isFull && oldest >= before
}

/**
 * Adds keys, and drops those that the filter surely has. A filter that was being built when a key was added may lack it; the
 * one after that has it.
 */
export function addRecent(
  recent: Recent | undefined,
  added: readonly string[],
  filter: Pick<Filter, 'build' | 'before'>,
): Recent {
  const again = new Set(added)
  const kept = [...(recent?.keys ?? [])].filter(([key, seen]) => seen >= filter.before && !again.has(key))
  const all = [...kept, ...added.map((key) => [key, filter.build] as const)]
  const isFull = all.length > MAX_RECENT || (recent !== undefined && lacksSome(recent, filter))
  return { keys: new Map(all.slice(-MAX_RECENT)), isFull }
}

/** Turns new keys into text and back. `parse` throws for what is none. */
export const recentForm = {
  print: ({ keys, isFull }: Recent): string => JSON.stringify({ keys: [...keys], isFull }),
  parse(text: string): Recent {
    const { keys, isFull } = asFields(JSON.parse(text)) ?? {}
    if (!Array.isArray(keys) || keys.length > MAX_RECENT || !keys.every(isAdded) || typeof isFull !== 'boolean')
      throw new TypeError('not a list of keys that was printed here')
    return { keys: new Map(keys), isFull }
  },
}

function isAdded(item: unknown): item is readonly [string, number] {
  const [key, build] = Array.isArray(item) ? (item as readonly unknown[]) : []
  return typeof key === 'string' && key.length <= MAX_KEY && Number.isSafeInteger(build)
}
