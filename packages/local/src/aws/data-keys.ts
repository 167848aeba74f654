import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AwsRefusal } from './aws-json.ts'

/** What a ciphertext is bound to, as KMS has it: not secret, and the same for opening. */
export type EncryptionContext = { readonly [name: string]: string }

const NONCE = 12
const TAG = 16

/** The order of its names does not matter. */
function authenticated(keyId: string, context: EncryptionContext): Buffer {
  return Buffer.from(JSON.stringify([keyId, Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))]))
}

/** Encrypts under a key. The ciphertext names the key, as that of KMS does. */
export function wrap(
  { keyId, material }: { readonly keyId: string; readonly material: Uint8Array },
  plaintext: Uint8Array,
  context: EncryptionContext,
): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', material, nonce).setAAD(authenticated(keyId, context))
  const hidden = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const name = Buffer.from(keyId)
  return Buffer.concat([Buffer.from([name.length]), name, nonce, cipher.getAuthTag(), hidden])
}

/** The key that a ciphertext names. */
export function keyIdOf(blob: Buffer): string {
  return blob.subarray(1, 1 + (blob[0] ?? 0)).toString('utf8')
}

/** Decrypts; refuses what is broken, or was encrypted with another context, with KMS's one answer to both. */
export function unwrap(material: Uint8Array, blob: Buffer, context: EncryptionContext): Buffer {
  const keyId = keyIdOf(blob)
  const start = 1 + (blob[0] ?? 0)
  const tagAt = start + NONCE
  try {
    const decipher = createDecipheriv('aes-256-gcm', material, blob.subarray(start, tagAt), { authTagLength: TAG })
    decipher.setAAD(authenticated(keyId, context)).setAuthTag(blob.subarray(tagAt, tagAt + TAG))
    return Buffer.concat([decipher.update(blob.subarray(tagAt + TAG)), decipher.final()])
  } catch {
    throw new AwsRefusal('InvalidCiphertextException', 'null')
  }
}
