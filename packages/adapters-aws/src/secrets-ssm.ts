import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { clientSettings } from './client.ts'
import { oneCall } from './one-call.ts'
import type { SsmParameterOptions } from './secrets.ts'
import { secretFault } from './secrets-failure.ts'
import { LIMIT, secretIn } from './secrets-text.ts'

const MISSING = { code: 'SECRET_MISSING', why: 'there is no such parameter in this region' }
const REMEDIES = {
  AccessDeniedException: {
    code: 'SECRET_DENIED',
    why: 'access denied; the role needs ssm:GetParameter on it, and kms:Decrypt if it has a KMS key of its own',
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
  const calling = { given, make: () => new SSMClient(clientSettings(options)), signal }
  const output = await oneCall(calling, (client) =>
    client.send(new GetParameterCommand({ Name: name, WithDecryption: true }), { abortSignal: signal }),
  ).catch((error: unknown) => {
    throw secretFault(what, error, REMEDIES)
  })
  return secretIn(what, output.Parameter?.Value, field)
}
