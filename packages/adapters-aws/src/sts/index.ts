/**
 * Temporary AWS credentials of another role as a token, so that a whole fleet shares one AssumeRole.
 *
 * @module
 */

import type { Source, TokenValue } from '@warmtoken/core'
import { loadFailed } from '../shared/load-failed.ts'
import { type AssumeRoleOptions, checkRoleOptions } from './options.ts'

export { credentialsFrom, type SharedCredentials } from './credentials.ts'
export type { AssumeRoleOptions } from './options.ts'

/**
 * The temporary credentials of a role (STS AssumeRole) as a token of type `AWS4`; its value is the JSON text of
 * `accessKeyId`, `secretAccessKey` and `sessionToken`. {@link credentialsFrom} turns it into what SDK clients take. Needs
 * `sts:AssumeRole` on the role, and a trust policy of the role that names the caller. Throws `TypeError` that names the
 * option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const partner = tokens.use(assumeRole({ roleArn: 'arn:aws:iam::123456789012:role/partner', externalId: 'shop' }))
 * ```
 */
export function assumeRole(options: AssumeRoleOptions): Source<TokenValue> {
  checkRoleOptions(options)
  const { roleArn, sessionName = 'warmtoken', duration = 3_600_000 } = options
  const { externalId = null, policy = null, endpoint = null } = options
  return {
    kind: 'sts',
    // Credentials are valid in every region, so the region makes no difference.
    identity: () => ({ roleArn, sessionName, duration, externalId, policy, endpoint }),
    async fetch({ signal }) {
      const { requestCredentials } = await import('./assume.ts').catch(loadFailed)
      return requestCredentials({ ...options, sessionName, duration, signal })
    },
  }
}
