import { createHash } from 'node:crypto'
import type { Checksum } from './checksums.ts'

/** One object as it is kept. */
export interface StoredObject {
  readonly key: string
  readonly body: Buffer
  /** Entity tag without quotes. */
  readonly etag: string
  /** Instant of the last write, in ms. */
  readonly modifiedAt: number
  /** Headers a reader gets back: content type, metadata, encryption, caching. */
  readonly headers: Readonly<Record<string, string>>
  readonly checksum: Checksum | undefined
}

const KEPT = new Set([
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
])
const ENCRYPTION = 'x-amz-server-side-encryption'

/** The headers of an upload that are kept with the object. */
export function keptHeaders(headers: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' }
  for (const [name, value] of headers) {
    if (!KEPT.has(name) && !name.startsWith('x-amz-meta-') && !name.startsWith(ENCRYPTION)) continue
    // aws-chunked is the framing of the upload, not a property of the object.
    const text = name === 'content-encoding' ? withoutFraming(value) : value
    if (text !== '') kept[name] = text
  }
  return kept
}

/** The encryption headers, which S3 repeats in the answer to a write. */
export function encryptionHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(ENCRYPTION)))
}

/** Entity tag of an object written in one piece: the MD5 of its content. */
export function etagOf(body: Buffer): string {
  return createHash('md5').update(body).digest('hex')
}

function withoutFraming(encoding: string): string {
  return encoding
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== 'aws-chunked')
    .join(',')
}
