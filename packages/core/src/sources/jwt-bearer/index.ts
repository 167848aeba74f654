/**
 * Tokens by a signed assertion, as service accounts get them. What a hit loads is this definition; the grant is loaded
 * with the first fetch.
 *
 * @module
 */

import type { Json, Source, TokenValue } from '../../contracts.ts'
import {
  checkOptions,
  durationRule,
  flagRule,
  type Rule,
  textOrFunctionRule,
  textRule,
  textsRule,
} from '../../lib/options.ts'
import { asFields } from '../../lib/parse.ts'
import {
  checkIssuer,
  ISSUER_RULES,
  type IssuerOptions,
  type KeyAlgorithm,
  keyAlgorithm,
  targetOf,
} from '../oauth2/options.ts'
import { fingerprintOf, type Secret, secretIdentity } from '../shared/secret.ts'

export type { IssuerOptions, KeyAlgorithm } from '../oauth2/options.ts'

/** How {@link jwtBearer} is set up. */
export interface JwtBearerOptions extends IssuerOptions {
  /** Who signs: the `iss` of the assertion, such as a client id or the address of a service account. */
  readonly signer: string
  /** The private key as PEM (PKCS #8), or a function that gives it: called only when a token is really fetched. */
  readonly privateKey: Secret
  /** The key's algorithm. Default `RS256`. */
  readonly algorithm?: KeyAlgorithm
  /** The key's id, the `kid` of the assertion. Default none. */
  readonly keyId?: string
  /** On whose behalf: the `sub` of the assertion. Default none, though RFC 7523 §3 wants one and only some issuers do not. */
  readonly subject?: string
  /** The `aud` of the assertion. Default the issuer's identifier or, where only that is given, the token endpoint. */
  readonly assertionAudience?: string
  /** More claims, such as the `scope` that Google reads there. Not `iss`, `sub`, `aud`, `iat`, `exp` or `jti`. */
  readonly claims?: { readonly [name: string]: Json }
  /** The life of the assertion, in ms: up to an hour. Default 60,000. */
  readonly assertionLife?: number
  /** The client, where the issuer wants its id beside the assertion. Default none. */
  readonly clientId?: string
  /** The scopes asked for, as a parameter of the request; their order does not matter. */
  readonly scope?: readonly string[]
  /** The APIs the token is for (RFC 8707). */
  readonly resource?: readonly string[]
  /** The life of a token whose issuer does not tell it, in ms. Default 300,000 (5 min). */
  readonly lifetime?: number
  /** Accept `expires_in` as a text of digits. Default false. */
  readonly acceptStringLife?: boolean
}

/** The parameters of a source that signs for one person at a time. */
export interface SubjectParams {
  /** On whose behalf: the `sub` of the assertion. */
  readonly subject: string
}

const RESERVED = ['iss', 'sub', 'aud', 'iat', 'exp', 'jti']

const CLAIMS: Rule = [
  `an object without ${RESERVED}`,
  (value) => asFields(value) !== undefined && !RESERVED.some((name) => Object.hasOwn(Object(value), name)),
]

const ASSERTION_LIFE: Rule = [
  'a number of ms from 1,000 to 3,600,000',
  (value) => typeof value === 'number' && value >= 1e3 && value <= 3.6e6,
]

const RULES = {
  ...ISSUER_RULES,
  signer: textRule,
  privateKey: textOrFunctionRule,
  algorithm: keyAlgorithm,
  keyId: textRule,
  subject: textRule,
  perSubject: flagRule,
  assertionAudience: textRule,
  claims: CLAIMS,
  assertionLife: ASSERTION_LIFE,
  clientId: textRule,
  scope: textsRule,
  resource: textsRule,
  lifetime: durationRule,
  acceptStringLife: flagRule,
}

/**
 * Tokens by the JWT bearer grant (RFC 7523 §2.1): each attempt signs a new assertion. Throws `TypeError` that names the
 * option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const sheets = tokens.use(
 *   jwtBearer({
 *     tokenEndpoint: 'https://oauth2.googleapis.com/token',
 *     signer: 'robot@project.iam.gserviceaccount.com',
 *     privateKey: () => secret('google-key'),
 *     claims: { scope: 'https://www.googleapis.com/auth/spreadsheets' },
 *   }),
 * )
 * ```
 */
export function jwtBearer(options: JwtBearerOptions): Source<TokenValue>
/** The same for many people: `tokens.use(source).for({ subject })`. */
export function jwtBearer(
  options: Omit<JwtBearerOptions, 'subject'> & { readonly perSubject: true },
): Source<TokenValue, SubjectParams>
export function jwtBearer(
  options: JwtBearerOptions & { readonly perSubject?: boolean },
): Source<TokenValue, SubjectParams | undefined> {
  const given = checkOptions('jwtBearer', options, RULES, ['signer', 'privateKey'])
  const { signer, privateKey, keyId = null, assertionAudience = null, claims = {}, clientId = null, perSubject } = given
  checkIssuer('jwtBearer', given)
  if (perSubject && given.subject !== undefined)
    throw new TypeError('jwtBearer: give option "subject" or option "perSubject"')

  const subjectOf = (params: SubjectParams | undefined): string | undefined => {
    if (!perSubject) return given.subject
    if (!textRule[1](params?.subject)) throw new TypeError('jwtBearer: parameter "subject" must be a text, not empty')
    return params?.subject
  }

  return {
    kind: 'jwt-bearer',
    parameters: perSubject === true,
    identity: (params) => ({
      ...targetOf(given),
      signer,
      subject: subjectOf(params) ?? null,
      assertionAudience,
      claims,
      clientId,
      keyId,
      secret: secretIdentity(privateKey),
    }),
    secretFingerprint: fingerprintOf(privateKey),
    fetch: async ({ params, signal }) => {
      const { jwtBearerGrant } = await import('./grant.ts')
      return jwtBearerGrant({ ...given, subject: subjectOf(params) }, signal)
    },
  }
}
