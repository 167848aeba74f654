import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { callOnce, clientSettings } from '../shared/clients.ts'
import type { Place } from '../shared/options.ts'
import type { SecretsManagerSecretOptions } from './options.ts'
import { LIMIT, secretFault, secretIn } from './read.ts'

const REMEDIES = {
  AccessDeniedException: {
    code: 'SECRET_DENIED',
    why: 'access denied; the role needs secretsmanager:GetSecretValue on it, and kms:Decrypt if it has a customer-managed KMS key',
  },
  ResourceNotFoundException: {
    code: 'SECRET_MISSING',
    why: 'there is no such secret in this region, or it has no value',
  },
  InvalidRequestException: { code: 'SECRET_MISSING', why: 'it is about to be deleted' },
  DecryptionFailure: { code: 'SECRET_DENIED', why: 'its KMS key cannot be used' },
}

/** Reads a secret once. Rejects with an error that never shows it. */
export async function readSecret(options: SecretsManagerSecretOptions): Promise<string> {
  const { id, field, client: given } = options
  const what = `secret "${id}"`
  const signal = AbortSignal.timeout(LIMIT)
  const calling = {
    given,
    place: options,
    make: (place: Place) => new SecretsManagerClient(clientSettings(place)),
    signal,
  }
  const output = await callOnce(calling, (client) =>
    client.send(new GetSecretValueCommand({ SecretId: id }), { abortSignal: signal }),
  ).catch((error: unknown) => {
    throw secretFault(what, error, REMEDIES)
  })
  return secretIn(what, output.SecretString, field)
}
