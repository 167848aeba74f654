import { asFields, parseJson } from '@warmtoken/core/adapter'
import { isPassing, isThrottled, sdkError } from '../shared/sdk-error.ts'
import {
  isNotAccepted,
  ownLack,
  refused,
  retryAfterOf,
  type SourceFault,
  safeName,
  unavailable,
} from '../shared/source-faults.ts'

/** How long a read may take, in ms: it is part of a fetch, which has 3,000 by default and must still reach the issuer. */
export const LIMIT = 2_000

/** The secret in what was read. The error names the field, never what it holds. */
export function secretIn(what: string, whole: string | undefined, field: string | undefined): string {
  if (whole === undefined) throw refused(`${what}: it is binary; a text is needed`, 'SECRET_INVALID')
  const secret = field === undefined ? whole : fieldOf(what, whole, field)
  if (typeof secret === 'string' && secret !== '') return secret
  const where = field === undefined ? 'it' : `its field "${field}"`
  throw refused(`${what}: ${where} is missing, empty or not a text`, 'SECRET_INVALID')
}

function fieldOf(what: string, whole: string, field: string): unknown {
  const fields = asFields(parseJson(whole))
  if (fields === undefined)
    throw refused(`${what}: it is not a JSON object, so it has no field "${field}"`, 'SECRET_INVALID')
  return Object.hasOwn(fields, field) ? fields[field] : undefined
}

/** What an operator must act on, by the service's name for it. */
export type SecretRemedies = { readonly [name: string]: { readonly code: string; readonly why: string } }

const PASSING = /InternalService/

/** The fault for whatever a client threw. The codes are not those of an issuer: others see only them. */
export function secretFault(what: string, error: unknown, remedies: SecretRemedies): SourceFault {
  const name = safeName(error)
  const remedy = Object.hasOwn(remedies, name) ? remedies[name] : undefined
  if (remedy !== undefined) return refused(`${what}: ${remedy.why}`, remedy.code)
  const lack = ownLack(error) ?? (isNotAccepted(error) ? 'the AWS credentials are not accepted' : undefined)
  // Only this environment lacks it, so no other should be held back for long.
  if (lack !== undefined) return unavailable(`${what}: ${lack}`, 'SECRET_UNAVAILABLE', { nothingDone: true })
  const { status } = sdkError(error)
  const why = status === undefined ? `no answer (${name})` : `${name} (${status})`
  const throttled = isThrottled(error)
  if (!PASSING.test(name) && !isPassing(error)) return refused(`${what}: ${why}`, 'SECRET_DENIED')
  return unavailable(`${what}: ${why}`, 'SECRET_UNAVAILABLE', {
    throttled,
    retryAfter: retryAfterOf(error),
    nothingDone: true,
  })
}
