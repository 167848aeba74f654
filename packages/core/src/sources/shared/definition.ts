/** What the definitions of sources share. A hit loads it, so it holds nothing that only a fetch needs. @module */

import type { ApiAnswer, ApiRequest, TokenValue, Traits } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { asFields } from '../../lib/parse.ts'

/** A secret, or a function that returns it. The function is called only for a real fetch. */
export type Secret = string | (() => string | Promise<string>)

/** Resolves to the secret. A fetch checks what a function returned. */
export async function readSecret(secret: Secret): Promise<string> {
  return typeof secret === 'function' ? secret() : secret
}

/**
 * The secret's part of an identity: the fingerprint of a secret given as text. A function has none, because a cold start
 * that finds a good record must not call it. Its cool-down is bound to the secret anyway.
 */
export function secretIdentity(secret: Secret): string | null {
  return typeof secret === 'string' ? fingerprint(secret) : null
}

/** The `secretFingerprint` of a source with this secret. */
export function fingerprintOf(secret: Secret): () => Promise<string> {
  return async () => fingerprint(await readSecret(secret))
}

/**
 * The address of an issuer's API as it goes into an identity: two spellings are one key. Throws `TypeError` for `http:`
 * unless that is allowed, and for parts that would be dropped (query, fragment) or exposed (password).
 */
export function baseUrlOf(where: string, address: string, allowInsecure: boolean | undefined): string {
  const { protocol, origin, pathname, search, hash, username, password } = new URL(address)
  if (protocol === 'http:' && allowInsecure !== true)
    throw new TypeError(`${where}: option "baseUrl" must be https; set "allowInsecure" for an issuer on this machine`)
  if (search + hash + username + password !== '')
    throw new TypeError(`${where}: option "baseUrl" must have no query, fragment, user or password`)
  return origin + pathname.replace(/\/+$/, '')
}

/** The `errcode`s with which WeChat and WeCom reject a token: not valid or not the latest, not a token, expired. */
const REJECTED_BY_TENCENT: readonly unknown[] = [40001, 40014, 42001]

/** WeChat and WeCom: the API answers 200, and the body says that the token is rejected. */
export async function isRejectedByTencent(answer: ApiAnswer): Promise<boolean> {
  return answer.status === 200 && REJECTED_BY_TENCENT.includes(asFields(await answer.json())?.['errcode'])
}

/** WeChat and WeCom take the token in the query, and nowhere else. */
export function attachToQuery({ url }: ApiRequest, { value }: TokenValue): void {
  url.searchParams.set('access_token', value)
}

/** What WeChat and WeCom have in common. */
export const TENCENT_TRAITS: Traits = { attach: attachToQuery, isRejection: isRejectedByTencent }
