/**
 * OAuth 2.0 tokens. What a hit loads is this definition; the grant itself is loaded with the first fetch.
 *
 * @module
 */

import type { Source, TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { checkOptions, flagRule, textOrFunctionRule, textRule, urlRule } from '../../lib/options.ts'
import { asFields, isToken } from '../../lib/parse.ts'
import { readSecret, type Secret, secretIdentity } from '../shared/secret.ts'
import type { DPoPProofOptions } from './dpop.ts'
import { type ClientOptions, checkClient, targetOf } from './options.ts'

export type { DPoPProofOptions } from './dpop.ts'
export type { ClientAuthentication, ClientOptions, IssuerOptions, KeyAlgorithm } from './options.ts'

/** How {@link clientCredentials} is set up. */
export interface ClientCredentialsOptions extends ClientOptions {
  /** The API the token is for, as Auth0 and others name it. */
  readonly audience?: string
  /**
   * Accept `expires_in` as a text of digits, which RFC 6749 forbids and some issuers send. Default false: an answer like
   * that is an error.
   */
  readonly acceptStringLife?: boolean
  /**
   * Bind the token to a key (DPoP, RFC 9449): the private key as PEM (PKCS #8; P-256, P-384, Ed25519 or RSA), or a
   * function that gives it. Each request to the API then needs a proof, see {@link dpopProof}. Default: not bound.
   */
  readonly dpop?: { readonly privateKey: Secret }
}

const RULES = {
  audience: textRule,
  acceptStringLife: flagRule,
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
  const given = checkClient('clientCredentials', options, RULES)
  const { clientId, authentication, audience = null, secret } = given
  const key = given.dpop?.privateKey ?? ''
  return {
    kind: 'oauth2',
    identity: () => ({
      ...targetOf(given),
      clientId,
      authentication,
      audience,
      // A secret that is at hand is part of the identity. One that must be fetched is not: a cold start that finds a
      // good record would else have to fetch it. Its cool-down is bound to it all the same.
      secret: secretIdentity(secret),
      dpop: secretIdentity(key),
    }),
    secretFingerprint: async () => fingerprint((await readSecret(secret)) + (await readSecret(key))),
    fetch: async ({ signal }) => (await import('./grant.ts')).clientCredentialsGrant(given, signal),
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
