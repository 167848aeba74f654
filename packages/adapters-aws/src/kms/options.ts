import type { Agent } from 'node:http'
import type { KMSClient } from '@aws-sdk/client-kms'
import { checkOptions, misuse, type Rule, textRule } from '@warmtoken/core/adapter/setup'
import { checkClient, matching, PLACE } from '../shared/options.ts'

/** A data key as it rests. */
export interface EncryptedKey {
  /** Its id in the ring, which each sealed token names: 1 to 32 letters, digits, `-` and `_`. Never used twice. */
  readonly id: string
  /** The `CiphertextBlob` of `aws kms generate-data-key --key-spec AES_256`, in base64. Not secret. */
  readonly encryptedKey: string
  /** The encryption context that it was made with. Default none. */
  readonly encryptionContext?: { readonly [name: string]: string }
  /** The KMS key that must have encrypted it: an id, alias or ARN. Default: the one that the `encryptedKey` names. */
  readonly keyId?: string
}

/** How `kmsKey` is set up. */
export interface KmsKeyOptions extends EncryptedKey {
  /** Keys that sealed before and still open. Each costs one more Decrypt an environment. Default none. */
  readonly older?: readonly EncryptedKey[]
  /** The region. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local server. Default: AWS. */
  readonly endpoint?: string
  /** An agent of `node:https`, such as that of a proxy. Not with `client`. Default: one that keeps connections alive. */
  readonly agent?: Agent
  /** Your own client, or a function that returns it. Default: one with three attempts and short timeouts. */
  readonly client?: KMSClient | (() => KMSClient | Promise<KMSClient>)
}

function isEncryptedKey(value: unknown): boolean {
  checkOptions('kmsKey: older', value, KEY_RULES, ['id', 'encryptedKey'])
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
  keyId: textRule,
}

const RULES: { readonly [name: string]: Rule } = {
  ...KEY_RULES,
  ...PLACE,
  older: ['a list of keys', (value) => Array.isArray(value) && value.every(isEncryptedKey)],
}

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown, and for an id that is used twice. */
export function checkKmsOptions(options: KmsKeyOptions): void {
  checkOptions('kmsKey', options, RULES, ['id', 'encryptedKey'])
  checkClient('kmsKey', options, { agent: options.agent })
  const ids = [options.id, ...(options.older ?? []).map(({ id }) => id)]
  if (new Set(ids).size < ids.length) misuse('kmsKey', 'two keys have the same id; give each another id')
}
