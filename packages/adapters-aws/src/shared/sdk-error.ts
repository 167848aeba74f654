import { asFields, matches, mayHaveBeenApplied } from '@warmtoken/core/adapter'

/** What is read of an error of the SDK, or of our own requests, which fail in the same form. */
export interface SdkError {
  readonly name: string
  readonly status: number | undefined
  /** The system's code, such as `ECONNREFUSED`. */
  readonly code: string | undefined
  /** Not to be shown: a parser may quote a record in it. */
  readonly message: string
}

/** The name, status and code of whatever a client threw. */
export function sdkError(error: unknown): SdkError {
  const { name, code, message, $metadata } = asFields(error) ?? {}
  const status = asFields($metadata)?.['httpStatusCode']
  return {
    name: typeof name === 'string' ? name : 'Error',
    status: typeof status === 'number' ? status : undefined,
    code: matches(code, /^\w{1,60}$/) ? code : undefined,
    message: typeof message === 'string' ? message : '',
  }
}

// The lists of the SDK: constants.js of service-error-classification in @smithy/core 3.41. A test compares them.
const THROTTLING: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
])
const TRANSIENT: ReadonlySet<string> = new Set([
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
  // Marked as retryable in the model of DynamoDB.
  'ReplicatedWriteConflictException',
])
const NETWORK: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])
const TRANSIENT_STATUS: ReadonlySet<number | undefined> = new Set([429, 500, 502, 503, 504])

/** Whether the service asks for patience. */
export function isThrottled(error: unknown): boolean {
  const { name, status } = sdkError(error)
  return status === 429 || THROTTLING.has(name)
}

/** Whether the SDK repeats a request that failed with this error. */
export function isRepeated(error: unknown): boolean {
  const { name, status, code } = sdkError(error)
  if (name === 'AbortError') return false
  return isThrottled(error) || TRANSIENT.has(name) || NETWORK.has(code ?? '') || TRANSIENT_STATUS.has(status)
}

/** There are no credentials, none that a header may hold, or no means to send: the next moment changes none of it. */
const NEVER_SENT = /^(CredentialsProviderError|RequestRefused|RequestUnsupported)$/

/** Names of errors that pass, of services whose status does not say it. */
const PASSING = /ServiceUnavailable|InternalServer|InternalError|InternalFailure|Timeout/

/** Whether the same request may succeed soon. */
export function isPassing(error: unknown): boolean {
  return isRepeated(error) || PASSING.test(sdkError(error).name) || isUnanswered(error)
}

function isUnanswered(error: unknown): boolean {
  const { name, status } = sdkError(error)
  if (NEVER_SENT.test(name)) return false
  // Below 300: an answer that could not be read.
  return status === undefined || status < 300 || status >= 500
}

/** Whether a write that failed with this error may have been applied: no answer, an unreadable one, or a server error. */
export function isAmbiguous(error: unknown): boolean {
  return isUnanswered(error) || mayHaveBeenApplied(error)
}
