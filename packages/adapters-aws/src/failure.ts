import type { StoreFault } from '@warmtoken/core'

/** Errors that a person must mend, and how. */
interface Remedy {
  readonly code: string
  readonly message: string
}

/** What is read of an SDK error. */
export interface SdkError {
  readonly name: string
  readonly status: number | undefined
}

/** The name and status of whatever a client threw. */
export const sdkError = (error: unknown): SdkError => {
  const { name, $metadata } = (error ?? {}) as { name?: unknown; $metadata?: { httpStatusCode?: number } }
  return { name: typeof name === 'string' ? name : 'Error', status: $metadata?.httpStatusCode }
}

const PASSING =
  /Throttl|TooManyRequests|ProvisionedThroughput|RequestLimit|SlowDown|ServiceUnavailable|InternalServer|InternalError|Timeout|TransactionInProgress/

/** The fault for whatever a client threw, with a remedy where a person must mend something. */
export const storeFault = (what: string, cause: unknown, remedies: { readonly [name: string]: Remedy }): StoreFault => {
  const { name, status } = sdkError(cause)
  const remedy = remedies[name]
  if (remedy !== undefined) return fault(`${what}: ${remedy.message}`, { code: remedy.code, retryable: false, cause })
  const retryable = PASSING.test(name) || status === undefined || status === 429 || status >= 500
  const code = retryable ? 'STORE_UNAVAILABLE' : 'STORE_REFUSED'
  return fault(`${what}: ${name}${status === undefined ? '' : ` (${status})`}`, { code, retryable, cause })
}

const fault = (
  message: string,
  { code, retryable, cause }: { code: string; retryable: boolean; cause: unknown },
): StoreFault => Object.assign(new Error(message, { cause }), { name: 'StoreFault', code, retryable })
