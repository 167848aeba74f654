import { builtin } from '../../lib/builtin.ts'

/** What the platform signs: the two headers, and the body as it was sent. */
export interface Signature {
  readonly timestamp: string
  readonly nonce: string
  /** What it claims to be: SHA-256 in hexadecimal. */
  readonly signature: string
  readonly text: string
}

const BLOCK = 16

function sha256(text: string): Buffer {
  return builtin('crypto').createHash('sha256').update(text, 'utf8').digest()
}

/** Whether two texts are the same, in a time that reveals nothing of either. */
export function isEqual(one: string, other: string): boolean {
  return builtin('crypto').timingSafeEqual(sha256(one), sha256(other))
}

/** Whether the signature is SHA-256 over timestamp, nonce, Encrypt Key and body, as the platform documents. */
export function isSigned({ timestamp, nonce, signature, text }: Signature, encryptKey: string): boolean {
  return isEqual(signature.toLowerCase(), sha256(timestamp + nonce + encryptKey + text).toString('hex'))
}

/**
 * The text of an encrypted event: base64 of an initialization vector and AES-256-CBC, its key SHA-256 of the Encrypt
 * Key. `undefined` when it cannot be decrypted.
 */
export function decrypt(encrypted: unknown, encryptKey: string): string | undefined {
  if (typeof encrypted !== 'string') return undefined
  const bytes = Buffer.from(encrypted, 'base64')
  if (bytes.length < 2 * BLOCK || bytes.length % BLOCK !== 0) return undefined
  try {
    const decipher = builtin('crypto').createDecipheriv('aes-256-cbc', sha256(encryptKey), bytes.subarray(0, BLOCK))
    return decipher.update(bytes.subarray(BLOCK), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    return undefined
  }
}
