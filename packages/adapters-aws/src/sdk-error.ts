/** What is read of an SDK error. */
export interface SdkError {
  readonly name: string
  readonly status: number | undefined
  /** The system's word, such as `ECONNREFUSED`. */
  readonly code: string | undefined
}

/** The name and status of whatever a client threw. */
export function sdkError(error: unknown): SdkError {
  const { name, code, $metadata } = (error ?? {}) as {
    name?: unknown
    code?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  return {
    name: typeof name === 'string' ? name : 'Error',
    status: $metadata?.httpStatusCode,
    code: typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : undefined,
  }
}

const PASSING =
  /Throttl|TooManyRequests|ProvisionedThroughput|RequestLimit|SlowDown|ServiceUnavailable|InternalServer|InternalError|Timeout|TransactionInProgress/

/** There are no credentials, or none that a header may hold: there are no others the next moment either. */
const NEVER_SENT = /^(CredentialsProviderError|RequestRefused)$/

/** Whether the same request may succeed soon. */
export function isPassing(error: unknown): boolean {
  const { name, status } = sdkError(error)
  return PASSING.test(name) || isOpen(error) || status === 429
}

/** Whether no answer came, none that can be read, or a server fault: what was asked may have been done. */
export function isOpen(error: unknown): boolean {
  const { name, status } = sdkError(error)
  if (NEVER_SENT.test(name)) return false
  return status === undefined || status < 300 || status >= 500
}
