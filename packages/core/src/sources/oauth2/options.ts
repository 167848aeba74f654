import type { Json } from '../../contracts.ts'
import {
  checkOptions,
  durationRule,
  flagRule,
  misuse,
  objectRule,
  oneOf,
  type Rule,
  textOrFunctionRule,
  textRule,
  textsRule,
  urlRule,
} from '../../lib/options.ts'
import { asFields, matches } from '../../lib/parse.ts'
import type { Secret } from '../shared/definition.ts'

/** How the client proves who it is (RFC 6749 §2.3, RFC 7523 §2.2, OpenID Connect Core §9). */
export type ClientAuthentication = 'basic' | 'basic-plain' | 'body' | 'private_key_jwt' | 'client_secret_jwt' | 'none'

/** The algorithms of a private key that signs. */
export type KeyAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** Where the issuer is, for every OAuth 2.0 grant. */
export interface IssuerOptions {
  /** The issuer: its metadata tells the token endpoint and is kept for an hour. Either this or `tokenEndpoint`. */
  readonly issuer?: string
  /** The token endpoint itself, which saves one request a fetch. */
  readonly tokenEndpoint?: string
  /** Allow `http:` for an issuer on this machine. Default false. */
  readonly allowInsecure?: boolean
}

/** What a token request holds beyond its grant. */
export interface RequestOptions {
  /** More parameters of the token request, such as `organization` or `box_subject_id`: those that the grant does not send itself. Part of the key. */
  readonly parameters?: { readonly [name: string]: string }
  /** More headers of the token request, such as the API key of a gateway, without those of its own. Part of the key, as a hash. */
  readonly headers?: { readonly [name: string]: string }
}

/** How the answer to a token request is read. */
export interface TokenReading {
  /** The lifetime of a token whose issuer does not state it, in ms. Default 300,000 (5 min). */
  readonly lifetime?: number
  /** The longest lifetime that is believed; more is cut to it. In ms. Default 34,560,000,000 (400 days). */
  readonly maxLifetime?: number
  /**
   * The scheme in front of the token in the `authorization` header, in place of the issuer's `token_type`. Default:
   * `Bearer` where the issuer names none, or a word for it that is no scheme (`BearerToken`, `JWT`, `N_A`).
   */
  readonly scheme?: string
  /**
   * The field of the answer that holds the token, such as `id_token`. The lifetime of one that is not `access_token` is
   * read from its own `exp`, if it is a JWT. Default `access_token`.
   */
  readonly tokenField?: string
}

/** How the assertions of a client or a grant are made (RFC 7523). */
export interface AssertionOptions {
  /** The `aud` of assertions. Default the issuer's identifier or, where only that is given, the token endpoint. */
  readonly assertionAudience?: string
  /** More fields of the protected header of assertions, such as `x5t` or `x5t#S256`. Not `alg`. */
  readonly assertionHeader?: { readonly [name: string]: Json }
}

/** The issuer and the client, for the grants in which a client proves who it is. */
export interface ClientOptions extends IssuerOptions, RequestOptions, TokenReading, AssertionOptions {
  /** The client. */
  readonly clientId: string
  /** The client's secret, or a function that gives it: called only when a token is really fetched. */
  readonly clientSecret?: Secret
  /**
   * The client's private key as PEM (PKCS #8, PKCS #1 or SEC 1), or a function that gives it. For `private_key_jwt`. Line
   * breaks may be written as `\n`, and the whole may be in quotes or base64.
   */
  readonly privateKey?: Secret
  /** The key's algorithm. Default `RS256`. */
  readonly algorithm?: KeyAlgorithm
  /** The key's id, where the issuer wants one. */
  readonly keyId?: string
  /** Default `basic` with a secret, `private_key_jwt` with a key. `none` where a gateway proves it in the client's place. */
  readonly authentication?: ClientAuthentication
  /** The scopes asked for; their order does not matter. */
  readonly scope?: readonly string[]
  /** The APIs the token is for (RFC 8707). */
  readonly resource?: readonly string[]
}

/** How `clientCredentials` is set up. */
export interface ClientCredentialsOptions extends ClientOptions {
  /** The API the token is for, as Auth0 and others name it. */
  readonly audience?: string
  /**
   * Bind the token to a key (DPoP, RFC 9449): the private key as PEM (P-256, P-384, Ed25519 or RSA), or a function that
   * gives it. Each request to the API then needs a proof, see `dpopProof`. Default: not bound.
   */
  readonly dpop?: { readonly privateKey: Secret }
}

/** What a DPoP proof is made of. */
export interface DPoPProofOptions {
  /** The token that goes with the request, as `get()` gave it. */
  readonly token: { readonly value: string }
  /** The method of the request. */
  readonly method: string
  /** The address of the request; its query and fragment are not part of the proof. */
  readonly url: string | URL
  /** The private key that the token is bound to, as in the option `dpop` of the source. */
  readonly privateKey: Secret
  /** What the API gave in its last `dpop-nonce` header. Default none. */
  readonly nonce?: string
}

/** Options of a client, checked: `secret` is what it proves itself with, empty for `none`. */
export type Client<T> = T & { readonly authentication: ClientAuthentication; readonly secret: Secret }

/** The rules of {@link IssuerOptions}. */
export const ISSUER_RULES: { readonly [name: string]: Rule } = {
  issuer: urlRule,
  tokenEndpoint: urlRule,
  allowInsecure: flagRule,
}

/** The rule of {@link KeyAlgorithm}. */
export const keyAlgorithm: Rule = oneOf('RS256', 'PS256', 'ES256', 'EdDSA')

/** Texts by name. What a grant sends itself is not replaced by them. */
const namedTexts: Rule = ['{ name: text }', (value) => textsRule[1](Object.values(asFields(value) ?? [0]))]

/** The rules of {@link RequestOptions}, {@link TokenReading} and {@link AssertionOptions}. */
export const REQUEST_RULES: { readonly [name: string]: Rule } = {
  parameters: namedTexts,
  headers: namedTexts,
  lifetime: durationRule,
  maxLifetime: durationRule,
  scheme: textRule,
  tokenField: textRule,
  assertionAudience: textRule,
  assertionHeader: objectRule,
}

const KEY = 'private_key_jwt'

const CLIENT_RULES = {
  ...ISSUER_RULES,
  ...REQUEST_RULES,
  clientId: textRule,
  clientSecret: textOrFunctionRule,
  privateKey: textOrFunctionRule,
  algorithm: keyAlgorithm,
  keyId: textRule,
  authentication: oneOf('basic', 'basic-plain', 'body', KEY, 'client_secret_jwt', 'none'),
  scope: textsRule,
  resource: textsRule,
}

/** Throws `TypeError` unless there is one address, and a safe one. */
export function checkIssuer(where: string, { issuer, tokenEndpoint, allowInsecure }: IssuerOptions): void {
  if (!issuer === !tokenEndpoint || (!allowInsecure && matches(issuer ?? tokenEndpoint, /^http:/i)))
    misuse(where, 'give one of "issuer" and "tokenEndpoint"; http only with "allowInsecure"')
}

/** What a grant checks beyond the options of every client. */
export interface ClientChecks {
  readonly rules: { readonly [name: string]: Rule }
  /** Options that must be given, beside `clientId`. */
  readonly required?: readonly string[]
  /** How a client proves itself that has neither a secret nor a key. Default `basic`, which asks for a secret. */
  readonly withoutSecret?: ClientAuthentication
}

/** Checks the options of a client. Throws `TypeError` that names the option. */
export function checkClient<T extends ClientOptions>(
  where: string,
  options: T,
  { rules, required = [], withoutSecret = 'basic' }: ClientChecks,
): Client<T> {
  const given = checkOptions(where, options, { ...CLIENT_RULES, ...rules }, ['clientId', ...required])
  checkIssuer(where, given)
  const { clientSecret, privateKey, authentication = privateKey ? KEY : clientSecret ? 'basic' : withoutSecret } = given
  const takesKey = authentication === KEY
  if (!privateKey === takesKey || !clientSecret !== (takesKey || authentication === 'none'))
    misuse(
      where,
      `"${authentication}" takes ${takesKey ? '"privateKey", not' : authentication === 'none' ? 'no' : 'a'} "clientSecret"`,
    )
  return { ...given, authentication, secret: privateKey ?? clientSecret ?? '' }
}

/** A list as a part of an identity: its order and repeats do not matter. */
export function asSet(list: readonly string[] = []): readonly string[] {
  return [...new Set(list)].sort()
}

/** What makes the tokens of one issuer differ by what is asked for. What is not given leaves no trace in the key. */
export function targetOf(options: Omit<ClientOptions, 'clientId'>): { readonly [name: string]: Json } {
  const { issuer, tokenEndpoint, scope, resource, parameters, headers, tokenField } = options
  return {
    // As a list, so that an endpoint is never treated as an issuer.
    address: issuer ?? [tokenEndpoint ?? ''],
    scope: asSet(scope),
    resource: asSet(resource),
    ...(parameters && { parameters }),
    ...(headers && { headers }),
    ...(tokenField && { tokenField }),
  }
}

/** What belongs to the proof of the client, for its `secretFingerprint`: a change of it is tried at once. */
export function proofOf({ assertionAudience, assertionHeader }: AssertionOptions): string {
  return assertionAudience || assertionHeader ? JSON.stringify([assertionAudience, assertionHeader]) : ''
}
