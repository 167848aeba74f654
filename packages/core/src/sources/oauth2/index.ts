/**
 * OAuth 2.0 tokens. What a hit loads is this definition; the grant itself is loaded with the first fetch.
 *
 * @module
 */

import type { Source, TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { checkOptions, textOrFunctionRule, textRule, urlRule } from '../../lib/options.ts'
import { asFields, isToken } from '../../lib/parse.ts'
import { readSecret, secretIdentity } from '../shared/definition.ts'
import { type ClientCredentialsOptions, checkClient, type DPoPProofOptions, proofOf, targetOf } from './options.ts'

export type {
  AssertionOptions,
  ClientAuthentication,
  ClientCredentialsOptions,
  ClientOptions,
  DPoPProofOptions,
  IssuerOptions,
  KeyAlgorithm,
  RequestOptions,
  TokenReading,
} from './options.ts'

const RULES = {
  audience: textRule,
  dpop: ['{ privateKey }', (value: unknown) => textOrFunctionRule[1](asFields(value)?.['privateKey'])] as const,
}

/**
 * Tokens by the client credentials grant (RFC 6749 §4.4). Throws `TypeError` that names the option when one is missing,
 * wrong or unknown.
 *
 * @example
 * ```ts
 * const crm = tokens.use(
 *   clientCredentials({ issuer: 'https://login.example.com', clientId: 'crm', clientSecret: () => secret('crm') }),
 * )
 * ```
 */
export function clientCredentials(options: ClientCredentialsOptions): Source<TokenValue> {
  const given = checkClient('clientCredentials', options, { rules: RULES })
  const { clientId, authentication, audience = null, secret } = given
  const key = given.dpop?.privateKey ?? ''
  return {
    kind: 'oauth2',
    identity: () => ({
      ...targetOf(given),
      clientId,
      authentication,
      audience,
      // A secret that is available is part of the identity. One that must be fetched is not: a cold start that finds a
      // good record would otherwise have to fetch it. Its cool-down is bound to it anyway.
      secret: secretIdentity(secret),
      dpop: secretIdentity(key),
    }),
    secretFingerprint: async () => fingerprint((await readSecret(secret)) + (await readSecret(key)) + proofOf(given)),
    fetch: async (request) => (await import('./grant.ts')).clientCredentialsGrant(given, request),
  }
}

const PROOF_RULES = {
  token: ['a Token', (value: unknown) => isToken(Object(value).value)] as const,
  method: textRule,
  url: ['a URL', (value: unknown) => value instanceof URL || urlRule[1](value)] as const,
  privateKey: textOrFunctionRule,
  nonce: textRule,
}

/**
 * Resolves to the `dpop` header for one request to an API with a token that is bound to a key (RFC 9449 §4). Make a new
 * one for every request; after a 401 with a `dpop-nonce` header, one more with that `nonce`. Rejects with
 * `SourceRefusedError` (`BAD_KEY`) when the key cannot be read, and `TypeError` for other wrong options.
 *
 * @example
 * ```ts
 * const token = await crm.get()
 * const url = 'https://api.example.com/contacts'
 * const dpop = await dpopProof({ token, method: 'GET', url, privateKey: () => secret('dpop') })
 * const response = await fetch(url, { headers: { ...token.headers(), dpop } })
 * ```
 */
export async function dpopProof(options: DPoPProofOptions): Promise<string> {
  const given = checkOptions('dpopProof', options, PROOF_RULES, ['token', 'method', 'url', 'privateKey'])
  return (await import('./dpop.ts')).dpopProofFor(given)
}
