import { isOpen, sdkError } from './sdk-error.ts'
import {
  isNotAccepted,
  isThrottled,
  ownLack,
  refused,
  retryAfterOf,
  type SourceFault,
  safeName,
  unavailable,
} from './source-fault.ts'

const PASSING = /Timeout|InternalFailure|InternalError|ServiceUnavailable|IDPCommunicationError/

const DENIED =
  'access denied; the caller needs sts:AssumeRole on it, and its trust policy must allow the caller, with the external id if it demands one'

/** The fault for whatever the client threw. Its code is that of STS. */
export function stsFault(roleArn: string, error: unknown): SourceFault {
  const name = safeName(error)
  const what = `role ${roleArn}`
  if (/^AccessDenied(Exception)?$/.test(name)) return refused(`${what}: ${DENIED}`, name)
  const lack = ownLack(error) ?? (isNotAccepted(error) ? 'the AWS credentials are not accepted' : undefined)
  // This environment alone lacks it, so no other is to be held back for long.
  if (lack !== undefined) return unavailable(`${what}: ${lack}`, name, { nothingDone: true })
  const { status } = sdkError(error)
  const options = { throttled: isThrottled(error), retryAfter: retryAfterOf(error) }
  if (status === undefined) {
    const late = /Timeout|Abort/.test(name)
    return unavailable(`${what}: STS did not answer (${name})`, late ? 'SOURCE_TIMEOUT' : 'SOURCE_UNREACHABLE', options)
  }
  const told = `${what}: STS answered ${name} (${status})`
  return options.throttled || PASSING.test(name) || isOpen(error)
    ? unavailable(told, name, options)
    : refused(told, name)
}
