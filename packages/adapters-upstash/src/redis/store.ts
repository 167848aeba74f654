import type { Image, ReadOptions, Seen, Store, Swap, Swapped } from '@warmtoken/core/adapter'
import { isStoreFault, mayHaveBeenApplied } from '@warmtoken/core/adapter'
import { unreadable } from './faults.ts'
import type { UpstashStoreOptions } from './options.ts'
import { makeRunner } from './run.ts'
import { READ, SWAP } from './scripts.ts'

/** How many keys one script looks at. */
const BATCH = 100

/** The store's calls on a client or a REST URL. Loaded with the first of them. */
export async function makeCalls(
  options: UpstashStoreOptions,
): Promise<Required<Omit<Store, 'name' | 'place' | 'open' | 'forgets'>>> {
  const { prefix = 'warmtoken:' } = options
  const run = await makeRunner(options)

  const look = async (keys: readonly string[], signal: AbortSignal): Promise<readonly Seen[]> => {
    const { time, images } = await run(READ, { keys: keys.map((key) => prefix + key), args: [], signal })
    if (images.length !== keys.length) throw unreadable()
    return images.map((image) => ({ image: imageOf(image), time }))
  }

  const read = async (key: string, { signal }: ReadOptions): Promise<Seen> => {
    const [seen] = await look([key], signal)
    if (seen === undefined) throw unreadable()
    return seen
  }

  const readMany = async (keys: readonly string[], { signal }: ReadOptions): Promise<ReadonlyMap<string, Seen>> => {
    const found = new Map<string, Seen>()
    for (let start = 0; start < keys.length; start += BATCH) {
      const part = keys.slice(start, start + BATCH)
      for (const [index, seen] of (await look(part, signal)).entries()) found.set(part[index] ?? '', seen)
    }
    return found
  }

  const swap = async (
    key: string,
    { expected, body, tag, keepUntil }: Swap,
    { signal }: { signal: AbortSignal },
  ): Promise<Swapped> => {
    const state = expected === undefined ? 'absent' : 'there'
    const args = [state, expected?.tag ?? '', tag, body, String(Math.ceil(keepUntil))]
    try {
      const { time, images } = await run(SWAP, { keys: [prefix + key], args, signal })
      const [image = []] = images
      if (image[0] === 'swapped') return { outcome: 'swapped', image: { body, tag }, time }
      return { outcome: 'conflict', seen: { image: imageOf(image), time } }
    } catch (cause) {
      // What every attempt refused for good was not done; anything else may have been.
      if (isStoreFault(cause) && !cause.retryable && !mayHaveBeenApplied(cause)) throw cause
      return { outcome: 'unknown', cause }
    }
  }

  return { read, readMany, swap }
}

function imageOf([state, tag, body]: readonly unknown[]): Image | undefined {
  if (state === 'absent') return undefined
  if (state !== 'there' || typeof tag !== 'string' || typeof body !== 'string') throw unreadable()
  return { tag: tag.slice(1), body: body.slice(1) }
}
