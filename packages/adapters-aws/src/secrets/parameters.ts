import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { callOnce, clientSettings } from '../shared/clients.ts'
import type { Place } from '../shared/options.ts'
import type { SsmParameterOptions } from './options.ts'
import { LIMIT, secretFault, secretIn } from './read.ts'

const MISSING = { code: 'SECRET_MISSING', why: 'there is no such parameter in this region' }
const REMEDIES = {
  AccessDeniedException: {
    code: 'SECRET_DENIED',
    why: 'access denied; the role needs ssm:GetParameter on it, and kms:Decrypt if it has a customer-managed KMS key',
  },
  ParameterNotFound: MISSING,
  ParameterVersionNotFound: MISSING,
  InvalidKeyId: { code: 'SECRET_DENIED', why: 'its KMS key cannot be used' },
}

/** Reads a parameter once, decrypted. Rejects with an error that never shows it. */
export async function readParameter(options: SsmParameterOptions): Promise<string> {
  const { name, field, client: given } = options
  const what = `parameter "${name}"`
  const signal = AbortSignal.timeout(LIMIT)
  const calling = { given, place: options, make: (place: Place) => new SSMClient(clientSettings(place)), signal }
  const output = await callOnce(calling, (client) =>
    client.send(new GetParameterCommand({ Name: name, WithDecryption: true }), { abortSignal: signal }),
  ).catch((error: unknown) => {
    throw secretFault(what, error, REMEDIES)
  })
  return secretIn(what, output.Parameter?.Value, field)
}
