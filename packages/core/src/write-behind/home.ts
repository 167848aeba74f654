/** What the parts of one write-behind share. @module */

import type { KeyTemplate } from '../data/key-template.ts'
import type { StoreContext } from '../engine/context.ts'
import type { BehindListener } from './events.ts'
import type { Journal } from './journal.ts'
import type { Sight } from './records.ts'
import type { BehindKeys, Shard } from './shard.ts'
import type { AppliedWrite, BehindReport } from './types.ts'

/** How many journals an environment remembers, each with its text; and the longest, in characters. */
const MAX_SIGHTS = 200
const MAX_SIGHT = 32_768

/** Values as texts in the journal. */
export interface BehindValues {
  /** The value, checked. Throws `TypeError` or `ValueError` for one that cannot be kept. */
  check(value: unknown): unknown
  /** The same for one that is to be accepted: it must not be too long. */
  checkNew(value: unknown): unknown
  /** Rejects with `StoreError` when the codec fails. */
  seal(value: unknown, key: string, id: string): Promise<string>
  /** Rejects with `StoreError` when it cannot be opened, or the schema refuses it. */
  open(sealed: string, key: string, id: string): Promise<unknown>
}

/** What the parts of one write-behind share. Durations are in ms. */
export interface BehindHome {
  readonly context: StoreContext
  readonly emit: BehindListener
  readonly template: KeyTemplate
  readonly keys: BehindKeys
  readonly values: BehindValues
  readonly apply: (params: unknown, value: unknown, write: AppliedWrite) => unknown
  readonly merge: ((older: unknown, newer: unknown) => unknown) | undefined
  readonly applyTimeout: number
  /** Of a drainer. */
  readonly leaseLength: number
  readonly attempts: number
  readonly onPoison: 'stop' | 'skip'
  readonly timeout: number
  readonly concurrency: number
  /** Journals as they were seen last: a write of a key that waits already costs one request. */
  readonly sights: Sights
  readonly counts: { -readonly [Name in keyof BehindReport]: number }
  /** Puts a journal's key into the index, or takes it out if it still has this mark. Rejects with `StoreError`. */
  readonly mark: (journalKey: string) => Promise<'marked' | 'full'>
  readonly unmark: (journalKey: string, mark: string) => Promise<void>
  readonly shards: Map<string, Sight<Shard>>
  /** By `clock.fast()`, when this environment put a key into the index that should have been there. Bounded. */
  readonly indexedAt: Map<string, number>
  /** Keys that this environment has written since it last settled, bounded. */
  readonly written: Set<string>
}

/** The last sights of journals, bounded. */
export interface Sights {
  get(key: string): Sight<Journal> | undefined
  set(key: string, sight: Sight<Journal>): void
}

/** Makes the memory of journals: the one that was used longest ago is forgotten. */
export function createSights(): Sights {
  const sights = new Map<string, Sight<Journal>>()
  return {
    get: (key) => sights.get(key),
    set(key, sight) {
      sights.delete(key)
      if ((sight.image?.body.length ?? 0) > MAX_SIGHT) return
      sights.set(key, sight)
      const [oldest] = sights.keys()
      if (sights.size > MAX_SIGHTS && oldest !== undefined) sights.delete(oldest)
    },
  }
}

/** Does what is asked for one key in batches, one batch at a time: what comes meanwhile goes together. */
export function createLanes<T>(
  most: number,
  run: (key: string, batch: readonly T[]) => Promise<void>,
): (key: string, item: T) => number {
  const lanes = new Map<string, T[]>()
  const work = async (key: string, waiting: T[]): Promise<void> => {
    // What is asked for in the same turn goes together.
    await Promise.resolve()
    while (waiting.length > 0) await run(key, waiting.splice(0, most))
    lanes.delete(key)
  }
  return (key, item) => {
    const lane = lanes.get(key)
    if (lane !== undefined) return lane.push(item)
    const waiting = [item]
    lanes.set(key, waiting)
    void work(key, waiting)
    return 1
  }
}
