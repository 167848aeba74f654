import { type StoreFault, storeFault } from '@warmtoken/core/adapter'
import { isPassing, type SdkError, sdkError } from './sdk-error.ts'

/** What an operator must do, and the code for it. */
export interface Remedy {
  readonly code: string
  readonly message: string
}

/** Finds the remedy of a service's error; `undefined` when there is none. */
export type FindRemedy = (error: SdkError) => Remedy | undefined

const NOT_ACCEPTED: Remedy = { code: 'STORE_DENIED', message: 'the credentials are not accepted' }
const NO_REGION: Remedy = { code: 'STORE_REFUSED', message: 'no region is set; give the option region' }

/** What every AWS service says about credentials. */
const CREDENTIALS: { readonly [name: string]: Remedy } = {
  CredentialsProviderError: { code: 'STORE_DENIED', message: 'there are no credentials' },
  // From our own requests: only a credential brings text from outside into a header.
  RequestRefused: { code: 'STORE_DENIED', message: 'the credentials hold a character that is not allowed' },
  RequestUnsupported: {
    code: 'STORE_REFUSED',
    message: 'this runtime has only a part of node:https; give the option client',
  },
  UnrecognizedClientException: NOT_ACCEPTED,
  InvalidSignatureException: NOT_ACCEPTED,
  ExpiredTokenException: NOT_ACCEPTED,
  InvalidAccessKeyId: NOT_ACCEPTED,
  SignatureDoesNotMatch: NOT_ACCEPTED,
  ExpiredToken: NOT_ACCEPTED,
}

function ownRemedy({ name, message }: SdkError): Remedy | undefined {
  if (message === 'Region is missing') return NO_REGION
  return Object.hasOwn(CREDENTIALS, name) ? CREDENTIALS[name] : undefined
}

/**
 * Errors whose message is safe and needed: AWS names the role and the resource that it denies, and the SDK its own settings.
 * Every other message may quote a record.
 */
const SAFE_MESSAGES: ReadonlySet<string> = new Set(['AccessDeniedException', 'AccessDenied', 'EndpointError'])

/**
 * The fault for whatever a client threw, with a remedy where an operator must act. It shows nothing of the answer but what
 * AWS says of a permission.
 */
export function awsFault(what: string, cause: unknown, findRemedy: FindRemedy): StoreFault {
  const error = sdkError(cause)
  const remedy = ownRemedy(error) ?? findRemedy(error)
  const keepMessage = SAFE_MESSAGES.has(error.name)
  if (remedy !== undefined)
    return storeFault(`${what}: ${remedy.message}`, { code: remedy.code, retryable: false, cause, keepMessage })
  const retryable = isPassing(cause)
  const code = retryable ? 'STORE_UNAVAILABLE' : 'STORE_REFUSED'
  const detail = error.status ?? error.code
  const message = `${what}: ${error.name}${detail === undefined ? '' : ` (${detail})`}`
  return storeFault(message, { code, retryable, cause, keepMessage })
}
