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
  /** The mark to put; left out: it is to be taken out, if it still is `unmark`. */
  readonly mark?: string
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
        next: (there) => applyAll(there, batch),
      })
      if (result.outcome === 'ended') throw result.error
      shards.set(shardKey, result.sight)
      for (const { answer, resolve } of batch) resolve(answer)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
  const enqueue = createLanes<Wanted>(MAX_BATCH, changeShard)
  const ask = (wanted: Pick<Wanted, 'key' | 'mark' | 'unmark'>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      enqueue(keys.shardOf(wanted.key), { ...wanted, answer: 'unmarked', resolve, reject })
    })

  return {
    shards,
    async mark(key) {
      // A new mark each time, so that a sweep that read the one before takes nothing out.
      const answer = await ask({ key, mark: context.runtime.unique() })
      return answer === 'full' ? 'full' : 'marked'
    },
    async unmark(key, mark) {
      await ask({ key, unmark: mark })
    },
  }
}

/** The record with all changes of a batch; `undefined` when there is nothing to change. */
function applyAll(there: Shard, batch: readonly Wanted[]): Shard | undefined {
  const next = new Map(there)
  let isChanged = false
  for (const wanted of batch) {
    const { key, mark, unmark } = wanted
    if (mark !== undefined) {
      wanted.answer = isFull(next) && !next.has(key) ? 'full' : 'marked'
      if (wanted.answer === 'full') continue
      next.set(key, mark)
      isChanged = true
    } else if (next.get(key) === unmark) {
      next.delete(key)
      isChanged = true
    }
  }
  return isChanged ? next : undefined
}
