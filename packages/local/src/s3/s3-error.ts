import { element, xmlDocument } from './xml.ts'

/** Name of an S3 error this server answers with. */
export type S3ErrorCode =
  | 'AccessDenied'
  | 'AuthorizationHeaderMalformed'
  | 'BadDigest'
  | 'BucketAlreadyOwnedByYou'
  | 'BucketNotEmpty'
  | 'ConditionalRequestConflict'
  | 'EntityTooLarge'
  | 'EntityTooSmall'
  | 'IncompleteBody'
  | 'InternalError'
  | 'InvalidAccessKeyId'
  | 'InvalidArgument'
  | 'InvalidBucketName'
  | 'InvalidDigest'
  | 'InvalidPart'
  | 'InvalidPartOrder'
  | 'InvalidRange'
  | 'InvalidRequest'
  | 'InvalidURI'
  | 'KeyTooLongError'
  | 'MalformedXML'
  | 'MethodNotAllowed'
  | 'NoSuchBucket'
  | 'NoSuchKey'
  | 'NoSuchUpload'
  | 'NotImplemented'
  | 'NotModified'
  | 'PreconditionFailed'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch'
  | 'SlowDown'
  | 'XAmzContentChecksumMismatch'
  | 'XAmzContentSHA256Mismatch'

const STATUS: Readonly<Record<S3ErrorCode, number>> = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  BadDigest: 400,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  ConditionalRequestConflict: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidDigest: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MethodNotAllowed: 405,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  NotModified: 304,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  XAmzContentChecksumMismatch: 400,
  XAmzContentSHA256Mismatch: 400,
}

/** An answer that is not success; the HTTP status follows from the code. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  /** S3's own name for the error. */
  readonly code: S3ErrorCode
  /** Further elements of the error document, e.g. `Condition`. */
  readonly details: Readonly<Record<string, string>>

  constructor(code: S3ErrorCode, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}

/** HTTP status that S3 sends with an error code. */
export function statusOf(code: S3ErrorCode): number {
  return STATUS[code]
}

/** The XML document that tells an error. */
export function errorDocument(error: {
  readonly code: string
  readonly message: string
  readonly resource: string
  readonly requestId: string
  readonly details?: Readonly<Record<string, string>>
}): string {
  const details = Object.entries(error.details ?? {}).map(([name, value]) => element(name, value))
  return xmlDocument('Error', [
    element('Code', error.code),
    element('Message', error.message),
    ...details,
    element('Resource', error.resource),
    element('RequestId', error.requestId),
  ])
}
