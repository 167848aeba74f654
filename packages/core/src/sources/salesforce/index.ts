/**
 * Salesforce tokens by the JWT bearer flow. What a hit loads is this definition; the grant is loaded with the first
 * fetch.
 *
 * @module
 */

import type { ApiAnswer, Source, TokenValue } from '../../contracts.ts'
import { checkOptions, durationRule, flagRule, textOrFunctionRule, textRule, urlRule } from '../../lib/options.ts'
import { asFields } from '../../lib/parse.ts'
import { fingerprintOf, secretIdentity } from '../shared/definition.ts'
import type { SalesforceOptions } from './options.ts'

export type { SalesforceOptions } from './options.ts'

/** The parameters of a source that acts as one user at a time. */
export interface SalesforceParams {
  /** The user to act as. */
  readonly username: string
}

const RULES = {
  clientId: textRule,
  privateKey: textOrFunctionRule,
  username: textRule,
  loginUrl: urlRule,
  audience: textRule,
  lifetime: durationRule,
  allowInsecure: flagRule,
}

/** A 401 speaks of the session, unless its body says that it speaks of something else. */
async function isRejection(answer: ApiAnswer): Promise<boolean> {
  if (answer.status !== 401) return false
  const body = await answer.json()
  return !Array.isArray(body) || body.some((error) => asFields(error)?.['errorCode'] === 'INVALID_SESSION_ID')
}

/**
 * Tokens of one Salesforce user. The address of the org's API is in `token.extra.instanceUrl`. Throws `TypeError` that
 * names the option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const crm = tokens.use(
 *   salesforce({ clientId: '3MVG9…', privateKey: () => secret('salesforce'), username: 'robot@example.com' }),
 * )
 * ```
 */
export function salesforce(options: SalesforceOptions & { readonly username: string }): Source<TokenValue>
/** Tokens of many users: `tokens.use(source).for({ username })`. */
export function salesforce(
  options: Omit<SalesforceOptions, 'username'> & { readonly username?: never },
): Source<TokenValue, SalesforceParams>
export function salesforce(options: SalesforceOptions): Source<TokenValue, SalesforceParams | undefined> {
  const given = checkOptions('salesforce', options, RULES, ['clientId', 'privateKey'])
  const { clientId, privateKey, loginUrl = 'https://login.salesforce.com', audience = loginUrl } = given
  if (!given.allowInsecure && /^http:/i.test(loginUrl))
    throw new TypeError('salesforce: option "loginUrl" must be https; set "allowInsecure" for a server on this machine')

  const userOf = (params: SalesforceParams | undefined): string => {
    const username = given.username ?? params?.username
    if (typeof username === 'string' && username !== '') return username
    throw new TypeError('salesforce: parameter "username" must be a non-empty string')
  }

  return {
    kind: 'salesforce',
    parameters: given.username === undefined,
    identity: (params) => ({
      loginUrl,
      audience,
      clientId,
      username: userOf(params),
      secret: secretIdentity(privateKey),
    }),
    secretFingerprint: fingerprintOf(privateKey),
    traits: { isRejection },
    fetch: async (request) => {
      const { salesforceGrant } = await import('./grant.ts')
      return salesforceGrant({ ...given, loginUrl, audience, username: userOf(request.params) }, request)
    },
  }
}
