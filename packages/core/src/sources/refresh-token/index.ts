/**
 * Tokens by a refresh token that may rotate. What a hit loads is this definition; the grant is loaded with the first
 * fetch.
 *
 * @module
 */

import type { Exclusive, Source, TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { durationOrZeroRule, flagRule, type Rule, textOrFunctionRule, textRule } from '../../lib/options.ts'
import { isTime } from '../../lib/parse.ts'
import { type ClientOptions, checkClient, targetOf } from '../oauth2/options.ts'
import { readSecret, type Secret } from '../shared/secret.ts'

export type { ClientAuthentication, ClientOptions, IssuerOptions, KeyAlgorithm } from '../oauth2/options.ts'

/** How {@link refreshToken} is set up. A client with neither secret nor key is public: `authentication` is then `none`. */
export interface RefreshTokenOptions extends ClientOptions {
  /**
   * Whose token it is, as a text of your own: a user's id, a mailbox, a shop. Part of the key, so that two accounts of one
   * client never share a record.
   */
  readonly account: string
  /**
   * The seed: the refresh token that a person's sign-in gave, or a function that gives it. It is spent once; a new one in
   * its place begins a new chain.
   */
  readonly refreshToken: Secret
  /**
   * Whether the issuer gives a new refresh token with an access token. False: the seed is spent every time, a new one in
   * an answer is not kept, and the source needs no lease to be safe. Default true.
   */
  readonly rotates?: boolean
  /**
   * What to do when an environment vanished with the refresh token in its hand, so that it may be spent: `'retry-once'`
   * one more try, and if that is refused a person must sign in; `'stop'` a person must at once; `{ grace }` the issuer
   * tolerates a repeat for so many ms; `'repeat'` it always does. Default `'retry-once'`.
   */
  readonly afterCrash?: Exclusive<TokenValue>['afterCrash']
  /**
   * How long the old access token still works once a new one is given, in ms; some issuers end it at once. Default: until
   * its own expiry.
   */
  readonly overlap?: number
}

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
 * Tokens by the refresh token grant (RFC 6749 §6). The newest refresh token rests sealed beside the access token in the
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
  const given = checkClient('refreshToken', options, RULES, ['account', 'refreshToken'], 'none')
  const { account, afterCrash = 'retry-once', clientId, overlap, rotates = true, secret } = given
  const load = () => import('./grant.ts')
  return {
    kind: 'refresh-token',
    // Neither the refresh token nor the client's secret: with a new one the newest refresh token must still be found.
    identity: () => ({ ...targetOf(given), clientId, account }),
    // Either of the two may be what was refused, so a new one of either ends the pause.
    secretFingerprint: async () => fingerprint((await readSecret(given.refreshToken)) + (await readSecret(secret))),
    fetch: async (request) => (await load()).refreshTokenGrant({ ...given, rotates }, request),
    ...(overlap !== undefined && { traits: { overlap } }),
    ...(rotates && {
      exclusive: { afterCrash, spends: async (previous) => (await load()).spendingOf(given.refreshToken, previous) },
    }),
  }
}
