import type { Agent } from 'node:http'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { SSMClient } from '@aws-sdk/client-ssm'
import { checkOptions, durationRule, type Rule, textRule } from '@warmtoken/core/adapter/setup'
import { checkClient, PLACE } from '../shared/options.ts'

/** What every secret takes. */
export interface SecretOptions<Client> {
  /** The field that holds the secret, when it is stored as a JSON object. Default: the whole text is the secret. */
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
  /** An agent of `node:https`, such as that of a proxy. Not with `client`. Default: one that keeps connections alive. */
  readonly agent?: Agent
  /** Your own client, or a function that returns it. Default: one with three attempts and short timeouts. */
  readonly client?: Client | (() => Client | Promise<Client>)
}

/** How `secretsManagerSecret` is set up. */
export interface SecretsManagerSecretOptions extends SecretOptions<SecretsManagerClient> {
  /** The name or ARN of the secret. */
  readonly id: string
}

/** How `ssmParameter` is set up. */
export interface SsmParameterOptions extends SecretOptions<SSMClient> {
  /** The name or ARN of the parameter. */
  readonly name: string
}

const RULES: { readonly [name: string]: Rule } = { field: textRule, maxAge: durationRule, ...PLACE }

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown. `named`: the option with the name. */
export function checkSecretOptions<Client>(where: string, options: SecretOptions<Client>, named: 'id' | 'name'): void {
  checkOptions(where, options, { [named]: textRule, ...RULES }, [named])
  checkClient(where, options, { agent: options.agent })
}
