/**
 * Keys for sealing that KMS guards: data keys that rest encrypted, and are decrypted once an environment.
 *
 * @module
 */

import type { KMSClient } from '@aws-sdk/client-kms'
import type { KeyRing } from '@warmtoken/core/seal'
import { checkAll, matching, PLACE, type Rule } from './check.ts'
import { kept } from './kept.ts'
import { loadFailed } from './load-failed.ts'

/** A data key as it rests. */
export interface EncryptedKey {
  /** Its id in the ring, which each sealed token names: 1 to 32 letters, digits, `-` and `_`. Never used twice. */
  readonly id: string
  /** The `CiphertextBlob` of `aws kms generate-data-key --key-spec AES_256`, in base64. Not secret. */
  readonly encryptedKey: string
  /** The encryption context that it was made with. Default none. */
  readonly encryptionContext?: { readonly [name: string]: string }
  /** The KMS key that must have encrypted it: an id, alias or ARN. Default: the one that the blob names. */
  readonly keyId?: string
}

/** How {@link kmsKey} is set up. */
export interface KmsKeyOptions extends EncryptedKey {
  /** Keys that sealed before and still open. Each costs one more Decrypt an environment. Default none. */
  readonly older?: readonly EncryptedKey[]
  /** The region. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local server. Default: AWS. */
  readonly endpoint?: string
  /** A client of one's own, or a function that gives it. Default: one with three attempts and short time-outs. */
  readonly client?: KMSClient | (() => KMSClient | Promise<KMSClient>)
}

function isEncryptedKey(value: unknown): boolean {
  checkAll('kmsKey: older', value as EncryptedKey, KEY_RULES, ['id', 'encryptedKey'])
  return true
}

const KEY_RULES: { readonly [name: string]: Rule } = {
  id: matching('1 to 32 letters, digits, "-" or "_"', /^[A-Za-z0-9_-]{1,32}$/),
  // KMS API reference, Decrypt: a CiphertextBlob has at most 6,144 bytes.
  encryptedKey: matching('a CiphertextBlob in base64', /^(?:[A-Za-z0-9+/]{4}){1,2048}(?:[A-Za-z0-9+/]{2,3}={0,2})?$/),
  encryptionContext: [
    'an object of texts',
    (value) =>
      typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string'),
  ],
  keyId: ['a text, not empty', (value) => typeof value === 'string' && value !== ''],
}

const RULES: { readonly [name: string]: Rule } = {
  ...KEY_RULES,
  ...PLACE,
  older: ['a list of keys', (value) => Array.isArray(value) && value.every(isEncryptedKey)],
}

/**
 * The `ring` of `aesGcm`, its keys decrypted by KMS: at the first token that is sealed or opened, once an environment
 * however many wait, and again after a failure. Needs `kms:Decrypt` on the KMS key. Throws `TypeError` that names the
 * option when one is missing, wrong or unknown. What it returns rejects with an error of name `KeyFault` that has a
 * `code` (`KEY_DENIED`, `KEY_REFUSED`, `KEY_UNAVAILABLE`) and `retryable`.
 *
 * @example
 * ```ts
 * const codec = aesGcm({ ring: kmsKey({ id: '2026-11', encryptedKey: 'AQIDAHh…' }) })
 * ```
 */
export function kmsKey(options: KmsKeyOptions): () => Promise<KeyRing> {
  checkAll('kmsKey', options, RULES, ['id', 'encryptedKey'])
  const ids = [options.id, ...(options.older ?? []).map(({ id }) => id)]
  if (new Set(ids).size < ids.length) throw new TypeError('kmsKey: two keys have the same id')
  return kept(() => import('./kms-ring.ts').then(({ decryptRing }) => decryptRing(options), loadFailed))
}
