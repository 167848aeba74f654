import { SignJWT } from 'jose'
import { builtin } from '../../lib/builtin.ts'
import { badKey, openSecret, readPrivateKey } from '../shared/credentials.ts'
import type { DPoPProofOptions } from './options.ts'

/** The longest nonce that is repeated to a server, in characters. */
const MAX_NONCE = 1_024
/** How many servers' nonces are kept. */
const MAX_SERVERS = 100

/** How far proofs are dated back, in ms: servers refuse those of the future. */
const BACKDATE = 5_000

interface Proof {
  readonly pem: string
  readonly method: string
  readonly url: string | URL
  readonly nonce: string | undefined
  readonly token?: string
  /** The server's time, in ms since 1970. */
  readonly now: number
}

/** See `dpopProof`, where the options are checked. */
export async function dpopProofFor(options: DPoPProofOptions): Promise<string> {
  const { token, method, url, privateKey, nonce } = options
  const pem = await openSecret(privateKey, 'privateKey')
  return makeProof({ pem, method, url, nonce, token: token.value, now: Date.now() })
}

/** Resolves to a proof for one request (RFC 9449 §4.2), signed and with an id of its own. */
export async function makeProof({ pem, method, url, nonce, token, now }: Proof): Promise<string> {
  const { createHash } = builtin('crypto')
  const { key, algorithm, jwk } = readKey(pem)
  const { origin, pathname } = new URL(url)
  const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url')
  const claims = { htm: method.toUpperCase(), htu: origin + pathname, ...(ath && { ath }), ...(nonce && { nonce }) }
  return new SignJWT(claims)
    .setProtectedHeader({ typ: 'dpop+jwt', alg: algorithm, jwk })
    .setJti(crypto.randomUUID())
    .setIssuedAt(Math.floor((now - BACKDATE) / 1_000))
    .sign(key)
}

const CURVES: { readonly [curve: string]: string } = { 'P-256': 'ES256', 'P-384': 'ES384', Ed25519: 'EdDSA' }

/** The key, the algorithm that goes with it, and its public half. */
function readKey(pem: string) {
  const key = readPrivateKey(pem)
  const { kty, crv = '', x, y, n, e } = builtin('crypto').createPublicKey(key).export({ format: 'jwk' })
  const algorithm = kty === 'RSA' ? 'RS256' : CURVES[crv]
  if (algorithm === undefined) throw badKey('privateKey')
  // Named one by one: the header is sent, and what is private must not be in it whatever the export gives.
  const jwk = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, ...(y && { y }) }
  return { key, algorithm, jwk: jwk as { kty: string } }
}

const nonces = new Map<string, string>()

/** The nonce that a server wants to see in the next proof, `undefined` when it gave none. */
export function nonceFor(url: string): string | undefined {
  return nonces.get(new URL(url).origin)
}

/** Keeps the nonce of an answer. Returns whether there was one. */
export function keepNonce(url: string, headers: Headers): boolean {
  const nonce = headers.get('dpop-nonce')
  if (nonce === null || nonce === '' || nonce.length > MAX_NONCE) return false
  if (nonces.size >= MAX_SERVERS) nonces.clear()
  nonces.set(new URL(url).origin, nonce)
  return true
}
