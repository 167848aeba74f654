import type { FailureKind } from '../../contracts.ts'
import {
  SameValueError,
  SignInRequiredError,
  SourceRefusedError,
  SourceUnavailableError,
  type WarmTokenError,
} from '../../errors.ts'
import { fingerprint } from '../../lib/hash.ts'
import { asFields, asText, asTime, type Fields } from '../../lib/parse.ts'
import { within } from '../../lib/timing.ts'
import { MAX_NAME } from '../../record/instants.ts'
import type { Failure } from '../../record/record.ts'
import type { Parts, Slot } from '../context.ts'
import { asideOf } from '../slot.ts'
import { coolDown } from '../time/backoff.ts'

/** How long a failure is obeyed before the record is read again, in ms: another may have had success, or a new secret. */
const RECHECK = 5_000
/** The code of a broken refresh chain. */
export const SIGN_IN = 'SIGN_IN_REQUIRED'

/** How a source failed. */
export interface Classified {
  readonly kind: FailureKind
  /** The issuer's error code or this library's. */
  readonly code: string
  /** How long the issuer asked to wait, in ms. */
  readonly retryAfter: number | undefined
  /** Whether the issuer certainly did nothing. */
  readonly nothingDone: boolean
}

/** What an error means by its name; of any other it is only known that there is no value. */
const KINDS: { readonly [name: string]: (fault: Fields) => FailureKind } = {
  SourceRefusedError: () => 'refused',
  SignInRequiredError: () => 'refused',
  SameValueError: () => 'same-value',
  SourceUnavailableError: ({ kind }) => (kind === 'throttled' ? kind : 'unavailable'),
}

/**
 * Sorts what a source threw, by its name: a source of an adapter, or one that brings its own copy of this package, throws
 * errors of other classes. Anything that is not named like this library's own errors counts as unavailable.
 */
export function classify(error: unknown): Classified {
  const fault = error instanceof Error ? asFields(error) : undefined
  const kindOf = KINDS[String(fault?.['name'])]
  if (fault === undefined || kindOf === undefined) return { ...UNKNOWN_FAILURE }
  return {
    kind: kindOf(fault),
    code: asText(fault['code'], MAX_NAME) ?? UNKNOWN_FAILURE.code,
    retryAfter: asTime(fault['retryAfter']),
    nothingDone: fault['nothingDone'] === true,
  }
}

/** Whether it is an error of a source that keeps to the rules: its text is then known to be harmless. */
function isKnown(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === 'SourceRefusedError' || cause.name === 'SourceUnavailableError')
}

const UNKNOWN_FAILURE: Classified = {
  kind: 'unavailable',
  code: 'SOURCE_FAILED',
  retryAfter: undefined,
  nothingDone: false,
}

/** Fingerprint of the secret in use, where the source has one. A secret store that hangs or fails must not hold the call. */
export async function secretOf(parts: Parts, slot: Slot<unknown>): Promise<string | undefined> {
  const { source } = slot.subject
  if (source.secretFingerprint === undefined) return undefined
  const ask = async (): Promise<string | undefined> => source.secretFingerprint?.()
  const result = await within(parts.runtime, parts.policy.sourceTimeout, undefined, ask)
  if (result.outcome === 'late') return undefined
  // What it throws may quote the secret, and is no reason to forget a failure: then it counts as another secret. What it
  // gives may be the secret itself, by a mistake, and is about to rest in the record.
  const text = result.outcome === 'done' ? asText(result.value, MAX_NAME) : undefined
  return text === undefined ? '' : fingerprint(text)
}

/** The failure that follows `before` in the record. */
export function nextFailure(
  parts: Parts,
  before: Failure | undefined,
  what: Classified,
  secret: string | undefined,
): Failure {
  const { kind, code, retryAfter } = what
  const count = before !== undefined && before.kind === kind && before.secret === secret ? before.count + 1 : 1
  const pause = coolDown(kind, count, retryAfter, parts.runtime.random())
  const notBefore = Math.ceil((parts.server.latest() ?? parts.runtime.wall()) + pause)
  return { count, kind, code, notBefore, ...(secret !== undefined && { secret }) }
}

/** Keeps the failure in the slot until it is over by the slower clock's word, and returns its error. */
export function rememberFailure(
  parts: Parts,
  slot: Slot<unknown>,
  failure: Failure,
  secret: string | undefined,
  cause?: unknown,
): WarmTokenError {
  const now = parts.server.earliest() ?? parts.runtime.wall()
  const pause = Math.max(0, failure.notBefore - now)
  const retryAt = Math.ceil(parts.runtime.wall() + pause)
  const error = (): WarmTokenError => failureError(slot.key, failure, retryAt)
  const held = failure.kind === 'refused' ? secret : undefined
  const recheck = Math.min(pause, RECHECK)
  const until = parts.clock.fast() + recheck
  asideOf(slot).hold = { until, cooling: { until, secret: held, askAgainAt: 0, error } }
  return cause === undefined ? error() : failureError(slot.key, failure, retryAt, cause)
}

/** The mint budget is used up until an instant: tells of it, and returns the error. */
export function refuseByBudget(parts: Parts, slot: Slot<unknown>, notBefore: number): WarmTokenError {
  parts.emit({ type: 'cool-down', key: slot.key, kind: 'budget', until: notBefore, count: 1 })
  return rememberFailure(parts, slot, { count: 1, kind: 'budget', code: 'MINT_BUDGET', notBefore }, undefined)
}

/** The error that callers see. It names the code and the instant, never what the issuer wrote. */
export function failureError(key: string, failure: Failure, retryAt: number, cause?: unknown): WarmTokenError {
  const until = new Date(retryAt).toISOString()
  const harmless = isKnown(cause) ? { cause } : {}
  const options = { key, retryAt, code: failure.code, ...harmless }
  if (failure.code === SIGN_IN) {
    return new SignInRequiredError(`the refresh chain of ${key} is broken: a person must sign in again`, options)
  }
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
  const word =
    failure.kind === 'budget' ? 'has used up its mint budget' : throttled ? 'asks for patience' : 'is unavailable'
  return new SourceUnavailableError(
    `the source of ${key} ${word} (${failure.code}); it is not asked again before ${until}`,
    { ...options, throttled },
  )
}
