/**
 * Tokens by a refresh token that may rotate. What a hit loads is this definition; the grant is loaded with the first
 * fetch.
 *
 * @module
 */

import type { Source, TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { durationOrZeroRule, flagRule, type Rule, textOrFunctionRule, textRule } from '../../lib/options.ts'
import { isTime } from '../../lib/parse.ts'
import { checkClient, proofOf, targetOf } from '../oauth2/options.ts'
import { readSecret } from '../shared/definition.ts'
import type { RefreshTokenOptions } from './options.ts'

export type {
  AssertionOptions,
  ClientAuthentication,
  ClientOptions,
  IssuerOptions,
  KeyAlgorithm,
  RequestOptions,
  TokenReading,
} from '../oauth2/options.ts'
export type { RefreshTokenOptions } from './options.ts'

const AFTER_CRASH: Rule = [
  "'retry-once', 'stop', 'repeat' or { grace } in ms",
  (value) =>
    ['retry-once', 'stop', 'repeat'].includes(value as string) ||
    isTime((value as { readonly grace?: unknown } | null)?.grace),
]

const RULES = {
  account: textRule,
  refreshToken: textOrFunctionRule,
  rotates: flagRule,
  afterCrash: AFTER_CRASH,
  overlap: durationOrZeroRule,
}

/**
 * Tokens by the refresh token grant (RFC 6749 §6). The newest refresh token is stored sealed beside the access token in the
 * store; the next fetch spends it. Rejects with `SignInRequiredError` when the issuer no longer takes it. Throws
 * `TypeError` that names the option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const mail = tokens.use(
 *   refreshToken({
 *     issuer: 'https://login.example.com',
 *     clientId: 'mailer',
 *     clientSecret: () => secret('mailer'),
 *     account: 'newsletter@example.com',
 *     refreshToken: () => secret('newsletter-seed'),
 *   }),
 * )
 * ```
 */
export function refreshToken(options: RefreshTokenOptions): Source<TokenValue> {
  const given = checkClient('refreshToken', options, {
    rules: RULES,
    required: ['account', 'refreshToken'],
    withoutSecret: 'none',
  })
  const { account, afterCrash = 'retry-once', clientId, overlap, rotates = true, secret } = given
  const load = () => import('./grant.ts')
  return {
    kind: 'refresh-token',
    // Neither the refresh token nor the client's secret: with a new one the newest refresh token must still be found.
    identity: () => ({ ...targetOf(given), clientId, account }),
    // Either of the two may be what was refused, so a new one of either ends the pause.
    secretFingerprint: async () =>
      fingerprint((await readSecret(given.refreshToken)) + (await readSecret(secret)) + proofOf(given)),
    fetch: async (request) => (await load()).refreshTokenGrant({ ...given, rotates }, request),
    ...(overlap !== undefined && { traits: { overlap } }),
    ...(rotates && {
      exclusive: { afterCrash, spends: async (previous) => (await load()).spendingOf(given.refreshToken, previous) },
    }),
  }
}
