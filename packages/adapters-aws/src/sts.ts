/**
 * Temporary AWS credentials of another role as a token, so that a whole fleet shares one AssumeRole.
 *
 * @module
 */

import type { STSClient } from '@aws-sdk/client-sts'
import type { Source, TokenValue } from '@warmtoken/core'
import { checkAll, matching, PLACE, type Rule } from './check.ts'
import { loadFailed } from './load-failed.ts'

export type { SharedCredentials } from './sts-credentials.ts'
export { credentialsFrom } from './sts-credentials.ts'

/** How {@link assumeRole} is set up. */
export interface AssumeRoleOptions {
  /** The role to assume. */
  readonly roleArn: string
  /** The name that the sessions have in CloudTrail: 2 to 64 letters, digits or `+=,.@_-`. Default `warmtoken`. */
  readonly sessionName?: string
  /**
   * How long the credentials live, in ms, whole seconds: 900,000 to 43,200,000, and no more than the role allows. Default
   * 3,600,000 (1 h), which is the most that a role may ask for that was itself assumed, as a function's is.
   */
  readonly duration?: number
  /** What the role's trust policy demands of a third party. Default none. */
  readonly externalId?: string
  /** A policy in JSON that narrows what the session may do; at most 2,048 characters. Default none. */
  readonly policy?: string
  /** The region of STS. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local server or a private one. Default: AWS. */
  readonly endpoint?: string
  /** A client of one's own, or a function that gives it. Default: one with three attempts and short time-outs. */
  readonly client?: STSClient | (() => STSClient | Promise<STSClient>)
}

/** How long STS lets credentials live: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html. */
function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 900_000 && value <= 43_200_000 && value % 1_000 === 0
}

function isPolicy(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > 2_048) return false
  try {
    return typeof JSON.parse(value) === 'object'
  } catch {
    return false
  }
}

const RULES: { readonly [name: string]: Rule } = {
  roleArn: matching('the ARN of a role', /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,1000}$/),
  sessionName: matching('2 to 64 letters, digits or +=,.@_-', /^[\w+=,.@-]{2,64}$/),
  duration: ['whole seconds from 900,000 to 43,200,000 ms', isDuration],
  externalId: matching('2 to 1,224 letters, digits or +=,.@:/_-', /^[\w+=,.@:/-]{2,1224}$/),
  policy: ['a policy in JSON of at most 2,048 characters', isPolicy],
  ...PLACE,
}

/**
 * The temporary credentials of a role (STS AssumeRole) as a token of type `AWS4`; its value is the JSON text of
 * `accessKeyId`, `secretAccessKey` and `sessionToken`. {@link credentialsFrom} makes of it what SDK clients take. Needs
 * `sts:AssumeRole` on the role, and a trust policy of the role that names the caller. Throws `TypeError` that names the
 * option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const partner = tokens.use(assumeRole({ roleArn: 'arn:aws:iam::123456789012:role/partner', externalId: 'shop' }))
 * ```
 */
export function assumeRole(options: AssumeRoleOptions): Source<TokenValue> {
  checkAll('assumeRole', options, RULES, ['roleArn'])
  const { roleArn, sessionName = 'warmtoken', duration = 3_600_000 } = options
  const { externalId = null, policy = null, endpoint = null } = options
  return {
    kind: 'sts',
    // Credentials are good in every region, so the region does not set them apart.
    identity: () => ({ roleArn, sessionName, duration, externalId, policy, endpoint }),
    async fetch({ signal }) {
      const { requestCredentials } = await import('./sts-grant.ts').catch(loadFailed)
      return requestCredentials({ ...options, sessionName, duration, signal })
    },
  }
}
