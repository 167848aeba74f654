/** Signed assertions, dated by the issuer's time. @module */

import type { KeyObject } from 'node:crypto'
import { type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { type Answer, dateOf } from './answer.ts'
import { badKey } from './credentials.ts'

/** How far assertions are dated back, in ms: issuers refuse those "issued in the future" even by milliseconds. */
const BACKDATE = 10_000
/** How far the issuer's clock may differ before an assertion that it refused is signed again by that clock, in ms. */
const CLOCK_TOLERANCE = 5_000

/** An assertion: who says what to whom, and for how long. */
export interface Assertion {
  readonly payload: JWTPayload
  readonly header: JWTHeaderParameters
  readonly key: KeyObject | Uint8Array
  /** The issuer's time, as well as it is known, in ms since 1970. */
  readonly now: number
  /** From `iat` to `exp`, in ms. */
  readonly lifetime: number
  /** How far `iat` lies before `now`, in ms. Default 10,000. */
  readonly backdate?: number
}

/** Resolves to a signed assertion. Rejects with `SourceRefusedError` (`BAD_KEY`) when the key does not fit. */
export async function signAssertion(assertion: Assertion): Promise<string> {
  const { payload, header, key, now, lifetime, backdate = BACKDATE } = assertion
  const issuedAt = Math.floor((now - Math.min(backdate, lifetime / 2)) / 1_000)
  const jwt = new SignJWT(payload)
    .setProtectedHeader(header)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.floor(lifetime / 1_000))
  try {
    return await jwt.sign(key)
  } catch {
    throw badKey('privateKey')
  }
}

/**
 * Sends what is dated by a clock; once more by the issuer's own `Date` when that differs and the answer is a refusal. One
 * environment with a wrong clock must not look like a wrong secret to the fleet.
 */
export async function sendDated(
  now: number,
  send: (now: number) => Promise<Answer>,
  isRefusal: (answer: Answer) => boolean,
): Promise<Answer> {
  const answer = await send(now)
  const theirs = isRefusal(answer) ? dateOf(answer) : undefined
  return theirs === undefined || Math.abs(theirs - now) <= CLOCK_TOLERANCE ? answer : send(theirs)
}
