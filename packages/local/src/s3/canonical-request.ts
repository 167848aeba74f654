import { createHash, createHmac } from 'node:crypto'
import { S3Error } from './s3-error.ts'

/** What a client signed, as far as it travels in the request. */
export interface SignedParts {
  readonly method: string
  /** Percent-encoded path as it was received. */
  readonly path: string
  /** Decoded query parameters in the order received, without the signature itself. */
  readonly query: readonly (readonly [string, string])[]
  /** Values by lower-case header name. */
  readonly headers: ReadonlyMap<string, string>
  /** Lower-case names of the headers under the signature. */
  readonly signedHeaders: readonly string[]
  /** Value of `x-amz-content-sha256`. */
  readonly payloadHash: string
}

/** The canonical request of Signature Version 4, in S3's flavor: the path is encoded once and never normalized. */
export function canonicalRequest(parts: SignedParts): string {
  const path = parts.path.split('/').map(decodeComponent).map(encodeComponent).join('/')
  const query = parts.query
    .map(([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`)
    .sort()
    .join('&')
  const headers = parts.signedHeaders.map((name) => `${name}:${canonicalValue(parts.headers.get(name) ?? '')}\n`)
  return [parts.method, path, query, headers.join(''), parts.signedHeaders.join(';'), parts.payloadHash].join('\n')
}

/** Credential scope and instant that a signature is bound to. */
export interface SigningContext {
  readonly key: Buffer
  /** `20260101T000000Z` */
  readonly timestamp: string
  /** `20260101/us-east-1/s3/aws4_request` */
  readonly scope: string
}

/** Signs one string-to-sign body; `kind` is what follows `AWS4-HMAC-SHA256`, e.g. `-PAYLOAD` for a chunk. */
export function sign(context: SigningContext, lines: readonly string[], kind = ''): string {
  const text = [`AWS4-HMAC-SHA256${kind}`, context.timestamp, context.scope, ...lines].join('\n')
  return hmac(context.key, text).toString('hex')
}

/** Derives the key that a day, region and service are signed with. */
export function signingKey(secretAccessKey: string, scope: string): Buffer {
  return scope.split('/').reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secretAccessKey}`))
}

/** Hex SHA-256. A string is hashed byte by byte as node:http delivers it, so that UTF-8 header values survive. */
export function sha256Hex(content: Buffer | string): string {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  return createHash('sha256').update(bytes).digest('hex')
}

/** Percent-decodes; throws S3Error `InvalidURI` when the encoding is broken. */
export function decodeComponent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI.")
  }
}

/** Percent-encodes everything but RFC 3986's unreserved characters. */
export function encodeComponent(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
}

function canonicalValue(value: string): string {
  return value.trim().replace(/\s+/g, ' ')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
