import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import type { KeyRing } from '@warmtoken/core/seal'
import { callOnce, clientSettings } from '../shared/clients.ts'
import type { Place } from '../shared/options.ts'
import { invalidKey, keyFault } from './faults.ts'
import type { EncryptedKey, KmsKeyOptions } from './options.ts'

/** AES-256. */
const KEY_BYTES = 32
/** How long all of it may take, in ms: a codec is given no timeout. */
const LIMIT = 3_000

/**
 * Decrypts the keys of a ring, all at once. An older key that KMS refuses for good is left out: what it sealed counts as
 * missed, and everything else goes on.
 */
export async function decryptRing(options: KmsKeyOptions): Promise<KeyRing> {
  const { older = [], client: given } = options
  const signal = AbortSignal.timeout(LIMIT)
  const calling = { given, place: options, make: makeClient, signal }
  const [current, ...others] = await callOnce(calling, (client) =>
    Promise.all([decrypt(client, options, signal), ...older.map((key) => decrypt(client, key, signal).catch(leftOut))]),
  ).catch((error: unknown) => {
    throw keyFault(options, error)
  })
  const known = [options, ...older].map(({ id }, index) => [id, [current, ...others][index]] as const)
  const keys = Object.fromEntries(known.filter((one): one is [string, Uint8Array] => one[1] !== undefined))
  return hidden({ current: options.id, keys: hidden(keys) })
}

function makeClient(place: Place): KMSClient {
  return new KMSClient(clientSettings(place))
}

async function decrypt(client: KMSClient, key: EncryptedKey, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const { encryptedKey, encryptionContext, keyId } = key
  const command = new DecryptCommand({
    CiphertextBlob: Buffer.from(encryptedKey, 'base64'),
    ...(encryptionContext !== undefined && { EncryptionContext: { ...encryptionContext } }),
    ...(keyId !== undefined && { KeyId: keyId }),
  })
  const output = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
    throw keyFault(key, error)
  })
  const length = output.Plaintext?.length ?? 0
  if (length !== KEY_BYTES) throw invalidKey(key, length)
  return output.Plaintext
}

function leftOut(error: unknown): undefined {
  if ((error as { retryable?: unknown }).retryable !== false) throw error
  return undefined
}

/** Shows nothing in `util.inspect` and `JSON.stringify`. */
function hidden<T extends object>(of: T): T {
  const show = { value: () => '[key ring]' }
  return Object.defineProperties(of, { toJSON: show, [Symbol.for('nodejs.util.inspect.custom')]: show })
}
