import { AssumeRoleCommand, type AssumeRoleCommandOutput, STSClient } from '@aws-sdk/client-sts'
import type { Issued, TokenValue } from '@warmtoken/core'
import { callOnce, clientSettings, timeOf, watchDate } from '../shared/clients.ts'
import type { Place } from '../shared/options.ts'
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
import { TOKEN_TYPE } from './credentials.ts'
import type { AssumeRoleOptions } from './options.ts'

interface Request extends AssumeRoleOptions {
  readonly sessionName: string
  readonly duration: number
  readonly signal: AbortSignal
}

/** Assumes the role once. Rejects with an error that shows nothing of the answer but its error code. */
export async function requestCredentials(request: Request): Promise<Issued<TokenValue>> {
  const { client: given, signal, roleArn, sessionName, duration, externalId, policy } = request
  const command = new AssumeRoleCommand({
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: duration / 1_000,
    ...(externalId !== undefined && { ExternalId: externalId }),
    ...(policy !== undefined && { Policy: policy }),
  })
  // One attempt: the SDK would wait out a Retry-After that the whole fleet should learn about.
  const make = (place: Place) => new STSClient({ ...clientSettings(place), maxAttempts: 1 })
  const calling = { given, place: request, make, signal }
  const output = await callOnce(calling, (client) => {
    watchDate(client)
    return client.send(command, { abortSignal: signal })
  }).catch((error: unknown) => {
    throw stsFault(roleArn, error)
  })
  const {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
  } = output.Credentials ?? {}
  if (![accessKeyId, secretAccessKey, sessionToken].every(isPrintable))
    throw unavailable('the answer of STS has no credentials of printable characters', 'BAD_TOKEN')
  const value = JSON.stringify({ accessKeyId, secretAccessKey, sessionToken })
  return { value: { value, type: TOKEN_TYPE }, lifetime: lifetimeIn(output) }
}

function isPrintable(text: string | undefined): boolean {
  return text !== undefined && /^[\x20-\x7e]{1,16384}$/.test(text)
}

/**
 * How long they live. `Expiration` is an instant of AWS's clock, so it is compared with the `Date` of the same answer and
 * not with a clock of this machine. The header counts whole seconds, and the answer may have been made at the end of one.
 */
function lifetimeIn(output: AssumeRoleCommandOutput): number {
  const until = output.Credentials?.Expiration?.getTime()
  const told = timeOf(output)
  if (until === undefined || told === undefined || Number.isNaN(until))
    throw unavailable('the answer of STS does not tell its time, or until when the credentials work', 'BAD_LIFE')
  const lifetime = until - told.at - told.precision
  if (lifetime > 0) return lifetime
  throw unavailable('the credentials in the answer of STS have expired', 'BAD_LIFE')
}

/** Passes, says STS, though its status does not. */
const PASSING = /IDPCommunicationError/

const DENIED =
  'access denied; the caller needs sts:AssumeRole on it, and its trust policy must allow the caller, with the external id if it demands one'

/** The fault for whatever the client threw. Its code is that of STS. */
function stsFault(roleArn: string, error: unknown): SourceFault {
  const name = safeName(error)
  const what = `role ${roleArn}`
  if (/^AccessDenied(Exception)?$/.test(name)) return refused(`${what}: ${DENIED}`, name)
  const lack = ownLack(error) ?? (isNotAccepted(error) ? 'the AWS credentials are not accepted' : undefined)
  // Only this environment lacks it, so no other should be held back for long.
  if (lack !== undefined) return unavailable(`${what}: ${lack}`, name, { nothingDone: true })
  const { status } = sdkError(error)
  const options = { throttled: isThrottled(error), retryAfter: retryAfterOf(error) }
  if (status === undefined) {
    const late = /Timeout|Abort/.test(name)
    return unavailable(`${what}: STS did not answer (${name})`, late ? 'SOURCE_TIMEOUT' : 'SOURCE_UNREACHABLE', options)
  }
  const told = `${what}: STS answered ${name} (${status})`
  return PASSING.test(name) || isPassing(error) ? unavailable(told, name, options) : refused(told, name)
}
