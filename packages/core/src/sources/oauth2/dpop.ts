import { SignJWT } from 'jose'
import { builtin } from '../../lib/builtin.ts'
import { checkSecret } from '../shared/answer.ts'
import type { Secret } from '../shared/secret.ts'
import { openSecret } from '../shared/secret-value.ts'
import { badKey, MIN_RSA_BITS } from './key.ts'

/** The longest nonce that is repeated to a server, in characters. */
const MAX_NONCE = 1_024
/** How many servers' nonces are kept. */
const MAX_SERVERS = 100

/** What a proof is made of. */
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

interface Proof {
  readonly pem: unknown
  readonly method: string
  readonly url: string | URL
  readonly nonce: string | undefined
  readonly token?: string
}

/** See `dpopProof`, where the options are checked. */
export async function dpopProofFor(options: DPoPProofOptions): Promise<string> {
  const { token, method, url, privateKey, nonce } = options
  return makeProof({ pem: await openSecret(privateKey), method, url, nonce, token: token.value })
}

/** Resolves to a proof for one request (RFC 9449 §4.2), signed and with an id of its own. */
export async function makeProof({ pem, method, url, nonce, token }: Proof): Promise<string> {
  const { createHash } = builtin('crypto')
  const { key, algorithm, jwk } = readKey(pem)
  const { origin, pathname } = new URL(url)
  const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url')
  const claims = { htm: method.toUpperCase(), htu: origin + pathname, ...(ath && { ath }), ...(nonce && { nonce }) }
  return new SignJWT(claims)
    .setProtectedHeader({ typ: 'dpop+jwt', alg: algorithm, jwk })
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .sign(key)
}

const CURVES: { readonly [curve: string]: string } = { 'P-256': 'ES256', 'P-384': 'ES384', Ed25519: 'EdDSA' }

/** The key, the algorithm that goes with it, and its public half. */
function readKey(pem: unknown) {
  const text = checkSecret(pem, 'privateKey')
  const { createPrivateKey, createPublicKey } = builtin('crypto')
  try {
    const key = createPrivateKey(text)
    const { kty, crv = '', x, y, n, e } = createPublicKey(key).export({ format: 'jwk' })
    const algorithm = kty === 'RSA' ? 'RS256' : CURVES[crv]
    const { modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {}
    if (algorithm === undefined || modulusLength < MIN_RSA_BITS) throw badKey('privateKey')
    // Named one by one: the header is sent, and what is private must not be in it whatever the export gives.
    const jwk = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, ...(y && { y }) }
    return { key, algorithm, jwk: jwk as { kty: string } }
  } catch {
    // What the key parser says may quote the key.
    throw badKey('privateKey')
  }
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
