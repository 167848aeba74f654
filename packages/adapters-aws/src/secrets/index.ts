/**
 * Secrets from Secrets Manager and from the parameters of Systems Manager, as the functions that sources take.
 *
 * @module
 */

import { memoize } from '@warmtoken/core/adapter/setup'
import { loadFailed } from '../shared/load-failed.ts'
import { checkSecretOptions, type SecretsManagerSecretOptions, type SsmParameterOptions } from './options.ts'

export type { SecretOptions, SecretsManagerSecretOptions, SsmParameterOptions } from './options.ts'

/** The default of `maxAge`, in ms. */
const MAX_AGE = 300_000

/** A secret that cannot be read for the moment still serves. */
function survives(error: unknown): boolean {
  return (error as { retryable?: unknown }).retryable === true
}

/**
 * A secret of Secrets Manager, for `clientSecret`, `privateKey` and similar options: read when it is first needed, once however
 * many wait, and again after `maxAge`. When it cannot be read then, the one that is known still serves. Needs
 * `secretsmanager:GetSecretValue`. Throws `TypeError` that names the option when one is missing, wrong or unknown. What
 * it returns rejects with an error that a source may pass on: of name `SourceRefusedError` (`SECRET_DENIED`,
 * `SECRET_MISSING`, `SECRET_INVALID`) or `SourceUnavailableError` (`SECRET_UNAVAILABLE`). None shows the secret.
 *
 * @example
 * ```ts
 * const clientSecret = secretsManagerSecret({ id: 'prod/crm', field: 'client_secret' })
 * ```
 */
export function secretsManagerSecret(options: SecretsManagerSecretOptions): () => Promise<string> {
  checkSecretOptions('secretsManagerSecret', options, 'id')
  const { maxAge = MAX_AGE } = options
  const read = () => import('./secrets-manager.ts').then(({ readSecret }) => readSecret(options), loadFailed)
  return memoize(read, { maxAge, survives })
}

/**
 * A parameter of Systems Manager, decrypted; otherwise like {@link secretsManagerSecret}. Needs `ssm:GetParameter`, and
 * `kms:Decrypt` where the parameter has a customer-managed KMS key.
 *
 * @example
 * ```ts
 * const clientSecret = ssmParameter({ name: '/prod/crm/client-secret' })
 * ```
 */
export function ssmParameter(options: SsmParameterOptions): () => Promise<string> {
  checkSecretOptions('ssmParameter', options, 'name')
  const { maxAge = MAX_AGE } = options
  const read = () => import('./parameters.ts').then(({ readParameter }) => readParameter(options), loadFailed)
  return memoize(read, { maxAge, survives })
}
