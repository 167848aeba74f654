import type { Json } from '../../contracts.ts'
import {
  checkOptions,
  durationRule,
  flagRule,
  misuse,
  oneOf,
  type Rule,
  textOrFunctionRule,
  textRule,
  textsRule,
  urlRule,
} from '../../lib/options.ts'
import { matches } from '../../lib/parse.ts'
import type { Secret } from '../shared/secret.ts'

/** How the client proves who it is (RFC 6749 §2.3, RFC 7523 §2.2, OpenID Connect Core §9). */
export type ClientAuthentication = 'basic' | 'body' | 'private_key_jwt' | 'client_secret_jwt' | 'none'

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

/** The issuer and the client, for the grants in which a client proves who it is. */
export interface ClientOptions extends IssuerOptions {
  /** The client. */
  readonly clientId: string
  /** The client's secret, or a function that gives it: called only when a token is really fetched. */
  readonly clientSecret?: Secret
  /** The client's private key as PEM (PKCS #8), or a function that gives it. For `private_key_jwt`. */
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
  /** The life of a token whose issuer does not tell it, in ms. Default 300,000 (5 min). */
  readonly lifetime?: number
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

const KEY = 'private_key_jwt'

const CLIENT_RULES = {
  ...ISSUER_RULES,
  clientId: textRule,
  clientSecret: textOrFunctionRule,
  privateKey: textOrFunctionRule,
  algorithm: keyAlgorithm,
  keyId: textRule,
  authentication: oneOf('basic', 'body', KEY, 'client_secret_jwt', 'none'),
  scope: textsRule,
  resource: textsRule,
  lifetime: durationRule,
}

/** Throws `TypeError` unless there is one address, and a safe one. */
export function checkIssuer(where: string, { issuer, tokenEndpoint, allowInsecure }: IssuerOptions): void {
  if (!issuer === !tokenEndpoint || (!allowInsecure && matches(issuer ?? tokenEndpoint, /^http:/i)))
    misuse(where, 'give one of "issuer" and "tokenEndpoint"; http only with "allowInsecure"')
}

/** Checks the options of a client. `lone` is how it proves itself when it has neither secret nor key. */
export function checkClient<T extends ClientOptions>(
  where: string,
  options: T,
  rules: { readonly [name: string]: Rule },
  required: readonly string[] = [],
  lone: ClientAuthentication = 'basic',
): Client<T> {
  const given = checkOptions(where, options, { ...CLIENT_RULES, ...rules }, ['clientId', ...required])
  checkIssuer(where, given)
  const { clientSecret, privateKey, authentication = privateKey ? KEY : clientSecret ? 'basic' : lone } = given
  const takesKey = authentication === KEY
  if (!privateKey === takesKey || !clientSecret !== (takesKey || authentication === 'none'))
    misuse(where, `give of "clientSecret" and "privateKey" what "${authentication}" takes`)
  return { ...given, authentication, secret: privateKey ?? clientSecret ?? '' }
}

/** A list as a part of an identity: its order and repeats do not matter. */
export function asSet(list: readonly string[] = []): readonly string[] {
  return [...new Set(list)].sort()
}

/** What makes the tokens of one issuer differ by what is asked for. */
export function targetOf({ issuer, tokenEndpoint, scope, resource }: Omit<ClientOptions, 'clientId'>): {
  readonly [name: string]: Json
} {
  return {
    // As a list, so that an endpoint is never taken for an issuer.
    address: issuer ?? [tokenEndpoint ?? ''],
    scope: asSet(scope),
    resource: asSet(resource),
  }
}
