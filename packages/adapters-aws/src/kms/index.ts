/**
 * Keys for sealing that KMS protects: data keys that are stored encrypted, and decrypted once per environment.
 *
 * @module
 */

import { memoize } from '@warmtoken/core/adapter/setup'
import type { KeyRing } from '@warmtoken/core/seal'
import { loadFailed } from '../shared/load-failed.ts'
import { checkKmsOptions, type KmsKeyOptions } from './options.ts'

export type { EncryptedKey, KmsKeyOptions } from './options.ts'

/**
 * The `ring` of `aesGcm`, its keys decrypted by KMS: at the first token that is sealed or opened, once per environment
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
  checkKmsOptions(options)
  return memoize(() => import('./decrypt.ts').then(({ decryptRing }) => decryptRing(options), loadFailed))
}
