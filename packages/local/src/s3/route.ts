import { deleteBucket, headBucket, listBuckets, putBucket } from './bucket-operations.ts'
import type { Surroundings } from './buckets.ts'
import { deleteObject, deleteObjects } from './delete-objects.ts'
import { listObjects } from './list-objects.ts'
import { abortUpload, beginUpload, completeUpload, listParts, uploadPart } from './multipart.ts'
import { readObject } from './read-object.ts'
import { S3Error } from './s3-error.ts'
import type { S3Answer, S3Request } from './s3-request.ts'
import { parameter } from './s3-request.ts'
import { copyObject, putObject } from './write-object.ts'

type Operation = (request: S3Request, surroundings: Surroundings) => S3Answer

// Sub-resources whose silent neglect would store or return the wrong thing.
const UNSUPPORTED = [
  'accelerate',
  'acl',
  'attributes',
  'cors',
  'encryption',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'notification',
  'object-lock',
  'policy',
  'replication',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'versionId',
  'versioning',
  'versions',
  'website',
]

/** Performs the operation a request asks for. */
export function perform(request: S3Request, surroundings: Surroundings): S3Answer {
  const unsupported = request.query.find(([name]) => UNSUPPORTED.includes(name))?.[0]
  if (unsupported) throw new S3Error('NotImplemented', `The sub-resource ${unsupported} is not implemented.`)
  if (request.headers.has('x-amz-server-side-encryption-customer-algorithm')) {
    throw new S3Error('NotImplemented', 'Encryption with customer-provided keys is not implemented.')
  }
  const operation = choose(request)
  if (!operation) throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.')
  return operation(request, surroundings)
}

function choose(request: S3Request): Operation | undefined {
  if (request.bucket === '') return request.method === 'GET' ? (_request, around) => listBuckets(around) : undefined
  return request.key === '' ? bucketOperation(request) : objectOperation(request)
}

function bucketOperation(request: S3Request): Operation | undefined {
  if (parameter(request, 'uploads') !== undefined) return undefined
  if (request.method === 'POST') return parameter(request, 'delete') === undefined ? undefined : deleteObjects
  const operations: Readonly<Record<string, Operation>> = {
    GET: listObjects,
    HEAD: headBucket,
    PUT: putBucket,
    DELETE: deleteBucket,
  }
  return operations[request.method]
}

function objectOperation(request: S3Request): Operation | undefined {
  const begins = request.method === 'POST' && parameter(request, 'uploads') !== undefined
  if (begins) return beginUpload
  const operations: Readonly<Record<string, Operation>> =
    parameter(request, 'uploadId') === undefined
      ? { GET: readObject, HEAD: readObject, PUT: plainOrCopy, DELETE: deleteObject }
      : { GET: listParts, PUT: uploadPart, POST: completeUpload, DELETE: abortUpload }
  return operations[request.method]
}

function plainOrCopy(request: S3Request, surroundings: Surroundings): S3Answer {
  return request.headers.has('x-amz-copy-source') ? copyObject(request, surroundings) : putObject(request, surroundings)
}
