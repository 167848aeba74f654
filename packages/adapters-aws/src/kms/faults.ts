import { isPassing, sdkError } from '../shared/sdk-error.ts'
import { isNotAccepted, ownLack, safeName } from '../shared/source-faults.ts'
import type { EncryptedKey } from './options.ts'

/** The error for a key that is not available. It shows the key's id and KMS's name for the error, nothing else. */
export interface KeyFault extends Error {
  readonly name: 'KeyFault'
  /** `KEY_DENIED`, `KEY_REFUSED` or `KEY_UNAVAILABLE`. */
  readonly code: string
  /** False when an operator must act. */
  readonly retryable: boolean
}

/** KMS's names for what an operator must act on, and how. */
const REMEDIES: { readonly [name: string]: string } = {
  InvalidCiphertextException: 'it is damaged, or was made with another encryption context',
  IncorrectKeyException: 'it was not encrypted under the key that the option keyId names',
  NotFoundException: 'the KMS key, or the one that the option keyId names, does not exist in this region',
  DisabledException: 'the KMS key is disabled',
  KMSInvalidStateException: 'the KMS key is disabled, or about to be deleted',
  InvalidKeyUsageException: 'the KMS key is not for encryption',
  InvalidGrantTokenException: 'the grant is not valid',
}

const PASSING = /KeyUnavailable|KMSInternal/

function fault(
  { id }: Pick<EncryptedKey, 'id'>,
  { code, why }: { readonly code: string; readonly why: string },
): KeyFault {
  return Object.assign(new Error(`data key "${id}": ${why}`), {
    name: 'KeyFault',
    code,
    retryable: code === 'KEY_UNAVAILABLE',
  } as const)
}

function isKeyFault(error: unknown): error is KeyFault {
  return error instanceof Error && error.name === 'KeyFault'
}

/** The fault for whatever the client threw. */
export function keyFault(key: Pick<EncryptedKey, 'id'>, error: unknown): KeyFault {
  if (isKeyFault(error)) return error
  const name = safeName(error)
  if (name === 'AccessDeniedException') {
    const why = 'access denied; the role needs kms:Decrypt on the KMS key, in its policy or in that of the key'
    return fault(key, { code: 'KEY_DENIED', why })
  }
  if (isNotAccepted(error)) return fault(key, { code: 'KEY_DENIED', why: 'the credentials are not accepted' })
  const lack = ownLack(error)
  if (lack !== undefined) return fault(key, { code: 'KEY_REFUSED', why: lack })
  const remedy = Object.hasOwn(REMEDIES, name) ? REMEDIES[name] : undefined
  if (remedy !== undefined) return fault(key, { code: 'KEY_REFUSED', why: `KMS cannot decrypt it: ${remedy}` })
  const { status } = sdkError(error)
  const passes = PASSING.test(name) || isPassing(error)
  const why = status === undefined ? `KMS did not answer (${name})` : `KMS answered ${name} (${status})`
  return fault(key, { code: passes ? 'KEY_UNAVAILABLE' : 'KEY_REFUSED', why })
}

/** The fault for a key of a wrong length. */
export function invalidKey(key: EncryptedKey, length: number): KeyFault {
  return fault(key, {
    code: 'KEY_REFUSED',
    why: `it has ${length} bytes, and AES-256 needs 32; make it with --key-spec AES_256`,
  })
}
