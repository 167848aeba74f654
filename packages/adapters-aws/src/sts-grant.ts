import { AssumeRoleCommand, type AssumeRoleCommandOutput, STSClient } from '@aws-sdk/client-sts'
import type { Issued, TokenValue } from '@warmtoken/core'
import { clientSettings } from './client.ts'
import { timeOf, watchDate } from './clock.ts'
import { oneCall } from './one-call.ts'
import { unavailable } from './source-fault.ts'
import type { AssumeRoleOptions } from './sts.ts'
import { TOKEN_TYPE } from './sts-credentials.ts'
import { stsFault } from './sts-failure.ts'

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
  // One attempt: the SDK would sit out a Retry-After that the whole fleet should learn of.
  const make = () => new STSClient({ ...clientSettings(request), maxAttempts: 1 })
  const calling = { given, make, signal }
  const output = await oneCall(calling, (client) => {
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
  return { value: { value, type: TOKEN_TYPE }, lifetime: lifeIn(output) }
}

function isPrintable(text: string | undefined): boolean {
  return text !== undefined && /^[\x20-\x7e]{1,16384}$/.test(text)
}

/**
 * How long they live. `Expiration` is an instant of AWS's clock, so it is held against the `Date` of the same answer and
 * not against a clock of this machine; the header names a second, and the answer may have been made at its end.
 */
function lifeIn(output: AssumeRoleCommandOutput): number {
  const until = output.Credentials?.Expiration?.getTime()
  const told = timeOf(output)
  if (until === undefined || told === undefined || Number.isNaN(until))
    throw unavailable('the answer of STS does not tell its time, or until when the credentials work', 'BAD_LIFE')
  const lifetime = until - told.at - told.precision
  if (lifetime > 0) return lifetime
  throw unavailable('the credentials in the answer of STS have expired', 'BAD_LIFE')
}
