import type { Imitation, ImitationOptions } from '../issuers/imitation.ts'
import { AwsRefusal, startJsonService, textField } from './aws-json.ts'

/** What {@link startSecretsManager} takes. */
export interface SecretsManagerOptions extends ImitationOptions {
  /** The secrets by name: a text, or bytes for a binary one. Default none. */
  readonly secrets?: { readonly [name: string]: string | Uint8Array }
}

/** A running Secrets Manager. `requests` counts GetSecretValue. */
export interface SecretsManager extends Imitation {
  /** Makes a secret, or gives it a new value. */
  put(name: string, value: string | Uint8Array): void
}

const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:'

/**
 * Starts an imitation of Secrets Manager that reads: GetSecretValue by name or ARN. Signatures are not verified.
 *
 * @example
 * const secrets = await startSecretsManager({ secrets: { 'prod/crm': '{"client_secret":"…"}' } })
 */
export async function startSecretsManager(options: SecretsManagerOptions = {}): Promise<SecretsManager> {
  const secrets = new Map(Object.entries(options.secrets ?? {}))
  const service = await startJsonService(
    options,
    { target: 'secretsmanager', counted: 'GetSecretValue' },
    {
      GetSecretValue(input, now) {
        const id = textField(input, 'SecretId')
        const name = id.startsWith(ARN) ? id.slice(ARN.length) : id
        const value = secrets.get(name)
        if (value === undefined)
          throw new AwsRefusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
        const stages = { VersionStages: ['AWSCURRENT'], CreatedDate: now / 1_000 }
        const content =
          typeof value === 'string' ? { SecretString: value } : { SecretBinary: Buffer.from(value).toString('base64') }
        return { ARN: ARN + name, Name: name, ...content, ...stages }
      },
    },
  )
  return Object.assign(service, {
    put(name: string, value: string | Uint8Array) {
      secrets.set(name, value)
    },
  })
}
