import type { IncomingMessage } from 'node:http'
import { parseTarget } from '../http/parse-target.ts'
import { decodeComponent } from './canonical-request.ts'
import type { Checksum } from './checksums.ts'
import { S3Error } from './s3-error.ts'

/** A request before its body was read. */
export interface S3Head {
  readonly method: string
  /** Percent-encoded path as it was received. */
  readonly path: string
  /** Decoded parameters in the order received. */
  readonly query: readonly (readonly [string, string])[]
  /** Values by lower-case name; repeated headers are joined with commas. */
  readonly headers: ReadonlyMap<string, string>
  /** First segment of the path; empty for the service itself. */
  readonly bucket: string
  /** The rest of the path, decoded; empty for the bucket itself. */
  readonly key: string
}

/** A request whose signature and checksums have been verified. */
export interface S3Request extends S3Head {
  /** The content, with `aws-chunked` framing already taken off. */
  readonly body: Buffer
  /** The checksum the client sent, if any. */
  readonly checksum: Checksum | undefined
}

/** An answer, ready to be written. */
export interface S3Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

const MAX_KEY_BYTES = 1024

/** Reads method, target and headers; addresses are path-style, as SDKs use for an IP address. */
export function parseHead(request: IncomingMessage): S3Head {
  const { path, query } = parseTarget(request.url ?? '/')
  const slash = path.indexOf('/', 1)
  const bucket = decodeComponent(slash < 0 ? path.slice(1) : path.slice(1, slash))
  const key = slash < 0 ? '' : decodeComponent(path.slice(slash + 1))
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new S3Error('KeyTooLongError', 'Your key is too long.')
  return { method: request.method ?? 'GET', path, query: parseQuery(query), headers: joinHeaders(request), bucket, key }
}

/** First value of a query parameter, or undefined when it is absent. */
export function parameter(request: S3Head, name: string): string | undefined {
  return request.query.find(([candidate]) => candidate === name)?.[1]
}

function parseQuery(query: string): readonly (readonly [string, string])[] {
  if (query === '') return []
  return query.split('&').map((pair) => {
    const equals = pair.indexOf('=')
    if (equals < 0) return [decodeComponent(pair), '']
    return [decodeComponent(pair.slice(0, equals)), decodeComponent(pair.slice(equals + 1))]
  })
}

function joinHeaders({ rawHeaders }: IncomingMessage): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    const value = rawHeaders[at + 1] ?? ''
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`)
  }
  return headers
}
