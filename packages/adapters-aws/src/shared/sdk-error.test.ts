import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ReplicatedWriteConflictException } from '@aws-sdk/client-dynamodb'
import { isClockSkewError, isThrottlingError, isTransientError } from '@smithy/core/retry'
import { describe, expect, it } from 'vitest'
import { isOfClock } from '../dynamodb/by-https.ts'
import { isRepeated, isThrottled } from './sdk-error.ts'

/** The lists of the installed SDK, which it does not export. */
const require = createRequire(import.meta.url)
const text = readFileSync(require.resolve('@smithy/core/retry'), 'utf8')
function listOf(name: string): readonly string[] {
  const [, list = ''] = new RegExp(`${name} = \\[([^\\]]*)\\]`).exec(text) ?? []
  return list
    .split(',')
    .map((one) => one.trim().replaceAll('"', ''))
    .filter((one) => one !== '')
}
function error(fields: object): Error {
  return Object.assign(new Error('x'), fields)
}
function bySdk(one: Error): boolean {
  return isThrottlingError(one as never) || isTransientError(one as never)
}

const NAMES = ['THROTTLING_ERROR_CODES', 'TRANSIENT_ERROR_CODES', 'CLOCK_SKEW_ERROR_CODES'].flatMap(listOf)
const CODES = ['NODEJS_TIMEOUT_ERROR_CODES', 'NODEJS_NETWORK_ERROR_CODES'].flatMap(listOf)

describe('what the SDK repeats is repeated without it', () => {
  it('has lists to compare', () => {
    expect(NAMES.length).toBeGreaterThan(20)
    expect(CODES.length).toBeGreaterThan(6)
  })

  it.each([
    ...NAMES,
    'AccessDeniedException',
    'ValidationException',
    'ResourceNotFoundException',
    'ItemCollectionSizeLimitExceededException',
    'InternalServerError',
    'ServiceUnavailable',
    'ThrottlingSomethingElse',
  ])('by the name %s', (name) => {
    const one = error({ name, $metadata: { httpStatusCode: 400 } })
    expect(isRepeated(one)).toBe(bySdk(one))
    expect(isThrottled(one)).toBe(isThrottlingError(one as never))
    expect(isOfClock(one)).toBe(isClockSkewError(one as never))
  })

  it.each([200, 400, 403, 404, 408, 409, 413, 429, 500, 501, 502, 503, 504, 505])('by the status %i', (status) => {
    const one = error({ name: 'Other', $metadata: { httpStatusCode: status } })
    expect(isRepeated(one)).toBe(bySdk(one))
  })

  it.each([...CODES, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    'by the code %s of the system',
    (code) => {
      const one = error({ name: 'NetworkError', code })
      expect(isRepeated(one)).toBe(bySdk(one))
    },
  )

  it('by what the model of DynamoDB marks as retryable, and not after an abort', () => {
    const one = new ReplicatedWriteConflictException({ message: 'x', $metadata: { httpStatusCode: 400 } })
    expect([isRepeated(one), bySdk(one)]).toEqual([true, true])
    const aborted = error({ name: 'AbortError', code: 'ECONNRESET' })
    expect([isRepeated(aborted), bySdk(aborted)]).toEqual([false, false])
  })
})
