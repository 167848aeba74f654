import type { Agent } from 'node:http'
import type { STSClient } from '@aws-sdk/client-sts'
import { asFields, checkOptions, parseJson, type Rule } from '@warmtoken/core/adapter/setup'
import { checkClient, matching, PLACE } from '../shared/options.ts'

/** How `assumeRole` is set up. */
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
  /** An agent of `node:https`, such as that of a proxy. Not with `client`. Default: one that keeps connections alive. */
  readonly agent?: Agent
  /** Your own client, or a function that returns it. Default: one with one attempt and short timeouts. */
  readonly client?: STSClient | (() => STSClient | Promise<STSClient>)
}

/** How long STS lets credentials live: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html. */
function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 900_000 && value <= 43_200_000 && value % 1_000 === 0
}

function isPolicy(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 2_048 && asFields(parseJson(value)) !== undefined
}

const RULES: { readonly [name: string]: Rule } = {
  roleArn: matching('the ARN of a role', /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,1000}$/),
  sessionName: matching('2 to 64 letters, digits or +=,.@_-', /^[\w+=,.@-]{2,64}$/),
  duration: ['whole seconds from 900,000 to 43,200,000 ms', isDuration],
  externalId: matching('2 to 1,224 letters, digits or +=,.@:/_-', /^[\w+=,.@:/-]{2,1224}$/),
  policy: ['a policy in JSON of at most 2,048 characters', isPolicy],
  ...PLACE,
}

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown. */
export function checkRoleOptions(options: AssumeRoleOptions): void {
  checkOptions('assumeRole', options, RULES, ['roleArn'])
  checkClient('assumeRole', options, { agent: options.agent })
}
