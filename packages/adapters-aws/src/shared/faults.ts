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

/** What AWS says of a permission: who is denied what on which resource. Nothing else of its text is shown. */
const DENIED =
  /^User: (arn:[\w:/+=,.@-]{1,300}) is not authorized to perform: [\w:]{1,80} on resource: (arn:[\w:/+=,.@*-]{1,300})/

/** The fault for whatever a client threw, with a remedy where an operator must act. It shows no other text of the answer. */
export function awsFault(what: string, cause: unknown, findRemedy: FindRemedy): StoreFault {
  const error = sdkError(cause)
  const remedy = ownRemedy(error) ?? findRemedy(error)
  const [, who, resource] = DENIED.exec(error.message) ?? []
  const denied = who === undefined ? '' : ` (${who} on ${resource})`
  if (remedy !== undefined)
    return storeFault(`${what}: ${remedy.message}${denied}`, { code: remedy.code, retryable: false, cause })
  const retryable = isPassing(cause)
  const code = retryable ? 'STORE_UNAVAILABLE' : 'STORE_REFUSED'
  const detail = error.status ?? error.code
  // The SDK's own words about its settings, before any request.
  const keepMessage = error.name === 'EndpointError'
  const message = `${what}: ${error.name}${detail === undefined ? '' : ` (${detail})`}`
  return storeFault(message, { code, retryable, cause, keepMessage })
}
