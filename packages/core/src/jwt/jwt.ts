/**
 * JWTs of other issuers, verified with keys that the fleet keeps warm.
 *
 * @module
 */

import type { JWTPayload } from 'jose'
import { builtin } from '../lib/builtin.ts'
import {
  checkOptions,
  countRule,
  durationOrZeroRule,
  misuse,
  type Rule,
  shaped,
  textRule,
  textsRule,
} from '../lib/options.ts'
import { asFields, matches } from '../lib/parse.ts'
import type { RefusalReason, SessionListener } from '../sessions/events.ts'
import type { TokenVerifier } from '../sessions/verifier.ts'
import type { KeySet, WarmKeys } from './jwks.ts'

export { type JwksOptions, jwks, type KeySet, type PublicKey, type WarmKeys } from './jwks.ts'
export { jwksCache, type KeyWithId, type WarmJwksCache } from './jwks-cache.ts'

/** How {@link verifyJwt} works. Durations are in ms. */
export interface VerifyJwtOptions {
  /** The issuer that `iss` must name. */
  readonly issuer: string
  /** Whom the JWT must be for: `aud` must hold one of them. */
  readonly audience: string | readonly string[]
  /** Algorithms that are accepted; asymmetric ones only. */
  readonly algorithms: readonly string[]
  /** How far the clocks of issuer and environment may be apart. Default 0. */
  readonly clockTolerance?: number
  /** How many verified JWTs are remembered until they expire. Default 1,000. */
  readonly remember?: number
  /** Receives an event for each refusal. What it throws is ignored. */
  readonly onEvent?: SessionListener
  /** The wall clock, in ms; for tests. Default `Date.now`. */
  readonly wall?: () => number
}

/** Longer texts are not looked at, in characters. */
const MAX_LENGTH = 8_192
const FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/

const algorithmsRule: Rule = [
  'a list of asymmetric algorithms such as "RS256" or "ES256"',
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => matches(one, /^((RS|PS|ES)(256|384|512)|EdDSA|Ed25519)$/)),
]
const RULES = {
  issuer: textRule,
  audience: [
    'a string, or a list of strings',
    (value: unknown) => textRule[1](value) || (textsRule[1](value) && Array.isArray(value) && value.length > 0),
  ] as Rule,
  algorithms: algorithmsRule,
  clockTolerance: durationOrZeroRule,
  remember: countRule,
  onEvent: ['a function', (value: unknown) => typeof value === 'function'] as Rule,
  wall: ['a function', (value: unknown) => typeof value === 'function'] as Rule,
}
const [, isKeys] = shaped('get', 'getRecent', 'peek')

/**
 * Verifies JWTs of one issuer: signature, `iss`, `aud`, `exp`, `nbf` and algorithm. `keys`: what `jwks` returned. A JWT cannot be revoked: it is good until it expires, or until its key is gone. What it returns goes into
 * `authenticate` and the authorizers, as sessions do. Throws `TypeError` that names a wrong option.
 *
 * @example
 * ```ts
 * const keys = jwks(tokens, { issuer })
 * const verifier = verifyJwt(keys, { issuer, audience: 'api', algorithms: ['RS256'] })
 * export const handler = middy().use(authenticate(verifier, { cookie: false })).handler(async (event, { session }) => …)
 * ```
 */
export function verifyJwt(keys: WarmKeys, options: VerifyJwtOptions): TokenVerifier<JWTPayload> {
  if (!isKeys(keys)) misuse('verifyJwt', 'give the keys first: jwks(tokens, { issuer })')
  const given = checkOptions('verifyJwt', options, RULES, ['issuer', 'audience', 'algorithms'])
  const { issuer, audience, algorithms, clockTolerance = 0, remember = 1_000, wall = Date.now } = given
  const known = new Map<string, { readonly payload: JWTPayload; readonly until: number }>()

  const emit: SessionListener = (event) => {
    try {
      given.onEvent?.(event)
    } catch {
      // As the contract of `onEvent` says.
    }
  }
  const refuse = (reason: RefusalReason): undefined => {
    emit({ type: 'session-refused', reason, key: undefined })
    return undefined
  }

  const peek = (token: string): JWTPayload | undefined => {
    if (!isForm(token)) return undefined
    const hit = known.get(digest(token))
    return hit !== undefined && wall() < hit.until ? hit.payload : undefined
  }

  const check = async (token: string, { keys: set }: KeySet): Promise<JWTPayload> => {
    const { createLocalJWKSet, jwtVerify } = await import('jose')
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...set] }), {
      issuer,
      audience: [audience].flat(),
      algorithms: [...algorithms],
      clockTolerance: clockTolerance / 1_000,
      currentDate: new Date(wall()),
      requiredClaims: ['exp'],
    })
    return payload
  }

  /** With the keys in use; with recent ones where the JWT names a key that is not among them. */
  const checkWithKeys = async (token: string): Promise<{ payload: JWTPayload; set: KeySet } | RefusalReason> => {
    // What `get` rejects with is not the fault of the JWT: it goes to the caller.
    let set = await keys.get()
    for (let attempt = 0; ; attempt += 1) {
      try {
        return { payload: await check(token, set), set }
      } catch (error) {
        const code = asFields(error)?.['code']
        if (attempt > 0 || code !== 'ERR_JWKS_NO_MATCHING_KEY') return reasonOf(code)
      }
      set = await keys.getRecent()
    }
  }

  return {
    peek,
    async verify(token) {
      if (!isForm(token)) return refuse('malformed')
      const hit = peek(token)
      if (hit !== undefined) return hit
      const checked = await checkWithKeys(token)
      if (typeof checked === 'string') return refuse(checked)
      const payload = Object.freeze(checked.payload)
      const expiry = (payload.exp ?? 0) * 1_000 + clockTolerance
      // No longer than its key may be used.
      known.set(digest(token), { payload, until: Math.min(expiry, wall() + checked.set.remaining()) })
      if (known.size > remember) known.delete(known.keys().next().value ?? '')
      return payload
    },
    emit,
  }
}

function isForm(token: unknown): token is string {
  return typeof token === 'string' && token.length <= MAX_LENGTH && FORM.test(token)
}

function digest(token: string): string {
  return builtin('crypto').hash('sha256', token, 'base64url')
}

function reasonOf(code: unknown): RefusalReason {
  if (code === 'ERR_JWT_EXPIRED') return 'absolute'
  return code === 'ERR_JWT_INVALID' || code === 'ERR_JWS_INVALID' ? 'malformed' : 'unknown'
}
