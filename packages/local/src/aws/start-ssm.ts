import type { Imitation, ImitationOptions } from '../issuers/imitation.ts'
import { AwsRefusal, startJsonService, textField } from './aws-json.ts'

/** What {@link startSsm} takes. */
export interface SsmOptions extends ImitationOptions {
  /** The parameters by name, each a `SecureString`. Default none. */
  readonly parameters?: { readonly [name: string]: string }
}

/** A running Systems Manager. `requests` counts GetParameter. */
export interface Ssm extends Imitation {
  /** Makes a parameter, or gives it a new value. */
  put(name: string, value: string): void
}

const ARN = 'arn:aws:ssm:us-east-1:000000000000:parameter'

/**
 * Starts an imitation of Systems Manager's parameters that reads: GetParameter by name or ARN. Without `WithDecryption`
 * a value comes encrypted, as it does there. Signatures are not verified.
 *
 * @example
 * const ssm = await startSsm({ parameters: { '/prod/crm/secret': '…' } })
 */
export async function startSsm(options: SsmOptions = {}): Promise<Ssm> {
  const parameters = new Map(Object.entries(options.parameters ?? {}))
  const service = await startJsonService(
    options,
    { target: 'AmazonSSM', counted: 'GetParameter' },
    {
      GetParameter(input, now) {
        const given = textField(input, 'Name')
        const name = given.startsWith(ARN) ? given.slice(ARN.length) : given
        const value = parameters.get(name)
        if (value === undefined) throw new AwsRefusal('ParameterNotFound')
        const isOpen = input['WithDecryption'] === true
        const shown = isOpen ? value : Buffer.from(`encrypted ${name}`).toString('base64')
        const facts = { ARN: ARN + name, Version: 1, LastModifiedDate: now / 1_000, DataType: 'text' }
        return { Parameter: { Name: name, Type: 'SecureString', Value: shown, ...facts } }
      },
    },
  )
  return Object.assign(service, {
    put(name: string, value: string) {
      parameters.set(name, value)
    },
  })
}
