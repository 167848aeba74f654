import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Image, ReadOptions, Seen, Store, Swap, Swapped } from '@warmtoken/core'
import { abortable, clientSettings } from './client.ts'
import { timeOf, watchDate } from './clock.ts'
import { mayHaveLanded, watchDoubt } from './doubt.ts'
import { type Remedies, sdkError, storeFault } from './failure.ts'
import type { S3StoreOptions } from './s3.ts'
import { type Condition, probeConditions, UNSAFE_TAG, unsafe } from './s3-probe.ts'
import { imageOf, objectName, textOf } from './s3-text.ts'

/** How often a PUT is repeated that met another one under way (409: nothing landed), and how long it waits, in ms. */
const MAX_REPEATS = 3
const REPEAT_AFTER = 10
const REPEAT_SPREAD = 20

/** Checksums only where S3 demands them: older S3-compatibles refuse the new ones, and TLS guards the way. */
const makeClient = (options: S3StoreOptions): S3Client =>
  new S3Client({
    ...clientSettings(options),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(options.endpoint !== undefined && { forcePathStyle: true }),
  })

/** The store's calls on a client. Loaded with the first of them. */
export const s3Calls = async (options: S3StoreOptions): Promise<Pick<Store, 'read' | 'swap'>> => {
  const { bucket, prefix = 'warmtoken/', probe = true, client: given } = options
  const client = typeof given === 'function' ? await given() : (given ?? makeClient(options))
  watchDate(client)
  watchDoubt(client)
  const what = `S3 bucket ${bucket}`
  const failed = (permission: string, error: unknown): Error => storeFault(what, error, remedies(bucket, permission))
  /** Whether the server is known to honor conditions, and what it did if it does not. */
  let isProven = !probe
  let lie: string | undefined

  const putOf = (key: string, image: Pick<Image, 'body' | 'tag'>, condition: Condition): PutObjectCommand =>
    new PutObjectCommand({ Bucket: bucket, Key: objectName(prefix, key), Body: textOf(image), ...condition })

  const read = async (key: string, { signal }: ReadOptions): Promise<Seen> => {
    const command = new GetObjectCommand({ Bucket: bucket, Key: objectName(prefix, key) })
    const seen = await abortable(client.send(command, { abortSignal: signal }), signal)
      .then(async (output) => {
        const text = await abortable(output.Body?.transformToString() ?? Promise.resolve(''), signal)
        return { image: imageOf(text, output.ETag), time: timeOf(output) }
      })
      .catch((error: unknown) => {
        if (sdkError(error).name === 'NoSuchKey') return { image: undefined, time: timeOf(error) }
        throw failed('s3:GetObject on its objects, and s3:ListBucket on it', error)
      })
    if (seen.image?.tag === UNSAFE_TAG) throw unsafe(what, seen.image.body)
    return seen
  }

  /** The record that was in the way. The SDK's own repeat of a request whose answer was lost fails on our own write. */
  const conflictWith = async (key: string, { tag }: Swap, signal: AbortSignal): Promise<Swapped> => {
    const seen = await read(key, { signal, consistent: true })
    return seen.image?.tag === tag
      ? { outcome: 'swapped', image: seen.image, time: seen.time }
      : { outcome: 'conflict', seen }
  }

  const prove = async (key: string, signal: AbortSignal): Promise<void> => {
    const put = (condition: Condition, told: string) =>
      client.send(putOf(key, { tag: UNSAFE_TAG, body: told }, condition), { abortSignal: signal })
    const found = await probeConditions(put)
    isProven = found.certain
    lie = found.lie
    if (lie !== undefined) throw unsafe(what, lie)
  }

  const swap = async (key: string, wanted: Swap, how: { signal: AbortSignal }, repeats = 0): Promise<Swapped> => {
    if (lie !== undefined) throw unsafe(what, lie)
    const { expected, body, tag } = wanted
    const { signal } = how
    // An image without a mark came from elsewhere; no ETag is empty, so this asks for the record and writes nothing.
    const command = putOf(
      key,
      wanted,
      expected === undefined ? { IfNoneMatch: '*' } : { IfMatch: expected.mark ?? '""' },
    )
    const sent = await abortable(client.send(command, { abortSignal: signal }), signal).catch((error: unknown) => ({
      error,
    }))
    if (!('error' in sent)) {
      if (expected === undefined && !isProven) await prove(key, signal)
      return { outcome: 'swapped', image: imageOf(textOf({ body, tag }), sent.ETag), time: timeOf(sent) }
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
      return swap(key, wanted, how, repeats + 1)
    }
    const fault = failed('s3:PutObject on its objects', error)
    if (status === 409 || mayHaveLanded(error)) return { outcome: 'unknown', cause: fault }
    throw fault
  }

  return { read, swap: (key, wanted, how) => swap(key, wanted, how) }
}

const remedies = (bucket: string, permission: string): Remedies => {
  const elsewhere = { code: 'STORE_REFUSED', message: 'it is in another region; set the option region' }
  return {
    AccessDenied: { code: 'STORE_DENIED', message: `access denied; the role needs ${permission}` },
    NoSuchBucket: {
      code: 'STORE_MISSING',
      message: `it does not exist; serverless.yml makes it with "BucketName: ${bucket}" under resources, Type AWS::S3::Bucket`,
    },
    PermanentRedirect: elsewhere,
    AuthorizationHeaderMalformed: elsewhere,
  }
}
