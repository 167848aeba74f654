import type { Agent } from 'node:http'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  asFields,
  checkOptions,
  isFunction,
  misuse,
  objectRule,
  type Rule,
  textRule,
} from '@warmtoken/core/adapter/setup'
import { checkClient, PLACE } from '../shared/options.ts'
import type { AwsCredentials } from '../shared/sigv4.ts'

/** How `dynamoDBStore` is set up. */
export interface DynamoDBStoreOptions {
  /** The table. Its hash key is `pk`, a string; its TTL attribute is `keepUntil`. It has no sort key. */
  readonly table: string
  /** The region. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local server. Default: AWS. */
  readonly endpoint?: string
  /**
   * Credentials, or a function that returns them, called for every request. With them and an endpoint, or a region of
   * the partitions `aws`, `aws-us-gov` or `aws-cn`, requests are signed and sent without the SDK, which halves the time to the
   * first token of a new environment. They require a region and cannot be combined with `client`. Default: those in `env`,
   * else what the SDK finds.
   */
  readonly credentials?: AwsCredentials | (() => AwsCredentials | undefined | Promise<AwsCredentials | undefined>)
  /**
   * The environment variables, where they may be read: `process.env`. Region, endpoint and the function's credentials are
   * taken from it; when it asks for FIPS or dual-stack endpoints, the SDK is loaded to find them. Default: none, so that
   * the SDK is loaded to find all of it.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** An agent of `node:https`, such as that of a proxy. Not with `client`. Default: one that keeps connections alive. */
  readonly agent?: Agent
  /**
   * Your own client, or a function that returns it. It should have three attempts and timeouts of some hundred ms.
   * Default: a client with such settings, made when memory and file have both missed.
   */
  readonly client?: DynamoDBClient | (() => DynamoDBClient | Promise<DynamoDBClient>)
}

function isCredentials(value: unknown): boolean {
  const { accessKeyId, secretAccessKey } = asFields(value) ?? {}
  return [accessKeyId, secretAccessKey].every(textRule[1])
}

const RULES: { readonly [name: string]: Rule } = {
  table: textRule,
  ...PLACE,
  credentials: ['credentials or a function', (value) => isFunction(value) || isCredentials(value)],
  env: objectRule,
}

/** Throws `TypeError` that names the option: one that is missing, wrong, unknown, or without another that it requires. */
export function checkDynamoDBOptions(options: DynamoDBStoreOptions): void {
  checkOptions('dynamoDBStore', options, RULES, ['table'])
  const { region, credentials, env, agent } = options
  checkClient('dynamoDBStore', options, { credentials, agent })
  if (credentials !== undefined && !(region ?? env?.['AWS_REGION']))
    misuse('dynamoDBStore', 'option "credentials" requires "region"')
}
