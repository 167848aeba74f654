import { createHash, randomBytes } from 'node:crypto'
import type { Surroundings, Upload } from './buckets.ts'
import { requireBucket } from './buckets.ts'
import { S3Error } from './s3-error.ts'
import type { S3Answer, S3Request } from './s3-request.ts'
import { parameter } from './s3-request.ts'
import { encryptionHeaders, etagOf, keptHeaders } from './stored-object.ts'
import { checksumHeaders, storeObject } from './write-object.ts'
import { contentsOf, element, parent, textOf, xmlDocument } from './xml.ts'

const MAX_PARTS = 10_000
const MIN_PART_BYTES = 5 * 1024 * 1024

/** POST /bucket/key?uploads */
export function beginUpload(request: S3Request, { buckets }: Surroundings): S3Answer {
  const uploadId = randomBytes(16).toString('hex')
  const headers = keptHeaders(request.headers)
  requireBucket(buckets, request.bucket).uploads.set(uploadId, { key: request.key, headers, parts: new Map() })
  const children = [element('Bucket', request.bucket), element('Key', request.key), element('UploadId', uploadId)]
  const body = xmlDocument('InitiateMultipartUploadResult', children, true)
  return { status: 200, headers: encryptionHeaders(headers), body }
}

/** PUT /bucket/key?partNumber=N&uploadId=U; a part sent again replaces the earlier one. */
export function uploadPart(request: S3Request, surroundings: Surroundings): S3Answer {
  const { upload } = requireUpload(request, surroundings)
  if (request.headers.has('x-amz-copy-source'))
    throw new S3Error('NotImplemented', 'UploadPartCopy is not implemented.')
  const number = Number(parameter(request, 'partNumber'))
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive')
  }
  const etag = etagOf(request.body)
  upload.parts.set(number, { body: request.body, etag, modifiedAt: surroundings.now() })
  const headers = { ...checksumHeaders(request.checksum), ...encryptionHeaders(upload.headers) }
  return { status: 200, headers: { etag: `"${etag}"`, ...headers } }
}

/** POST /bucket/key?uploadId=U: joins the parts; the conditions of a PUT apply here and only here. */
export function completeUpload(request: S3Request, surroundings: Surroundings): S3Answer {
  const { uploads, uploadId, upload } = requireUpload(request, surroundings)
  const parts = chosenParts(request.body.toString(), upload)
  const body = Buffer.concat(parts.map((part) => part.body))
  const digests = createHash('md5').update(Buffer.from(parts.map((part) => part.etag).join(''), 'hex'))
  const etag = `${digests.digest('hex')}-${parts.length}`
  const { headers } = upload
  storeObject(request, surroundings, {
    key: request.key,
    body,
    etag,
    modifiedAt: surroundings.now(),
    headers,
    checksum: undefined,
  })
  uploads.delete(uploadId)
  const children = [
    element('Location', `/${request.bucket}/${request.key}`),
    element('Bucket', request.bucket),
    element('Key', request.key),
    element('ETag', `"${etag}"`),
  ]
  const document = xmlDocument('CompleteMultipartUploadResult', children, true)
  return { status: 200, headers: encryptionHeaders(headers), body: document }
}

/** DELETE /bucket/key?uploadId=U */
export function abortUpload(request: S3Request, surroundings: Surroundings): S3Answer {
  const { uploads, uploadId } = requireUpload(request, surroundings)
  uploads.delete(uploadId)
  return { status: 204 }
}

/** GET /bucket/key?uploadId=U */
export function listParts(request: S3Request, surroundings: Surroundings): S3Answer {
  const { uploadId, upload } = requireUpload(request, surroundings)
  const parts = [...upload.parts]
    .sort(([one], [other]) => one - other)
    .map(([number, part]) =>
      parent('Part', [
        element('PartNumber', number),
        element('LastModified', new Date(part.modifiedAt).toISOString()),
        element('ETag', `"${part.etag}"`),
        element('Size', part.body.length),
      ]),
    )
  const children = [
    element('Bucket', request.bucket),
    element('Key', request.key),
    element('UploadId', uploadId),
    element('IsTruncated', false),
    ...parts,
  ]
  return { status: 200, body: xmlDocument('ListPartsResult', children, true) }
}

function requireUpload(
  request: S3Request,
  { buckets }: Surroundings,
): { readonly uploads: Map<string, Upload>; readonly uploadId: string; readonly upload: Upload } {
  const { uploads } = requireBucket(buckets, request.bucket)
  const uploadId = parameter(request, 'uploadId') ?? ''
  const upload = uploads.get(uploadId)
  if (!upload || upload.key !== request.key) throw new S3Error('NoSuchUpload', 'The specified upload does not exist.')
  return { uploads, uploadId, upload }
}

function chosenParts(xml: string, upload: Upload): readonly { readonly body: Buffer; readonly etag: string }[] {
  const chosen = contentsOf('Part', xml).map((part) => ({
    number: Number(textOf('PartNumber', part)),
    etag: textOf('ETag', part)?.replaceAll('"', ''),
  }))
  if (chosen.length === 0) throw new S3Error('MalformedXML', 'The XML you provided lists no parts.')
  return chosen.map(({ number, etag }, index) => {
    if (number <= (chosen[index - 1]?.number ?? 0)) {
      throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.')
    }
    const part = upload.parts.get(number)
    if (!part || part.etag !== etag) throw new S3Error('InvalidPart', `Part ${number} could not be found.`)
    if (index < chosen.length - 1 && part.body.length < MIN_PART_BYTES) {
      throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size')
    }
    return part
  })
}
