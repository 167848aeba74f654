import type { Surroundings } from './buckets.ts'
import { requireBucket } from './buckets.ts'
import { encodeComponent } from './canonical-request.ts'
import { S3Error } from './s3-error.ts'
import type { S3Answer, S3Request } from './s3-request.ts'
import { parameter } from './s3-request.ts'
import type { StoredObject } from './stored-object.ts'
import { element, parent, xmlDocument } from './xml.ts'

const PAGE = 1000

type Entry = { readonly name: string; readonly object: StoredObject | undefined }

/** GET /bucket?list-type=2 */
export function listObjects(request: S3Request, { buckets }: Surroundings): S3Answer {
  if (parameter(request, 'list-type') !== '2') {
    throw new S3Error('NotImplemented', 'Only ListObjectsV2 (list-type=2) is implemented.')
  }
  const prefix = parameter(request, 'prefix') ?? ''
  const delimiter = parameter(request, 'delimiter') ?? ''
  const limit = readLimit(parameter(request, 'max-keys'))
  const token = parameter(request, 'continuation-token')
  const after = token === undefined ? (parameter(request, 'start-after') ?? '') : readToken(token)
  const objects = [...requireBucket(buckets, request.bucket).objects.values()]
  const entries = groupEntries(objects, prefix, delimiter).filter(({ name }) => byBytes(name, after) > 0)
  const page = entries.slice(0, limit)
  const truncated = limit > 0 && entries.length > limit
  const encode = parameter(request, 'encoding-type') === 'url' ? encodeKey : (text: string) => text
  const children = [
    element('Name', request.bucket),
    element('Prefix', encode(prefix)),
    ...(delimiter ? [element('Delimiter', encode(delimiter))] : []),
    element('MaxKeys', limit),
    element('KeyCount', page.length),
    element('IsTruncated', truncated),
    ...(token === undefined ? [] : [element('ContinuationToken', token)]),
    ...(truncated ? [element('NextContinuationToken', writeToken(page.at(-1)?.name ?? ''))] : []),
    ...(encode === encodeKey ? [element('EncodingType', 'url')] : []),
    ...page.map((entry) => describe(entry, encode)),
  ]
  return { status: 200, body: xmlDocument('ListBucketResult', children, true) }
}

/** Objects and common prefixes in one list, because they share the order and the page. */
function groupEntries(objects: readonly StoredObject[], prefix: string, delimiter: string): readonly Entry[] {
  const entries = new Map<string, Entry>()
  for (const object of objects) {
    if (!object.key.startsWith(prefix)) continue
    const end = delimiter ? object.key.indexOf(delimiter, prefix.length) : -1
    const name = end < 0 ? object.key : object.key.slice(0, end + delimiter.length)
    entries.set(name, { name, object: end < 0 ? object : undefined })
  }
  return [...entries.values()].sort((one, other) => byBytes(one.name, other.name))
}

function describe({ name, object }: Entry, encode: (text: string) => string): string {
  if (!object) return parent('CommonPrefixes', [element('Prefix', encode(name))])
  return parent('Contents', [
    element('Key', encode(name)),
    element('LastModified', new Date(object.modifiedAt).toISOString()),
    element('ETag', `"${object.etag}"`),
    element('Size', object.body.length),
    element('StorageClass', object.headers['x-amz-storage-class'] ?? 'STANDARD'),
  ])
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return PAGE
  if (!/^\d{1,9}$/.test(text)) throw new S3Error('InvalidArgument', 'max-keys must be a whole number.')
  return Math.min(Number(text), PAGE)
}

/** S3 orders keys by their UTF-8 bytes, which is not the order of JavaScript strings. */
function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function encodeKey(key: string): string {
  return key.split('/').map(encodeComponent).join('/')
}

function writeToken(name: string): string {
  return Buffer.from(name).toString('base64url')
}

function readToken(token: string): string {
  const name = Buffer.from(token, 'base64url').toString()
  if (writeToken(name) !== token) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect')
  }
  return name
}
