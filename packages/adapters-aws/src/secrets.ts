/**
 * Secrets from Secrets Manager and from Systems Manager's parameters, as the functions that sources take.
 *
 * @module
 */

import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { SSMClient } from '@aws-sdk/client-ssm'
import { checkAll, length, PLACE, type Rule, text } from './check.ts'
import { kept } from './kept.ts'
import { loadFailed } from './load-failed.ts'

/** What every secret takes. */
export interface SecretOptions<Client> {
  /** The field that holds the secret, where it rests as a JSON object. Default: the whole text is the secret. */
  readonly field?: string
  /**
   * How long it is kept, in ms. A secret that was changed is found within this time. Default 300,000 (5 min). It is read
   * only when a token is fetched, or when a refusal is on record.
   */
  readonly maxAge?: number
  /** The region. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local server. Default: AWS. */
  readonly endpoint?: string
  /** A client of one's own, or a function that gives it. Default: one with three attempts and short time-outs. */
  readonly client?: Client | (() => Client | Promise<Client>)
}

/** How {@link secretsManagerSecret} is set up. */
export interface SecretsManagerSecretOptions extends SecretOptions<SecretsManagerClient> {
  /** The name or ARN of the secret. */
  readonly id: string
}

/** How {@link ssmParameter} is set up. */
export interface SsmParameterOptions extends SecretOptions<SSMClient> {
  /** The name or ARN of the parameter. */
  readonly name: string
}

const RULES: { readonly [name: string]: Rule } = { field: text, maxAge: length, ...PLACE }
const MAX_AGE = 300_000

/** What cannot be read now does not take away what is known. */
function survives(error: unknown): boolean {
  return (error as { retryable?: unknown }).retryable === true
}

/**
 * A secret of Secrets Manager, for `clientSecret`, `privateKey` and the like: read when it is first needed, once however
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
  checkAll('secretsManagerSecret', options, { id: text, ...RULES }, ['id'])
  const { maxAge = MAX_AGE } = options
  const read = () => import('./secrets-manager.ts').then(({ readSecret }) => readSecret(options), loadFailed)
  return kept(read, { maxAge, survives })
}

/**
 * A parameter of Systems Manager, decrypted; otherwise like {@link secretsManagerSecret}. Needs `ssm:GetParameter`, and
 * `kms:Decrypt` where the parameter has a KMS key of one's own.
 *
 * @example
 * ```ts
 * const clientSecret = ssmParameter({ name: '/prod/crm/client-secret' })
 * ```
 */
export function ssmParameter(options: SsmParameterOptions): () => Promise<string> {
  checkAll('ssmParameter', options, { name: text, ...RULES }, ['name'])
  const { maxAge = MAX_AGE } = options
  const read = () => import('./secrets-ssm.ts').then(({ readParameter }) => readParameter(options), loadFailed)
  return kept(read, { maxAge, survives })
}
