import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadOptions, Seen, Store, Swap, Swapped } from '@warmtoken/core'
import { timeOf } from './clock.ts'
import { mayHaveLanded } from './doubt.ts'
import type { S3StoreOptions } from './s3.ts'
import { s3Fault, unsafe } from './s3-failure.ts'
import { s3Objects } from './s3-objects.ts'
import { probeConditions, UNSAFE_TAG } from './s3-probe.ts'
import { sdkError } from './sdk-error.ts'

/** How often a PUT is repeated that met another one under way (409: nothing landed), and how long it waits, in ms. */
const MAX_REPEATS = 3
const REPEAT_AFTER = 10
const REPEAT_SPREAD = 20

/** The store's calls on a client. Loaded with the first of them. */
export async function s3Calls(options: S3StoreOptions): Promise<Pick<Store, 'read' | 'swap'>> {
  const { bucket, probe = true } = options
  const { get, put } = await s3Objects(options)
  /** Whether the server is known to honor conditions, and what it did if it does not. */
  let probed: { readonly certain: boolean; readonly lie?: string | undefined } = { certain: !probe }

  const prove = async (key: string, signal: AbortSignal): Promise<void> => {
    probed = await probeConditions((condition, body) => put(key, { tag: UNSAFE_TAG, body }, { condition, signal }))
    if (probed.lie !== undefined) throw unsafe(bucket, probed.lie)
  }

  const read = async (key: string, { signal }: ReadOptions): Promise<Seen> => {
    const seen = await get(key, signal).catch((error: unknown) => {
      throw s3Fault(bucket, 's3:GetObject on its objects, and s3:ListBucket on it', error)
    })
    if (seen.image?.tag === UNSAFE_TAG) throw unsafe(bucket, seen.image.body)
    return seen
  }

  /** The record that was in the way. The SDK's own repeat of a request whose answer was lost fails on our own write. */
  const conflictWith = async (key: string, { tag }: Swap, signal: AbortSignal): Promise<Swapped> => {
    const { image, time } = await read(key, { signal, consistent: true })
    if (image?.tag === tag) return { outcome: 'swapped', image, time }
    return { outcome: 'conflict', seen: { image, time } }
  }

  const swap = async (
    key: string,
    wanted: Swap,
    { signal }: { signal: AbortSignal },
    repeats = 0,
  ): Promise<Swapped> => {
    if (probed.lie !== undefined) throw unsafe(bucket, probed.lie)
    const { expected } = wanted
    // An image without a mark came from elsewhere; no ETag is empty, so this asks for the record and writes nothing.
    const condition = expected === undefined ? { IfNoneMatch: '*' as const } : { IfMatch: expected.mark ?? '""' }
    const sent = await put(key, wanted, { condition, signal }).catch((error: unknown) => ({ error }))
    if (!('error' in sent)) {
      if (expected === undefined && !probed.certain) await prove(key, signal)
      return { outcome: 'swapped', ...sent }
    }
    const { error } = sent
    const { name, status } = sdkError(error)
    if (status === 412) {
      return conflictWith(key, wanted, signal).catch((cause: unknown) => ({ outcome: 'unknown', cause }))
    }
    if (status === 404 && name === 'NoSuchKey') {
      return { outcome: 'conflict', seen: { image: undefined, time: timeOf(error) } }
    }
    if (status === 409 && repeats < MAX_REPEATS && !signal.aborted) {
      await sleep(REPEAT_AFTER + REPEAT_SPREAD * Math.random())
      return swap(key, wanted, { signal }, repeats + 1)
    }
    const cause = s3Fault(bucket, 's3:PutObject on its objects', error)
    if (status === 409 || mayHaveLanded(error)) return { outcome: 'unknown', cause }
    throw cause
  }

  return { read, swap: (key, wanted, how) => swap(key, wanted, how) }
}
