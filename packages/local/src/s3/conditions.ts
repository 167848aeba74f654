import { S3Error } from './s3-error.ts'
import type { StoredObject } from './stored-object.ts'

type Headers = ReadonlyMap<string, string>

/**
 * Decides whether a write (PUT, copy, completed upload) may replace what is there.
 *
 * @throws S3Error 412 when the condition fails, 404 when `If-Match` names an object that is gone, 501 when
 *   `If-None-Match` is anything but `*`.
 */
export function requireWriteConditions(headers: Headers, current: StoredObject | undefined): void {
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', {
      Header: 'If-None-Match',
    })
  }
  if (ifNoneMatch === '*' && current) throw preconditionFailed('If-None-Match')
  const ifMatch = headers.get('if-match')
  if (ifMatch === undefined) return
  if (!current) throw noSuchKey()
  if (!matches(ifMatch, current.etag)) throw preconditionFailed('If-Match')
}

/**
 * Decides whether a deletion may happen. An object that is already gone meets every condition, as on S3.
 *
 * @throws S3Error 412 when `ifMatch` names another object than the one that is there.
 */
export function requireDeleteCondition(ifMatch: string | undefined, current: StoredObject | undefined): void {
  if (ifMatch !== undefined && current && !matches(ifMatch, current.etag)) throw preconditionFailed('If-Match')
}

/**
 * Decides whether a GET or HEAD is answered with the object; `prefix` is `x-amz-copy-source-` for a copy's source.
 * An entity tag takes precedence over a date, as RFC 9110 §13.2.2 says.
 *
 * @throws S3Error 412 or 304.
 */
export function requireReadConditions(headers: Headers, current: StoredObject, prefix = ''): void {
  const ifMatch = headers.get(`${prefix}if-match`)
  const unmodifiedSince = readDate(headers.get(`${prefix}if-unmodified-since`))
  if (ifMatch !== undefined ? !matches(ifMatch, current.etag) : wholeSecond(current) > (unmodifiedSince ?? Infinity)) {
    throw preconditionFailed(ifMatch !== undefined ? 'If-Match' : 'If-Unmodified-Since')
  }
  const ifNoneMatch = headers.get(`${prefix}if-none-match`)
  const modifiedSince = readDate(headers.get(`${prefix}if-modified-since`))
  if (
    ifNoneMatch !== undefined
      ? !matches(ifNoneMatch, current.etag)
      : wholeSecond(current) > (modifiedSince ?? -Infinity)
  ) {
    return
  }
  if (prefix !== '') throw preconditionFailed(ifNoneMatch !== undefined ? 'If-None-Match' : 'If-Modified-Since')
  throw new S3Error('NotModified', 'Not Modified')
}

/** The error for a key that holds nothing. */
export function noSuchKey(): S3Error {
  return new S3Error('NoSuchKey', 'The specified key does not exist.')
}

function matches(condition: string, etag: string): boolean {
  // S3 takes entity tags with or without their quotes.
  return condition.split(',').some((candidate) => {
    const tag = candidate.trim().replace(/^W\//, '').replace(/^"|"$/g, '')
    return tag === '*' || tag === etag
  })
}

function readDate(text: string | undefined): number | undefined {
  const instant = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(instant) ? undefined : instant
}

function wholeSecond(object: StoredObject): number {
  return Math.floor(object.modifiedAt / 1000) * 1000
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  })
}
