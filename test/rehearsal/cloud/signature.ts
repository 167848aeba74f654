import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** A key pair, with the session token that a role's keys come with. */
export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** A request as it came over the wire. */
export interface SignedRequest {
  readonly method: string
  /** Path and query, as they were sent. */
  readonly target: string
  /** Values by lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** What a signature says of its request before it is verified. */
export interface Claim {
  readonly accessKeyId: string
  readonly region: string
  /** Short name of the service, as in `dynamodb`. */
  readonly service: string
}

interface Parsed extends Claim {
  readonly scope: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

const HEADER =
  /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/((\d{8})\/([^/]+)\/([^/]+)\/aws4_request),\s*SignedHeaders=([^,\s]+),\s*Signature=([\da-f]{64})$/
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html: a request is valid for five minutes.
const VALID_MS = 5 * 60_000

/** Who signed which service's request; undefined when the request is not signed by Signature Version 4. */
export function readClaim(request: SignedRequest): Claim | undefined {
  return parse(request)
}

/** What is wrong with the signature; undefined when it is right for these keys. */
export function faultOf(request: SignedRequest, keys: Keys): string | undefined {
  const parsed = parse(request)
  const timestamp = request.headers.get('x-amz-date') ?? ''
  if (parsed === undefined) return 'the request is not signed'
  if (parsed.accessKeyId !== keys.accessKeyId) return 'the request is signed with another key'
  if (request.headers.get('x-amz-security-token') !== keys.sessionToken) return 'the session token is another'
  const instant = Date.parse(timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(Date.now() - instant) <= VALID_MS)) return 'Signature expired'
  const text = ['AWS4-HMAC-SHA256', timestamp, parsed.scope, sha256(canonicalRequest(request, parsed))].join('\n')
  const key = parsed.scope.split('/').reduce<Buffer>(hmac, Buffer.from(`AWS4${keys.secretAccessKey}`))
  const expected = hmac(key, text)
  return timingSafeEqual(expected, Buffer.from(parsed.signature, 'hex')) ? undefined : 'the signature does not match'
}

function parse({ headers }: SignedRequest): Parsed | undefined {
  const [, accessKeyId, scope, , region, service, names, signature] =
    HEADER.exec(headers.get('authorization') ?? '') ?? []
  if (!accessKeyId || !scope || !region || !service || !names || !signature) return undefined
  return { accessKeyId, scope, region, service, signedHeaders: names.split(';'), signature }
}

/** As every service but S3 requires it: each part of the path is encoded once more. */
function canonicalRequest({ method, target, headers, body }: SignedRequest, { signedHeaders }: Parsed): string {
  const [path = '/', query = ''] = target.split('?')
  const twice = path.split('/').map(encodeURIComponent).join('/')
  const signed = signedHeaders.map((name) => `${name}:${(headers.get(name) ?? '').trim().replace(/\s+/g, ' ')}\n`)
  const sorted = query.split('&').toSorted().join('&')
  return [method, twice, sorted, signed.join(''), signedHeaders.join(';'), sha256(body)].join('\n')
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
