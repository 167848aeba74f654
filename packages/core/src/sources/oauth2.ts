/**
 * OAuth 2.0 tokens. What a hit loads is this definition; the grant itself is loaded with the first fetch.
 *
 * @module
 */

import type { Source, TokenValue } from '../contracts.ts'
import { fingerprint } from '../hash.ts'
import { checkOptions } from '../options.ts'
import * as a from '../rules.ts'

/** How the client proves who it is (RFC 6749 §2.3, RFC 7523). */
export type ClientAuthentication = 'basic' | 'body' | 'private_key_jwt'

/** How {@link clientCredentials} is set up. */
export interface ClientCredentialsOptions {
  /** The issuer: its metadata tells the token endpoint. Either this or `tokenEndpoint`. */
  readonly issuer?: string
  /** The token endpoint itself, which saves one request a fetch. */
  readonly tokenEndpoint?: string
  /** The client. */
  readonly clientId: string
  /** The client's secret, or a function that gives it: called only when a token is really fetched. */
  readonly clientSecret?: string | (() => string | Promise<string>)
  /** The client's private key as PEM (PKCS #8), or a function that gives it. For `private_key_jwt`. */
  readonly privateKey?: string | (() => string | Promise<string>)
  /** The key's algorithm. Default `RS256`. */
  readonly algorithm?: 'RS256' | 'PS256' | 'ES256' | 'EdDSA'
  /** The key's id, where the issuer wants one. */
  readonly keyId?: string
  /** Default `basic` with a secret, `private_key_jwt` with a key. */
  readonly authentication?: ClientAuthentication
  /** The scopes asked for; their order does not matter. */
  readonly scope?: readonly string[]
  /** The API the token is for, as Auth0 and others name it. */
  readonly audience?: string
  /** The APIs the token is for (RFC 8707). */
  readonly resource?: readonly string[]
  /** The life of a token whose issuer does not tell it, in ms. Default 300,000 (5 min). */
  readonly life?: number
  /**
   * Accept `expires_in` as a text of digits, which RFC 6749 forbids and some issuers send. Default false: an answer like
   * that is an error.
   */
  readonly acceptStringLife?: boolean
  /** Allow `http:` for an issuer on this machine. Default false. */
  readonly allowInsecure?: boolean
}

const RULES = {
  issuer: a.url,
  tokenEndpoint: a.url,
  clientId: a.text,
  clientSecret: a.textOrCallback,
  privateKey: a.textOrCallback,
  algorithm: a.oneOf('RS256', 'PS256', 'ES256', 'EdDSA'),
  keyId: a.text,
  authentication: a.oneOf('basic', 'body', 'private_key_jwt'),
  scope: a.texts,
  audience: a.text,
  resource: a.texts,
  life: a.length,
  acceptStringLife: a.flag,
  allowInsecure: a.flag,
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
export const clientCredentials = (options: ClientCredentialsOptions): Source<TokenValue> => {
  const given = checkOptions('clientCredentials', options, RULES, ['clientId'])
  const { issuer = null, tokenEndpoint = null, audience = null, scope = [], resource = [], clientId } = given
  const { authentication = given.privateKey === undefined ? 'basic' : 'private_key_jwt' } = given
  const name = authentication === 'private_key_jwt' ? 'privateKey' : 'clientSecret'
  const secret = given[name]

  const insist = (holds: boolean, problem: string): void => {
    if (!holds) throw new TypeError(`clientCredentials: ${problem}`)
  }
  insist((issuer === null) !== (tokenEndpoint === null), 'give either option "issuer" or option "tokenEndpoint"')
  insist(
    given.allowInsecure === true || !/^http:/i.test(issuer ?? tokenEndpoint ?? ''),
    'options "issuer" and "tokenEndpoint" must be https; set "allowInsecure" for an issuer on this machine',
  )
  insist(secret !== undefined, `option "${name}" is required for ${authentication}`)
  insist(
    given.clientSecret === undefined || given.privateKey === undefined,
    'give either option "clientSecret" or option "privateKey"',
  )

  const readSecret = async (): Promise<string> => (typeof secret === 'function' ? await secret() : (secret ?? ''))

  return {
    kind: 'oauth2',
    identity: () => ({
      issuer,
      tokenEndpoint,
      clientId,
      authentication,
      scope: [...new Set(scope)].sort(),
      resource: [...new Set(resource)].sort(),
      audience,
      // A secret that is at hand is part of the identity. One that must be fetched is not: a cold start that finds a
      // good record would else have to fetch it. Its cool-down is bound to it all the same.
      secret: typeof secret === 'string' ? fingerprint(secret) : null,
    }),
    secretFingerprint: async () => fingerprint(await readSecret()),
    async fetch({ signal }) {
      const { requestToken } = await import('./oauth2-grant.ts')
      return requestToken({ ...given, authentication, scope, resource, secret: await readSecret(), signal })
    },
  }
}
