/** A sweep over the index: every key whose writes wait is drained, some at once, within the time that is left. @module */

import type { Seen } from '../contracts.ts'
import { readKeys } from '../data/gather.ts'
import { attemptRead } from '../engine/miss/record-io.ts'
import { StoreError } from '../errors.ts'
import { drainKey } from './drain-key.ts'
import type { BehindHome } from './home.ts'
import { shardForm, toSight } from './records.ts'
import { SHARDS } from './shard.ts'
import type { DrainOptions, DrainReport } from './types.ts'

/** The time of a drain for which nobody says how much there is, at least, in ms. */
const DEFAULT_TIME = 60_000
/** How many records of the index are read at once where the store reads one by one. */
const PARALLEL_READS = 8
const NOTHING: Seen = { image: undefined, time: undefined }
const NEVER = new AbortController().signal

/** A key in the index, with its mark. */
export type Entry = readonly [journalKey: string, mark: string]

/** What the index holds. */
export interface IndexRead {
  readonly entries: readonly Entry[]
  /** How many of its records could not be read. */
  readonly unseen: number
}

/** Reads the whole index: by one request, or record by record where the store reads only one at a time. */
export async function readIndex(home: BehindHome): Promise<IndexRead> {
  const { context, keys, shards } = home
  const isMany = context.store.readMany !== undefined
  const entries: Entry[] = []
  let unseen = 0
  let failure: unknown
  const readSome = async (some: readonly string[]): Promise<void> => {
    try {
      const { value: found, sentAt } = await attemptRead(context, { key: some[0] ?? '', signal: NEVER }, (signal) =>
        readKeys(context.store, some, { signal, consistent: true }),
      )
      for (const key of some) {
        const sight = toSight(context, shardForm(key), found.get(key) ?? NOTHING, sentAt)
        shards.set(key, sight)
        entries.push(...sight.value)
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      failure = error
      unseen += some.length
    }
  }
  const parts = (isMany ? [keys.shards] : keys.shards.map((key) => [key])).values()
  const reader = async (): Promise<void> => {
    for (const part of parts) await readSome(part)
  }
  await Promise.all(Array.from({ length: PARALLEL_READS }, reader))
  if (unseen === SHARDS) throw failure
  return { entries, unseen }
}

/** Drains every key of the index once. Rejects with `StoreError` when nothing of the index can be read. */
export async function drainAll(home: BehindHome, options: DrainOptions): Promise<DrainReport> {
  const { clock, runtime } = home.context
  const endsAt = clock.fast() + Math.max(DEFAULT_TIME, 2 * home.applyTimeout)
  const { remaining = () => endsAt - clock.fast(), signal } = options
  const { entries, unseen } = await readIndex(home)
  const counts = { drained: 0, failed: 0, waiting: 0, busy: 0, poisoned: 0, left: 0, unreadable: 0 }
  let applied = 0
  // From somewhere in the middle: drains that run at once meet less often, and a short one leaves others out each time.
  const from = Math.floor(runtime.random() * entries.length)
  const todo = [...entries.slice(from), ...entries.slice(0, from)].values()
  const work = async (): Promise<void> => {
    for (const [key, mark] of todo) {
      if (signal?.aborted === true || remaining() <= 0) counts.left += 1
      else {
        const fared = await drainKey(home, key, { mark, remaining, signal })
        counts[fared.outcome] += 1
        applied += fared.applied
      }
    }
  }
  await Promise.all(Array.from({ length: home.concurrency }, work))
  return { applied, keys: entries.length, ...counts, unseen }
}

/** Drains the keys that this environment has written, at most `ms`. Never rejects: what fails is left to the next drain. */
export async function drainWritten(home: BehindHome, ms: number): Promise<void> {
  const { context, keys, shards, written } = home
  const endsAt = context.clock.fast() + ms
  const remaining = (): number => endsAt - context.clock.fast()
  const todo = [...written].values()
  written.clear()
  const work = async (): Promise<void> => {
    for (const key of todo) {
      if (remaining() <= 0) return
      // An older mark does no harm: then the key stays in the index.
      const mark = shards.get(keys.shardOf(key))?.value.get(key)
      await drainKey(home, key, { mark, remaining, isHelping: true })
    }
  }
  await Promise.all(Array.from({ length: home.concurrency }, work))
}
