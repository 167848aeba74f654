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

/** What a person must mend, by the service's name for it. */
export type SecretRemedies = { readonly [name: string]: { readonly code: string; readonly why: string } }

const PASSING = /Timeout|InternalService|InternalServer|InternalFailure|ServiceUnavailable/

/** The fault for whatever a client threw. The codes are not those of an issuer: others see only them. */
export function secretFault(what: string, error: unknown, remedies: SecretRemedies): SourceFault {
  const name = safeName(error)
  const remedy = Object.hasOwn(remedies, name) ? remedies[name] : undefined
  if (remedy !== undefined) return refused(`${what}: ${remedy.why}`, remedy.code)
  const lack = ownLack(error) ?? (isNotAccepted(error) ? 'the AWS credentials are not accepted' : undefined)
  // This environment alone lacks it, so no other is to be held back for long.
  if (lack !== undefined) return unavailable(`${what}: ${lack}`, 'SECRET_UNAVAILABLE', { nothingDone: true })
  const { status } = sdkError(error)
  const why = status === undefined ? `no answer (${name})` : `${name} (${status})`
  const throttled = isThrottled(error)
  if (!throttled && !PASSING.test(name) && !isOpen(error)) return refused(`${what}: ${why}`, 'SECRET_DENIED')
  return unavailable(`${what}: ${why}`, 'SECRET_UNAVAILABLE', {
    throttled,
    retryAfter: retryAfterOf(error),
    nothingDone: true,
  })
}
