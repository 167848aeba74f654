import { timingSafeEqual } from 'node:crypto'
import type { SigningContext } from './canonical-request.ts'
import { canonicalRequest, sha256Hex, sign, signingKey } from './canonical-request.ts'
import { S3Error } from './s3-error.ts'
import type { S3Head } from './s3-request.ts'

/** A key pair that may sign requests. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** What a verified signature says, needed again to verify the chunks of a streamed body. */
export interface Authentication {
  readonly context: SigningContext
  readonly signature: string
  readonly payloadHash: string
}

interface Claim {
  readonly accessKeyId: string
  readonly scope: string
  readonly timestamp: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly payloadHash: string
  /** Instant in ms after which the request is refused. */
  readonly validUntil: number
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html: requests older than this are refused.
const CLOCK_SKEW_MS = 15 * 60_000
const MAX_PRESIGNED_SECONDS = 604_800

/**
 * Verifies Signature Version 4, in the `Authorization` header or in a presigned URL.
 *
 * Written here because the signing libraries on npm choose themselves which headers to sign and how to encode the path;
 * a verifier must take both from the request.
 *
 * @throws S3Error when the request is unsigned, badly signed, too old, or signed with an unknown key.
 */
export function authenticate(
  head: S3Head,
  { credentials, now }: { readonly credentials: readonly S3Credentials[]; readonly now: number },
): Authentication {
  const claim = readClaim(head)
  const known = credentials.find(({ accessKeyId }) => accessKeyId === claim.accessKeyId)
  if (!known) throw new S3Error('InvalidAccessKeyId', 'The access key ID you provided does not exist in our records.')
  if (now > claim.validUntil || now < timestampMs(claim.timestamp) - CLOCK_SKEW_MS) {
    throw new S3Error(
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
    )
  }
  const context = {
    key: signingKey(known.secretAccessKey, claim.scope),
    timestamp: claim.timestamp,
    scope: claim.scope,
  }
  const expected = sign(context, [sha256Hex(canonicalRequest({ ...claim, ...head, query: signedQuery(head) }))])
  if (!sameText(expected, claim.signature)) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the one you provided.',
    )
  }
  return { context, signature: claim.signature, payloadHash: claim.payloadHash }
}

/** Compares two signatures without telling by time where they differ. */
export function sameText(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one, 'latin1'), Buffer.from(other, 'latin1'))
}

function readClaim(head: S3Head): Claim {
  const authorization = head.headers.get('authorization')
  if (authorization !== undefined) return headerClaim(head, authorization)
  if (queryValue(head, 'X-Amz-Algorithm') === 'AWS4-HMAC-SHA256') return queryClaim(head)
  throw new S3Error('AccessDenied', 'Anonymous requests are not allowed.')
}

function headerClaim(head: S3Head, authorization: string): Claim {
  const pattern =
    /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([\da-f]{64})$/
  const [, credential, names, signature] = pattern.exec(authorization) ?? []
  if (!credential || !names || !signature) throw malformed('The authorization header is not Signature Version 4.')
  const payloadHash = head.headers.get('x-amz-content-sha256')
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  const timestamp = head.headers.get('x-amz-date') ?? ''
  const signedHeaders = requireHost(names)
  const validUntil = timestampMs(timestamp) + CLOCK_SKEW_MS
  return { ...readCredential(credential, timestamp), timestamp, signedHeaders, signature, payloadHash, validUntil }
}

function queryClaim(head: S3Head): Claim {
  const timestamp = queryValue(head, 'X-Amz-Date')
  const seconds = Number(queryValue(head, 'X-Amz-Expires'))
  if (!(seconds > 0 && seconds <= MAX_PRESIGNED_SECONDS)) throw malformed('X-Amz-Expires must be 1 to 604800 seconds.')
  return {
    ...readCredential(queryValue(head, 'X-Amz-Credential'), timestamp),
    timestamp,
    signedHeaders: requireHost(queryValue(head, 'X-Amz-SignedHeaders')),
    signature: queryValue(head, 'X-Amz-Signature'),
    payloadHash: head.headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
    validUntil: timestampMs(timestamp) + seconds * 1000,
  }
}

function readCredential(credential: string, timestamp: string): Pick<Claim, 'accessKeyId' | 'scope'> {
  const [, accessKeyId, scope, day] = /^([^/]+)\/((\d{8})\/[^/]+\/s3\/aws4_request)$/.exec(credential) ?? []
  if (!accessKeyId || !scope || !day)
    throw malformed('The credential is not of the form KEY/DAY/REGION/s3/aws4_request.')
  if (!timestamp.startsWith(day)) throw malformed('The day of the credential is not the day of the request.')
  return { accessKeyId, scope }
}

function requireHost(names: string): readonly string[] {
  const signedHeaders = names.split(';')
  if (!signedHeaders.includes('host')) throw malformed('The host header must be signed.')
  return signedHeaders
}

function signedQuery(head: S3Head): S3Head['query'] {
  return head.query.filter(([name]) => name !== 'X-Amz-Signature')
}

function queryValue(head: S3Head, name: string): string {
  return head.query.find(([candidate]) => candidate === name)?.[1] ?? ''
}

function timestampMs(timestamp: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? []
  const instant = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(instant)) throw new S3Error('AccessDenied', 'The request needs a valid x-amz-date.')
  return instant
}

function malformed(message: string): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', message)
}
