import type { FailureKind } from '../contracts.ts'
import { SameValueError, SourceRefusedError, SourceUnavailableError, type WarmTokenError } from '../errors.ts'
import { MAX_NAME } from '../life.ts'
import { asText } from '../parse.ts'
import type { Failure } from '../record.ts'
import { coolDown } from './backoff.ts'
import { within } from './deadline.ts'
import type { Parts, Slot } from './subject.ts'

/** Sorts what a source threw. Anything that is not one of this library's own errors counts as unavailable. */
export const classify = (error: unknown): { kind: FailureKind; code: string; retryAfter: number | undefined } => {
  if (error instanceof SourceRefusedError) return { kind: 'refused', code: error.code, retryAfter: undefined }
  if (error instanceof SameValueError) return { kind: 'same-value', code: error.code, retryAfter: undefined }
  if (error instanceof SourceUnavailableError)
    return { kind: error.kind, code: error.code, retryAfter: error.retryAfter }
  return { kind: 'unavailable', code: 'SOURCE_FAILED', retryAfter: undefined }
}

/** Fingerprint of the secret in use, where the source has one. A secret store that hangs or fails must not hold the call. */
export const secretOf = async (parts: Parts, slot: Slot<unknown>): Promise<string | undefined> => {
  const { subject } = slot
  if (subject.secretFingerprint === undefined) return undefined
  const ask = async (): Promise<string | undefined> => subject.secretFingerprint?.()
  const result = await within(parts.runtime, parts.policy.sourceTimeout, undefined, ask)
  // What it throws may quote the secret, and is no reason to forget a failure: then it counts as another secret.
  if (result.outcome === 'failed') return ''
  return result.outcome === 'done' ? (asText(result.value, MAX_NAME) ?? '') : undefined
}

/** The failure that follows `before` in the record. */
export const nextFailure = (
  parts: Parts,
  before: Failure | undefined,
  what: ReturnType<typeof classify>,
  secret: string | undefined,
): Failure => {
  const { kind, code, retryAfter } = what
  const count = before !== undefined && before.kind === kind && before.secret === secret ? before.count + 1 : 1
  const pause = coolDown(kind, count, retryAfter, parts.runtime.random())
  const notBefore = Math.ceil((parts.server.latest() ?? parts.runtime.wall()) + pause)
  return { count, kind, code, notBefore, ...(secret !== undefined && { secret }) }
}

/** Keeps the failure in the slot until it is over by the slower clock's word, and returns its error. */
export const rememberFailure = (
  parts: Parts,
  slot: Slot<unknown>,
  failure: Failure,
  secret: string | undefined,
  cause?: unknown,
): WarmTokenError => {
  const now = parts.server.earliest() ?? parts.runtime.wall()
  const pause = Math.max(0, failure.notBefore - now)
  const retryAt = Math.ceil(parts.runtime.wall() + pause)
  const error = (): WarmTokenError => failureError(slot.subject.key, failure, retryAt)
  slot.cooling = { until: parts.clock.fast() + pause, secret: failure.kind === 'refused' ? secret : undefined, error }
  slot.holdUntil = slot.cooling.until
  return cause === undefined ? error() : failureError(slot.subject.key, failure, retryAt, cause)
}

/** The error that callers see. It names the code and the instant, never what the issuer wrote. */
export const failureError = (key: string, failure: Failure, retryAt: number, cause?: unknown): WarmTokenError => {
  const until = new Date(retryAt).toISOString()
  const harmless = cause instanceof SourceRefusedError || cause instanceof SourceUnavailableError ? { cause } : {}
  const options = { key, retryAt, code: failure.code, ...harmless }
  if (failure.kind === 'refused') {
    return new SourceRefusedError(
      `the source refused ${key} (${failure.code}); it is not asked again before ${until}, unless the secret changes`,
      options,
    )
  }
  if (failure.kind === 'same-value') {
    return new SameValueError(
      `the source gave the refused value of ${key} again; it is not asked again before ${until}`,
      options,
    )
  }
  const throttled = failure.kind === 'throttled'
  const word = throttled ? 'asks for patience' : 'is unavailable'
  return new SourceUnavailableError(
    `the source of ${key} ${word} (${failure.code}); it is not asked again before ${until}`,
    { ...options, throttled },
  )
}
