import { sdkError } from './sdk-error.ts'

/** What a source rejects with, known to the engine by its `name`. It shows nothing of an answer but its error code. */
export interface SourceFault extends Error {
  /** `SourceRefusedError`: asking again is useless. `SourceUnavailableError`: it may pass. */
  readonly name: 'SourceRefusedError' | 'SourceUnavailableError'
  /** Stable, for programs. */
  readonly code: string
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** `throttled` when the service asked for patience. */
  readonly kind: 'refused' | 'throttled' | 'unavailable'
  /** How long to wait, in ms, where the answer said it. */
  readonly retryAfter: number | undefined
  /** True when nothing was issued or spent for the request. */
  readonly nothingDone: boolean
}

type Facts = Omit<SourceFault, keyof Error> & Pick<SourceFault, 'name'>

function make(message: string, facts: Facts): SourceFault {
  return Object.assign(new Error(message), facts)
}

/** A refusal that an operator must act on. */
export function refused(message: string, code: string): SourceFault {
  return make(message, {
    name: 'SourceRefusedError',
    code,
    retryable: false,
    kind: 'refused',
    retryAfter: undefined,
    nothingDone: true,
  })
}

/** A fault that may pass. */
export function unavailable(
  message: string,
  code: string,
  {
    throttled = false,
    retryAfter,
    nothingDone = throttled,
  }: { throttled?: boolean; retryAfter?: number | undefined; nothingDone?: boolean } = {},
): SourceFault {
  return make(message, {
    name: 'SourceUnavailableError',
    code,
    retryable: true,
    kind: throttled ? 'throttled' : 'unavailable',
    retryAfter,
    nothingDone,
  })
}

/** The service's name for an error, when it may be shown: short, and of plain characters. */
export function safeName(error: unknown): string {
  const { name } = sdkError(error)
  return /^[\w.-]{1,64}$/.test(name) ? name : 'Error'
}

/** What this environment itself lacks, before any service was asked; `undefined` for everything else. */
export function ownLack(error: unknown): string | undefined {
  if (safeName(error) === 'CredentialsProviderError') return 'this environment has no AWS credentials'
  return error instanceof Error && error.message === 'Region is missing'
    ? 'no region is set; give the option region'
    : undefined
}

/** What every AWS service says about credentials that it does not accept. */
export function isNotAccepted(error: unknown): boolean {
  return /^(UnrecognizedClientException|InvalidSignatureException|ExpiredToken(Exception)?|InvalidClientTokenId|SignatureDoesNotMatch|InvalidAccessKeyId|IncompleteSignature(Exception)?|RequestExpired)$/.test(
    safeName(error),
  )
}

/** `Retry-After` in whole seconds, in ms, when the answer has it. */
export function retryAfterOf(error: unknown): number | undefined {
  const response = (error as { $response?: { headers?: { [name: string]: unknown } } } | undefined)?.$response
  const given = response?.headers?.['retry-after']
  return typeof given === 'string' && /^\d{1,9}$/.test(given) ? Number(given) * 1_000 : undefined
}
