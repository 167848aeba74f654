import type { StoreFault } from '@warmtoken/core'
import { isOpen, isPassing, sdkError } from './sdk-error.ts'

/** Errors that a person must mend, by the SDK's name for them, and how. */
export type Remedies = { readonly [name: string]: { readonly code: string; readonly message: string } }

const NOT_ACCEPTED = { code: 'STORE_DENIED', message: 'the credentials are not accepted' }

const NO_REGION = { code: 'STORE_REFUSED', message: 'no region is set; give the option region' }

/** What every AWS service says of credentials. */
const CREDENTIALS: Remedies = {
  CredentialsProviderError: { code: 'STORE_DENIED', message: 'there are no credentials' },
  // By our own client: a credential alone comes from outside into a request's head.
  RequestRefused: { code: 'STORE_DENIED', message: 'the credentials hold a character that is not allowed' },
  UnrecognizedClientException: NOT_ACCEPTED,
  InvalidSignatureException: NOT_ACCEPTED,
  ExpiredTokenException: NOT_ACCEPTED,
  InvalidAccessKeyId: NOT_ACCEPTED,
  SignatureDoesNotMatch: NOT_ACCEPTED,
  ExpiredToken: NOT_ACCEPTED,
}

/** The fault for whatever a client threw, with a remedy where a person must mend something. */
export function storeFault(what: string, error: unknown, remedies: Remedies): StoreFault {
  const { name, status, code: system } = sdkError(error)
  const cause = withoutAnswer(error)
  const remedy = cause?.message === 'Region is missing' ? NO_REGION : (remedies[name] ?? CREDENTIALS[name])
  if (remedy !== undefined) return fault(`${what}: ${remedy.message}`, { code: remedy.code, retryable: false, cause })
  const retryable = isPassing(error)
  const code = retryable ? 'STORE_UNAVAILABLE' : 'STORE_REFUSED'
  const detail = status ?? system
  return fault(`${what}: ${name}${detail === undefined ? '' : ` (${detail})`}`, { code, retryable, cause })
}

/** The SDK keeps the whole answer in its error, and a parser quotes what it choked on: a record, perhaps. */
function withoutAnswer(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  const { name, message, $metadata } = error as Error & { $metadata?: unknown }
  const { code } = sdkError(error)
  return Object.assign(new Error(isOpen(error) && name === 'SyntaxError' ? '' : message), {
    name,
    ...(code !== undefined && { code }),
    ...($metadata !== undefined && { $metadata }),
  })
}

/** A fault of this very code. */
export function fault(
  message: string,
  { code, retryable, cause }: { code: string; retryable: boolean; cause?: unknown },
): StoreFault {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), {
    name: 'StoreFault',
    code,
    retryable,
  })
}
