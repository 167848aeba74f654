/** A sweep over the index: every key whose writes wait is drained, some at once, within the time that is left. @module */

import { readKeys } from '../data/gather.ts'
import { attemptRead } from '../engine/miss/record-io.ts'
import { drainKey } from './drain-key.ts'
import type { BehindHome } from './home.ts'
import { shardForm, toSight } from './records.ts'
import type { DrainOptions, DrainReport } from './types.ts'

/** The time of a drain for which nobody says how much there is, in ms. */
const DEFAULT_TIME = 60_000
const NEVER = new AbortController().signal

/** A key in the index, with its mark. */
export type Entry = readonly [journalKey: string, mark: string]

/** Reads the whole index. Rejects with `StoreError`. */
export async function readIndex(home: BehindHome): Promise<readonly Entry[]> {
  const { context, keys, shards } = home
  const [key = ''] = keys.shards
  const { value: found, sentAt } = await attemptRead(context, { key, signal: NEVER }, (signal) =>
    readKeys(context.store, keys.shards, { signal, consistent: true }),
  )
  return keys.shards.flatMap((shard) => {
    const seen = found.get(shard) ?? { image: undefined, time: undefined }
    const sight = toSight(context, shardForm(shard), seen, sentAt)
    shards.set(shard, sight)
    return [...sight.value]
  })
}

/** Drains every key of the index once. Rejects with `StoreError` when the index cannot be read. */
export async function drainAll(home: BehindHome, options: DrainOptions): Promise<DrainReport> {
  const { clock, runtime } = home.context
  const endsAt = clock.fast() + DEFAULT_TIME
  const { remaining = () => endsAt - clock.fast(), signal } = options
  const entries = await readIndex(home)
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
  return { applied, keys: entries.length, ...counts }
}
