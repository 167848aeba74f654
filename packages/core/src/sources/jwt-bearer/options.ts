import type { Json } from '../../contracts.ts'
import type { AssertionOptions, IssuerOptions, KeyAlgorithm, RequestOptions, TokenReading } from '../oauth2/options.ts'
import type { Secret } from '../shared/definition.ts'

/** How `jwtBearer` is set up. */
export interface JwtBearerOptions extends IssuerOptions, RequestOptions, TokenReading, AssertionOptions {
  /** Who signs: the `iss` of the assertion, such as a client id or the address of a service account. */
  readonly signer: string
  /**
   * The private key as PEM (PKCS #8, PKCS #1 or SEC 1), or a function that gives it: called only for a real fetch. Line
   * breaks may be written as `\n`, and the whole may be in quotes or base64.
   */
  readonly privateKey: Secret
  /** The key's algorithm. Default `RS256`. */
  readonly algorithm?: KeyAlgorithm
  /** The key's id, the `kid` of the assertion. Default none. */
  readonly keyId?: string
  /** On whose behalf: the `sub` of the assertion. Default none, though RFC 7523 §3 wants one and only some issuers do not. */
  readonly subject?: string
  /** More claims, such as the `scope` that Google reads there. Not `iss`, `sub`, `aud`, `iat`, `exp` or `jti`. */
  readonly claims?: { readonly [name: string]: Json }
  /** The lifetime of the assertion, in ms: up to an hour. Default 60,000. */
  readonly assertionLife?: number
  /** The client, where the issuer requires its id beside the assertion. Default none. */
  readonly clientId?: string
  /** The scopes asked for, as a parameter of the request; their order does not matter. */
  readonly scope?: readonly string[]
  /** The APIs the token is for (RFC 8707). */
  readonly resource?: readonly string[]
}
