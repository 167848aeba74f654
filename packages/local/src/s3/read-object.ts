import type { Surroundings } from './buckets.ts'
import { requireBucket } from './buckets.ts'
import { noSuchKey, requireReadConditions } from './conditions.ts'
import { S3Error } from './s3-error.ts'
import type { S3Answer, S3Request } from './s3-request.ts'
import type { StoredObject } from './stored-object.ts'
import { checksumHeaders } from './write-object.ts'

/** GET and HEAD /bucket/key, whole or one range of it; the caller omits the body for HEAD. */
export function readObject(request: S3Request, { buckets }: Surroundings): S3Answer {
  const object = requireBucket(buckets, request.bucket).objects.get(request.key)
  if (!object) throw noSuchKey()
  const validators = { etag: `"${object.etag}"`, 'last-modified': new Date(object.modifiedAt).toUTCString() }
  try {
    requireReadConditions(request.headers, object)
  } catch (error) {
    if (error instanceof S3Error && error.code === 'NotModified') return { status: 304, headers: validators }
    throw error
  }
  const headers = { ...object.headers, ...validators, 'accept-ranges': 'bytes' }
  const range = readRange(request.headers.get('range'), object)
  if (range) {
    const contentRange = `bytes ${range.first}-${range.last}/${object.body.length}`
    const body = object.body.subarray(range.first, range.last + 1)
    return { status: 206, headers: { ...headers, 'content-range': contentRange }, body }
  }
  const wantsChecksum = request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED'
  const checksum = checksumHeaders(wantsChecksum ? object.checksum : undefined)
  return { status: 200, headers: { ...headers, ...checksum }, body: object.body }
}

function readRange(
  header: string | undefined,
  { body: { length } }: StoredObject,
): { readonly first: number; readonly last: number } | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  // A header in another form, such as several ranges, is ignored and the whole object sent.
  if (from === '' && to === '') return undefined
  const first = from === '' ? Math.max(0, length - Number(to)) : Number(from)
  const last = from === '' || to === '' ? length - 1 : Math.min(Number(to), length - 1)
  if (first > last) throw new S3Error('InvalidRange', 'The requested range is not satisfiable')
  return { first, last }
}
