/** Puts keys into the index and takes them out: changes of one record that are asked for together go together. @module */

import type { StoreContext } from '../engine/context.ts'
import { type BehindHome, createLanes } from './home.ts'
import { changeRecord, isFull, type Sight, shardForm } from './records.ts'
import type { BehindKeys, Shard } from './shard.ts'

/** How many changes of one record go by one request. */
const MAX_BATCH = 200

type Answer = 'marked' | 'full' | 'unmarked'

interface Wanted {
  readonly key: string
  /** It is to be taken out, if it still has this mark; left out: it is to be put in, with a new one. */
  readonly unmark?: string
  answer: Answer
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** Makes what changes the index. */
export function createIndex({
  context,
  keys,
  timeout,
}: {
  readonly context: StoreContext
  readonly keys: BehindKeys
  readonly timeout: number
}): Pick<BehindHome, 'mark' | 'unmark' | 'shards'> {
  const shards = new Map<string, Sight<Shard>>()

  const changeShard = async (shardKey: string, batch: readonly Wanted[]): Promise<void> => {
    try {
      const result = await changeRecord<Shard>(context, {
        form: shardForm(shardKey),
        from: shards.get(shardKey),
        endsAt: context.clock.fast() + timeout,
        next: (there) => applyAll(there, batch, context.runtime.unique),
      })
      if (result.outcome === 'ended') throw result.error
      shards.set(shardKey, result.sight)
      for (const { answer, resolve } of batch) resolve(answer)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
  const enqueue = createLanes<Wanted>(MAX_BATCH, changeShard)
  const ask = (wanted: Pick<Wanted, 'key' | 'unmark'>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      enqueue(keys.shardOf(wanted.key), { ...wanted, answer: 'unmarked', resolve, reject })
    })

  return {
    shards,
    async mark(key) {
      return (await ask({ key })) === 'full' ? 'full' : 'marked'
    },
    async unmark(key, mark) {
      await ask({ key, unmark: mark })
    },
  }
}

/**
 * The record with all changes of a batch; `undefined` when there is nothing to change. Each try puts a mark that no other has
 * put: a sweep may have read that of an earlier one, and would take the key out.
 */
function applyAll(there: Shard, batch: readonly Wanted[], unique: () => string): Shard | undefined {
  const next = new Map(there)
  let isChanged = false
  for (const wanted of batch) {
    const { key, unmark } = wanted
    if (unmark === undefined) {
      wanted.answer = isFull(next) && !next.has(key) ? 'full' : 'marked'
      if (wanted.answer === 'full') continue
      next.set(key, unique())
      isChanged = true
    } else if (next.get(key) === unmark) {
      next.delete(key)
      isChanged = true
    }
  }
  return isChanged ? next : undefined
}
