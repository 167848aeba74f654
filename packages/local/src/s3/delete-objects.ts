import type { Surroundings } from './buckets.ts'
import { requireBucket } from './buckets.ts'
import { requireDeleteCondition } from './conditions.ts'
import { S3Error } from './s3-error.ts'
import type { S3Answer, S3Request } from './s3-request.ts'
import { contentsOf, element, parent, textOf, xmlDocument } from './xml.ts'

const MAX_KEYS = 1000

/** DELETE /bucket/key; deleting what is not there succeeds. */
export function deleteObject(request: S3Request, surroundings: Surroundings): S3Answer {
  removeObject(request, surroundings, { key: request.key, ifMatch: request.headers.get('if-match') })
  return { status: 204 }
}

/** POST /bucket?delete: up to 1000 keys, each with its own optional condition and its own outcome. */
export function deleteObjects(request: S3Request, surroundings: Surroundings): S3Answer {
  requireBucket(surroundings.buckets, request.bucket)
  if (!request.checksum && !request.headers.has('content-md5')) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 or x-amz-checksum-*')
  }
  const xml = request.body.toString()
  const wanted = contentsOf('Object', xml).map((object) => ({
    key: textOf('Key', object) ?? '',
    ifMatch: textOf('ETag', object),
  }))
  if (wanted.length === 0 || wanted.length > MAX_KEYS || wanted.some(({ key }) => key === '')) {
    throw new S3Error('MalformedXML', 'The XML you provided was not well-formed or did not validate.')
  }
  const quiet = textOf('Quiet', xml) === 'true'
  const outcomes = wanted.map((object) => {
    try {
      removeObject(request, surroundings, object)
      return quiet ? '' : parent('Deleted', [element('Key', object.key)])
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      const children = [element('Key', object.key), element('Code', error.code), element('Message', error.message)]
      return parent('Error', children)
    }
  })
  return { status: 200, body: xmlDocument('DeleteResult', outcomes, true) }
}

function removeObject(
  request: S3Request,
  { buckets, ignoreConditions }: Surroundings,
  { key, ifMatch }: { readonly key: string; readonly ifMatch: string | undefined },
): void {
  const { objects } = requireBucket(buckets, request.bucket)
  if (!ignoreConditions) requireDeleteCondition(ifMatch, objects.get(key))
  objects.delete(key)
}
