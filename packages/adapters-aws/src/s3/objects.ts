import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Image, Seen } from '@warmtoken/core/adapter'
import { abortable } from '@warmtoken/core/adapter'
import { clientSettings, timeOf, watchAmbiguous, watchDate } from '../shared/clients.ts'
import { sdkError } from '../shared/sdk-error.ts'
import type { S3StoreOptions } from './options.ts'

/** What a PUT is conditional on. */
export type Condition = { readonly IfNoneMatch: '*' } | { readonly IfMatch: string }

/** Images as objects in a bucket. Both calls reject with what the SDK throws, and at once when the signal aborts. */
export interface Objects {
  get(key: string, signal: AbortSignal): Promise<Seen>
  put(key: string, image: Image, how: { condition: Condition; signal: AbortSignal }): Promise<Seen & { image: Image }>
}

/** Checksums only where S3 demands them: older S3-compatible servers refuse the new ones, and TLS protects the way. */
function makeClient(options: S3StoreOptions): S3Client {
  return new S3Client({
    ...clientSettings(options),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(options.endpoint !== undefined && { forcePathStyle: true }),
  })
}

/** The objects of a bucket, by GetObject and PutObject alone. */
export async function openObjects(options: S3StoreOptions): Promise<Objects> {
  const { bucket, prefix = 'warmtoken/', client: given } = options
  const client = typeof given === 'function' ? await given() : (given ?? makeClient(options))
  watchDate(client)
  watchAmbiguous(client)
  // No character of a name has a meaning in a path, `.` and `..` included.
  const place = (key: string) => ({ Bucket: bucket, Key: prefix + encodeURIComponent(key).replaceAll('.', '%2E') })

  return {
    async get(key, signal) {
      try {
        const output = await abortable(client.send(new GetObjectCommand(place(key)), { abortSignal: signal }), signal)
        const text = await abortable(output.Body?.transformToString() ?? Promise.resolve(''), signal)
        return { image: imageOf(text, output.ETag), time: timeOf(output) }
      } catch (error) {
        if (sdkError(error).name === 'NoSuchKey') return { image: undefined, time: timeOf(error) }
        throw error
      }
    },
    async put(key, { body, tag }, { condition, signal }) {
      // The tag is in the body: an ETag is a hash of the content or, for an encrypted object, of something unknown.
      const text = `${tag}\n${body}`
      const command = new PutObjectCommand({ ...place(key), Body: text, ...condition })
      const output = await abortable(client.send(command, { abortSignal: signal }), signal)
      return { image: imageOf(text, output.ETag), time: timeOf(output) }
    },
  }
}

/** The image in an object. One without a first line was written by someone else: an image that no tag can match. */
function imageOf(text: string, mark: string | undefined): Image {
  const end = text.indexOf('\n')
  return { body: text.slice(end + 1), tag: text.slice(0, Math.max(0, end)), ...(mark !== undefined && { mark }) }
}
