import { S3Error } from './s3-error.ts'
import type { StoredObject } from './stored-object.ts'

/** A multipart upload that was started and is not yet completed. */
export interface Upload {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string; readonly modifiedAt: number }>
}

/** One bucket: everything is in memory and every operation runs to its end without yielding, so each is atomic. */
export interface Bucket {
  readonly objects: Map<string, StoredObject>
  readonly uploads: Map<string, Upload>
  readonly createdAt: number
}

/** All buckets of one server, by name. */
export type Buckets = Map<string, Bucket>

/** What an operation needs besides the request. */
export interface Surroundings {
  readonly buckets: Buckets
  /** Server time in ms. */
  readonly now: () => number
  /** Whether conditional headers of writes are ignored. */
  readonly ignoreConditions: boolean
}

/** Makes an empty bucket; throws S3Error `InvalidBucketName` when S3 would not take the name. */
export function createBucket(buckets: Buckets, name: string, createdAt: number): void {
  if (!/^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/.test(name)) {
    throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name })
  }
  if (buckets.has(name)) throw new S3Error('BucketAlreadyOwnedByYou', 'The bucket already exists and is yours.')
  buckets.set(name, { objects: new Map(), uploads: new Map(), createdAt })
}

/** The bucket of that name; throws S3Error `NoSuchBucket`. */
export function requireBucket(buckets: Buckets, name: string): Bucket {
  const bucket = buckets.get(name)
  if (!bucket) throw new S3Error('NoSuchBucket', 'The specified bucket does not exist', { BucketName: name })
  return bucket
}
