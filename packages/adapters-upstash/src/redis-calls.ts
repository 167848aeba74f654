import type { Image, ReadOptions, Seen, Store, StoreFault, Swap, Swapped } from '@warmtoken/core'
import { isDoubted, unreadable } from './failure.ts'
import type { UpstashStoreOptions } from './redis.ts'
import { makeRunner } from './run.ts'
import { READ, SWAP } from './scripts.ts'

/** How many keys one script looks at. */
const BATCH = 100

type Calls = Required<Omit<Store, 'name' | 'open'>>

/** The store's calls on a client. Loaded with the first of them. */
export async function redisCalls(options: UpstashStoreOptions): Promise<Calls> {
  const { prefix = 'warmtoken:' } = options
  const run = await makeRunner(options)

  const look = async (keys: readonly string[], signal: AbortSignal): Promise<readonly Seen[]> => {
    const { time, images } = await run(READ, { keys: keys.map((key) => prefix + key), args: [], signal })
    if (images.length !== keys.length) throw unreadable()
    return images.map((image) => ({ image: imageOf(image), time }))
  }

  const readMany = async (keys: readonly string[], { signal }: ReadOptions): Promise<ReadonlyMap<string, Seen>> => {
    const found = new Map<string, Seen>()
    for (let start = 0; start < keys.length; start += BATCH) {
      const part = keys.slice(start, start + BATCH)
      const seen = await look(part, signal)
      for (const [index, key] of part.entries()) found.set(key, seen[index] ?? absurd())
    }
    return found
  }

  const swap = async (
    key: string,
    { expected, body, tag, keepUntil }: Swap,
    { signal }: { signal: AbortSignal },
  ): Promise<Swapped> => {
    const args = [
      expected === undefined ? 'absent' : 'there',
      expected?.tag ?? '',
      tag,
      body,
      String(Math.ceil(keepUntil)),
    ]
    try {
      const { time, images } = await run(SWAP, { keys: [prefix + key], args, signal })
      if (images[0]?.[0] === 'swapped') return { outcome: 'swapped', image: { body, tag }, time }
      return { outcome: 'conflict', seen: { image: imageOf(images[0] ?? absurd()), time } }
    } catch (cause) {
      // What was refused for good at every attempt was not done; anything else may have been.
      if ((cause as StoreFault).retryable === false && !isDoubted(cause)) throw cause
      return { outcome: 'unknown', cause }
    }
  }

  return {
    read: async (key, { signal }) => (await look([key], signal))[0] ?? absurd(),
    readMany,
    swap,
  }
}

function imageOf([state, tag, body]: readonly unknown[]): Image | undefined {
  if (state === 'absent') return undefined
  if (state !== 'there' || typeof tag !== 'string' || typeof body !== 'string') throw unreadable()
  return { tag: tag.slice(1), body: body.slice(1) }
}

function absurd(): never {
  throw unreadable()
}
