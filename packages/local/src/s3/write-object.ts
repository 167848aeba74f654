import type { Surroundings } from './buckets.ts'
import { requireBucket } from './buckets.ts'
import { decodeComponent } from './canonical-request.ts'
import type { Checksum } from './checksums.ts'
import { noSuchKey, requireReadConditions, requireWriteConditions } from './conditions.ts'
import { S3Error } from './s3-error.ts'
import type { S3Answer, S3Request } from './s3-request.ts'
import type { StoredObject } from './stored-object.ts'
import { encryptionHeaders, etagOf, keptHeaders } from './stored-object.ts'
import { element, xmlDocument } from './xml.ts'

/** PUT /bucket/key */
export function putObject(request: S3Request, surroundings: Surroundings): S3Answer {
  const object = {
    key: request.key,
    body: request.body,
    etag: etagOf(request.body),
    modifiedAt: surroundings.now(),
    headers: keptHeaders(request.headers),
    checksum: request.checksum,
  }
  storeObject(request, surroundings, object)
  return { status: 200, headers: { etag: `"${object.etag}"`, ...writeHeaders(object) } }
}

/** PUT /bucket/key with `x-amz-copy-source`; conditions may be put on the source and on the destination. */
export function copyObject(request: S3Request, surroundings: Surroundings): S3Answer {
  const source = readSource(request, surroundings)
  const replace = request.headers.get('x-amz-metadata-directive')?.toUpperCase() === 'REPLACE'
  const onto = `/${request.bucket}/${request.key}`
  if (!replace && onto === sourcePath(request)) {
    throw new S3Error('InvalidRequest', 'This copy request is illegal: an object is copied onto itself unchanged.')
  }
  const encryption = encryptionHeaders(keptHeaders(request.headers))
  const headers = replace ? keptHeaders(request.headers) : { ...source.headers, ...encryption }
  const object = { ...source, key: request.key, modifiedAt: surroundings.now(), headers, etag: etagOf(source.body) }
  storeObject(request, surroundings, object)
  const children = [
    element('LastModified', new Date(object.modifiedAt).toISOString()),
    element('ETag', `"${object.etag}"`),
  ]
  return { status: 200, headers: encryption, body: xmlDocument('CopyObjectResult', children, true) }
}

/** Puts an object in place if the conditions of the request hold; the one way anything is written. */
export function storeObject(request: S3Request, surroundings: Surroundings, object: StoredObject): void {
  const { objects } = requireBucket(surroundings.buckets, request.bucket)
  if (!surroundings.ignoreConditions) requireWriteConditions(request.headers, objects.get(object.key))
  objects.set(object.key, object)
}

/** The header a checksum travels in. */
export function checksumHeaders(checksum: Checksum | undefined): Readonly<Record<string, string>> {
  if (!checksum) return {}
  return { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, 'x-amz-checksum-type': 'FULL_OBJECT' }
}

function writeHeaders(object: StoredObject): Readonly<Record<string, string>> {
  return { ...checksumHeaders(object.checksum), ...encryptionHeaders(object.headers) }
}

function readSource(request: S3Request, { buckets }: Surroundings): StoredObject {
  const [, bucketName = '', key = ''] = /^\/([^/]+)\/(.+)$/s.exec(sourcePath(request)) ?? []
  if (key === '') throw new S3Error('InvalidArgument', 'x-amz-copy-source must be of the form bucket/key.')
  const source = requireBucket(buckets, bucketName).objects.get(key)
  if (!source) throw noSuchKey()
  requireReadConditions(request.headers, source, 'x-amz-copy-source-')
  return source
}

function sourcePath(request: S3Request): string {
  const source = decodeComponent(request.headers.get('x-amz-copy-source') ?? '')
  return source.startsWith('/') ? source : `/${source}`
}
