import type { Surroundings } from './buckets.ts'
import { createBucket, requireBucket } from './buckets.ts'
import { S3Error } from './s3-error.ts'
import type { S3Answer, S3Request } from './s3-request.ts'
import { element, parent, xmlDocument } from './xml.ts'

/** PUT /bucket */
export function putBucket(request: S3Request, { buckets, now }: Surroundings): S3Answer {
  createBucket(buckets, request.bucket, now())
  return { status: 200, headers: { location: `/${request.bucket}` } }
}

/** HEAD /bucket */
export function headBucket(request: S3Request, { buckets }: Surroundings): S3Answer {
  requireBucket(buckets, request.bucket)
  return { status: 200, headers: { 'x-amz-bucket-region': 'us-east-1' } }
}

/** DELETE /bucket: refused while it holds an object. */
export function deleteBucket(request: S3Request, { buckets }: Surroundings): S3Answer {
  const bucket = requireBucket(buckets, request.bucket)
  if (bucket.objects.size > 0) throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty')
  buckets.delete(request.bucket)
  return { status: 204 }
}

/** GET / */
export function listBuckets({ buckets }: Surroundings): S3Answer {
  const entries = [...buckets].map(([name, { createdAt }]) => {
    return parent('Bucket', [element('Name', name), element('CreationDate', new Date(createdAt).toISOString())])
  })
  const owner = parent('Owner', [element('ID', 'local'), element('DisplayName', 'local')])
  return { status: 200, body: xmlDocument('ListAllMyBucketsResult', [owner, parent('Buckets', entries)], true) }
}
