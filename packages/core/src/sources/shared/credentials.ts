/** Secrets and keys, as a fetch needs them. @module */

import type { KeyObject } from 'node:crypto'
import { SourceRefusedError, SourceUnavailableError } from '../../errors.ts'
import { builtin } from '../../lib/builtin.ts'
import type { Secret } from './definition.ts'

/**
 * Resolves to a secret that can be sent. Rejects with `SourceUnavailableError` when its function throws, and with
 * `SourceRefusedError` (`BAD_SECRET`) when it is not text; neither shows anything of it.
 */
export async function openSecret(secret: Secret, option: string): Promise<string> {
  const given: unknown = typeof secret === 'function' ? await callSecret(secret) : secret
  if (typeof given === 'string' && given !== '') return given
  throw new SourceRefusedError(`option "${option}" gave no text, or an empty one`, { code: 'BAD_SECRET' })
}

async function callSecret(secret: Exclude<Secret, string>): Promise<unknown> {
  try {
    return await secret()
  } catch (error) {
    // The adapters' secret functions throw typed errors that are safe to show.
    if (error instanceof Error && /^Source\w+Error$/.test(error.name)) throw error
    // Anything else could quote the secret. No request was sent.
    throw new SourceUnavailableError('the function that gives the secret has thrown', {
      code: 'SECRET_FAILED',
      nothingDone: true,
    })
  }
}

/** RFC 7518 §3.3: a shorter RSA key must not sign. */
export const MIN_RSA_BITS = 2_048

/** The error for a key that cannot be read. It shows nothing of it. */
export function badKey(option: string): SourceRefusedError {
  return new SourceRefusedError(
    `option "${option}" must be a private key in PEM that fits the algorithm, unencrypted; RSA of ${MIN_RSA_BITS} bits or more`,
    { code: 'BAD_KEY' },
  )
}

/**
 * Reads a private key: PEM (PKCS #8, PKCS #1 or SEC 1) as it is, with its line breaks written as `\n`, in quotes, or in
 * base64 as environment variables often hold it; or PKCS #8 in base64 alone. Throws `SourceRefusedError` (`BAD_KEY`).
 */
export function readPrivateKey(given: string, option = 'privateKey'): KeyObject {
  const { createPrivateKey } = builtin('crypto')
  try {
    const text = unwrap(given)
    const decoded = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('latin1')
    const key = decoded.includes('-----BEGIN')
      ? createPrivateKey(unwrap(decoded))
      : createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' })
    const { modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {}
    if (modulusLength >= MIN_RSA_BITS) return key
  } catch {
    // The parser's own words may quote the key.
  }
  throw badKey(option)
}

/** Without quotes around it, and with real line breaks. */
function unwrap(text: string): string {
  return text
    .trim()
    .replace(/^(["'])([\s\S]*)\1$/, '$2')
    .replace(/\\r\\n|\\n|\\r/g, '\n')
    .trim()
}
