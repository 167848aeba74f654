/**
 * Tokens by a signed assertion, as service accounts get them. What a hit loads is this definition; the grant is loaded
 * with the first fetch.
 *
 * @module
 */

import type { Source, TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { checkOptions, flagRule, type Rule, textOrFunctionRule, textRule, textsRule } from '../../lib/options.ts'
import { asFields } from '../../lib/parse.ts'
import { checkIssuer, ISSUER_RULES, keyAlgorithm, proofOf, REQUEST_RULES, targetOf } from '../oauth2/options.ts'
import { readSecret, secretIdentity } from '../shared/definition.ts'
import type { JwtBearerOptions } from './options.ts'

export type {
  AssertionOptions,
  IssuerOptions,
  KeyAlgorithm,
  RequestOptions,
  TokenReading,
} from '../oauth2/options.ts'
export type { JwtBearerOptions } from './options.ts'

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
  ...REQUEST_RULES,
  signer: textRule,
  privateKey: textOrFunctionRule,
  algorithm: keyAlgorithm,
  keyId: textRule,
  subject: textRule,
  perSubject: flagRule,
  claims: CLAIMS,
  assertionLife: ASSERTION_LIFE,
  clientId: textRule,
  scope: textsRule,
  resource: textsRule,
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
    if (!textRule[1](params?.subject)) throw new TypeError('jwtBearer: parameter "subject" must be a non-empty string')
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
    secretFingerprint: async () => fingerprint((await readSecret(privateKey)) + proofOf(given)),
    fetch: async (request) => {
      const { jwtBearerGrant } = await import('./grant.ts')
      return jwtBearerGrant({ ...given, subject: subjectOf(request.params) }, request)
    },
  }
}
