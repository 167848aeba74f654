import { randomBytes } from 'node:crypto'
import type { Imitation, ImitationOptions } from '../issuers/imitation.ts'
import { AwsRefusal, type Operation, startJsonService, textField } from './aws-json.ts'
import { type EncryptionContext, keyIdOf, unwrap, wrap } from './data-keys.ts'

/** What {@link startKms} takes. */
export interface KmsOptions extends ImitationOptions {
  /** The ids of the keys that exist. Default `['local']`. */
  readonly keys?: readonly string[]
}

/** How a data key is made. */
export interface DataKeyOptions {
  /** The key that wraps it. Default the first one. */
  readonly keyId?: string
  /** What it is bound to. Default nothing. */
  readonly encryptionContext?: EncryptionContext
  /** How long it is. Default 32. */
  readonly bytes?: number
}

/** A running KMS. `requests` counts Decrypt only. */
export interface Kms extends Imitation {
  /** Makes a data key and returns it wrapped, in base64, as `aws kms generate-data-key` prints its `CiphertextBlob`. */
  dataKey(options?: DataKeyOptions): string
  /** Makes a key unusable, as disabling it does. */
  disable(keyId: string): void
}

const ARN = 'arn:aws:kms:us-east-1:000000000000:key/'

/**
 * Starts an imitation of KMS: GenerateDataKey, GenerateDataKeyWithoutPlaintext, Encrypt and Decrypt with keys in memory.
 * A wrong encryption context is an `InvalidCiphertextException`, as it is there. Signatures are not verified.
 *
 * @example
 * const kms = await startKms()
 * const ring = kmsKey({ id: '2026-11', encryptedKey: kms.dataKey(), region: 'us-east-1', endpoint: kms.url })
 */
export async function startKms(options: KmsOptions = {}): Promise<Kms> {
  const { keys = ['local'] } = options
  const [first = ''] = keys
  const materials = new Map(keys.map((keyId) => [keyId, randomBytes(32)]))
  const disabled = new Set<string>()

  const find = (given: string): { readonly keyId: string; readonly material: Uint8Array } => {
    const keyId = given.startsWith(ARN) ? given.slice(ARN.length) : given
    const material = materials.get(keyId)
    if (material === undefined) throw new AwsRefusal('NotFoundException', `Key '${ARN}${keyId}' does not exist`)
    if (disabled.has(keyId)) throw new AwsRefusal('DisabledException', `${ARN}${keyId} is disabled.`)
    return { keyId, material }
  }

  const generate: Operation = (input) => {
    const key = find(textField(input, 'KeyId'))
    const bytes = Number(input['NumberOfBytes'] ?? (input['KeySpec'] === 'AES_128' ? 16 : 32))
    const plaintext = randomBytes(bytes)
    const blob = wrap(key, plaintext, contextOf(input)).toString('base64')
    return { KeyId: ARN + key.keyId, Plaintext: plaintext.toString('base64'), CiphertextBlob: blob }
  }

  const decrypt: Operation = (input) => {
    const blob = Buffer.from(textField(input, 'CiphertextBlob'), 'base64')
    const named = keyIdOf(blob)
    if (!materials.has(named)) throw new AwsRefusal('InvalidCiphertextException', 'null')
    const key = find(named)
    if (input['KeyId'] !== undefined && find(textField(input, 'KeyId')).keyId !== named)
      throw new AwsRefusal(
        'IncorrectKeyException',
        'The key ID in the request does not identify a CMK that can decrypt.',
      )
    const plaintext = unwrap(key.material, blob, contextOf(input)).toString('base64')
    return { KeyId: ARN + named, Plaintext: plaintext, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
  }

  const kms = await startJsonService(
    options,
    { target: 'TrentService', counted: 'Decrypt' },
    {
      GenerateDataKey: generate,
      GenerateDataKeyWithoutPlaintext: (input, now) => ({ ...generate(input, now), Plaintext: undefined }),
      Encrypt: (input) => {
        const key = find(textField(input, 'KeyId'))
        const plaintext = Buffer.from(textField(input, 'Plaintext'), 'base64')
        return { KeyId: ARN + key.keyId, CiphertextBlob: wrap(key, plaintext, contextOf(input)).toString('base64') }
      },
      Decrypt: decrypt,
    },
  )
  return Object.assign(kms, {
    dataKey: ({ keyId = first, encryptionContext = {}, bytes = 32 }: DataKeyOptions = {}) =>
      wrap(find(keyId), randomBytes(bytes), encryptionContext).toString('base64'),
    disable(keyId: string) {
      disabled.add(keyId)
    },
  })
}

function contextOf(input: { readonly [name: string]: unknown }): EncryptionContext {
  const context = input['EncryptionContext']
  if (typeof context !== 'object' || context === null) return {}
  return Object.fromEntries(Object.entries(context).map(([name, value]) => [name, String(value)]))
}
