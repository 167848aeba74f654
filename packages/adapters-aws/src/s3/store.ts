import type { ReadOptions, Seen, Store, Swap, Swapped } from '@warmtoken/core/adapter'
import { mayHaveBeenApplied, overtaken, pause, type StoreFault, storeFault } from '@warmtoken/core/adapter'
import { timeOf } from '../shared/clients.ts'
import { awsFault, type Remedy } from '../shared/faults.ts'
import { isAmbiguous, type SdkError, sdkError } from '../shared/sdk-error.ts'
import { type Condition, openObjects } from './objects.ts'
import type { S3StoreOptions } from './options.ts'

/** How often a PUT is repeated that met another one in progress (409: nothing was applied), and after how long, in ms. */
const MAX_REPEATS = 3
const REPEAT_AFTER = 10
const REPEAT_SPREAD = 20

/** The store's calls on a client. Loaded with the first of them. */
export async function makeCalls(options: S3StoreOptions): Promise<Pick<Store, 'read' | 'swap'>> {
  const { bucket, probe = true } = options
  const { get, put } = await openObjects(options)
  /** Whether the server is known to honor conditions, and what it did otherwise. */
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

  /** The record in the way. A repeat by the SDK, after a lost answer, fails on our own write. */
  const conflictWith = async (
    key: string,
    { tag }: Swap,
    { signal, isOpen }: { readonly signal: AbortSignal; readonly isOpen: boolean },
  ): Promise<Swapped> => {
    const { image, time } = await read(key, { signal, consistent: true })
    if (image?.tag === tag) return { outcome: 'swapped', image, time }
    // An earlier attempt may have been applied, and replaced by others since.
    if (isOpen) return { outcome: 'unknown', cause: overtaken() }
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
    // An image without a mark came from another store. No ETag is empty, so nothing is written and the record is read.
    const condition = expected === undefined ? { IfNoneMatch: '*' as const } : { IfMatch: expected.mark ?? '""' }
    const sent = await put(key, wanted, { condition, signal }).catch((error: unknown) => ({ error }))
    if (!('error' in sent)) {
      if (expected === undefined && !probed.certain) await prove(key, signal)
      return { outcome: 'swapped', ...sent }
    }
    const { error } = sent
    const { name, status } = sdkError(error)
    if (status === 412) {
      const how = { signal, isOpen: mayHaveBeenApplied(error) }
      return conflictWith(key, wanted, how).catch((cause: unknown) => ({ outcome: 'unknown', cause }))
    }
    if (status === 404 && name === 'NoSuchKey') {
      return { outcome: 'conflict', seen: { image: undefined, time: timeOf(error) } }
    }
    if (status === 409 && repeats < MAX_REPEATS && !signal.aborted) {
      await pause(REPEAT_AFTER + REPEAT_SPREAD * Math.random(), signal).catch(() => {})
      return swap(key, wanted, { signal }, repeats + 1)
    }
    const cause = s3Fault(bucket, 's3:PutObject on its objects', error)
    if (status === 409 || isAmbiguous(error)) return { outcome: 'unknown', cause }
    throw cause
  }

  return { read, swap: (key, wanted, how) => swap(key, wanted, how) }
}

/** The tag of what is written only where conditions are ignored. */
const UNSAFE_TAG = 'warmtoken-unsafe'

/** Conditions that cannot hold for an object that has just been created, and what a server that says 200 has done. */
const IMPOSSIBLE: readonly (readonly [Condition, string])[] = [
  [{ IfNoneMatch: '*' }, 'it answered 200 to two creates (If-None-Match: *) of one object'],
  [{ IfMatch: '"00000000000000000000000000000000"' }, 'it answered 200 to a write with the wrong ETag (If-Match)'],
]

/**
 * Tests, right after a create, whether the server honors conditions. `put` writes over that object. Resolves to what the
 * server did wrong, or to `undefined`. A server that honors them refuses both writes and nothing changes; on another one,
 * what is written tells every later reader, at no cost to them.
 */
async function probeConditions(
  put: (condition: Condition, told: string) => Promise<unknown>,
): Promise<{ readonly lie: string | undefined; readonly certain: boolean }> {
  const answers = await Promise.allSettled(IMPOSSIBLE.map(([condition, told]) => put(condition, told)))
  const lied = answers.findIndex(({ status }) => status === 'fulfilled')
  const certain = answers.every((answer) => answer.status === 'rejected' && isRefusal(sdkError(answer.reason).status))
  return { lie: IMPOSSIBLE[lied]?.[1], certain }
}

/** Only a server that honors conditions answers that one failed (412) or met another conditional write (409). */
function isRefusal(status: number | undefined): boolean {
  return status === 412 || status === 409
}

/** The fault for whatever the client threw from a request that needs this permission. */
function s3Fault(bucket: string, permission: string, error: unknown): StoreFault {
  return awsFault(`S3 bucket ${bucket}`, error, (one) => remedyOf(one, bucket, permission))
}

/** What an operator must do about an error of S3. */
export function remedyOf({ name, message }: SdkError, bucket: string, permission: string): Remedy | undefined {
  if (name.startsWith('KMS.') || (name === 'AccessDenied' && /\bkms:/i.test(message))) {
    const must = 'the role needs kms:Decrypt and kms:GenerateDataKey on it, and it must be enabled'
    return { code: 'STORE_DENIED', message: `the KMS key of the bucket cannot be used; ${must}` }
  }
  if (name === 'AccessDenied') return { code: 'STORE_DENIED', message: `access denied; the role needs ${permission}` }
  if (name === 'NoSuchBucket')
    return {
      code: 'STORE_MISSING',
      message: `it does not exist; serverless.yml makes it with "BucketName: ${bucket}" under resources, Type AWS::S3::Bucket`,
    }
  if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed')
    return { code: 'STORE_REFUSED', message: 'it is in another region; set the option region' }
  return undefined
}

/** The fault of a server that ignores conditions. */
function unsafe(bucket: string, lie: string): StoreFault {
  return storeFault(
    `S3 bucket ${bucket}: its server does not honor conditional writes: ${lie}. Two environments would overwrite each ` +
      'other. Use a server that honors them, and delete the objects of this store there',
    { code: 'STORE_UNSAFE', retryable: false },
  )
}
