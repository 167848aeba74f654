import type { webcrypto } from 'node:crypto'
import { SourceRefusedError } from '../../errors.ts'
import { checkSecret } from '../shared/answer.ts'
import type { KeyAlgorithm } from './options.ts'

const PARAMETERS: { readonly [name in KeyAlgorithm]: Parameters<typeof crypto.subtle.importKey>[2] } = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
}

/** RFC 7518 §3.3: a shorter RSA key must not sign; the libraries refuse it with errors of their own. */
export const MIN_RSA_BITS = 2_048

/** The error for a key that cannot be read. It shows nothing of it. */
export function badKey(option: string): SourceRefusedError {
  return new SourceRefusedError(`option "${option}" is not a private key in PEM (PKCS #8) for the algorithm`, {
    code: 'BAD_KEY',
  })
}

/** Resolves to the private key of a PEM. Rejects with `SourceRefusedError`: `BAD_SECRET`, `BAD_KEY`. */
export async function importKey(pem: unknown, algorithm: KeyAlgorithm = 'RS256'): Promise<webcrypto.CryptoKey> {
  const text = checkSecret(pem, 'privateKey')
  try {
    const der = Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    const key = await crypto.subtle.importKey('pkcs8', der, PARAMETERS[algorithm], false, ['sign'])
    const { modulusLength = MIN_RSA_BITS } = key.algorithm as { readonly modulusLength?: number }
    if (modulusLength >= MIN_RSA_BITS) return key
    throw badKey('privateKey')
  } catch {
    // What the key parser says may quote the key.
    throw badKey('privateKey')
  }
}
