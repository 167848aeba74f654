/** What a template says about the parts that warmtoken needs, whatever the language it is written in. @module */

import { readFileSync } from 'node:fs'
import { parse as parseHcl } from '@cdktf/hcl2json'
import { parseYaml } from '../rehearsal/cloud/yaml.ts'

/** One set-up, in the words of none of the tools. */
export interface Setup {
  readonly billing: unknown
  /** Name and type of the key. */
  readonly key: readonly unknown[]
  readonly timeToLive: readonly unknown[]
  readonly recovery: unknown
  readonly tableRights: readonly string[]
  readonly secretRights: readonly string[]
  readonly runtime: unknown
  readonly architecture: unknown
  readonly memory: unknown
  readonly timeout: unknown
  readonly variables: readonly string[]
  readonly schedule: unknown
}

/** Any part of a template. A part that is missing reads as empty, so that it shows as a difference. */
type Part = { readonly [name: string]: Part } & { readonly [Symbol.iterator]: () => Iterator<Part> }

const ROOT = new URL('../../', import.meta.url)

/** A template as text. */
export function textOf(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

/** The set-up of this project, by the parts of its own serverless.yml. */
export function ourSetup(): Setup {
  const yaml = (path: string): Part => parseYaml(textOf(path)) as Part
  const table = at(yaml('infra/resources/token-table.yml'), 'Resources', 'TokenTable', 'Properties')
  const provider = at(yaml('serverless.yml'), 'provider')
  return {
    ...tableSetup(table),
    tableRights: list(at(yaml('infra/resources/token-table-access.yml'), 'Action')),
    secretRights: list(at(yaml('infra/resources/client-secret-access.yml'), 'Action')),
    runtime: at(provider, 'runtime'),
    architecture: at(provider, 'architecture'),
    memory: at(provider, 'memorySize'),
    timeout: at(provider, 'timeout'),
    variables: Object.keys(at(provider, 'environment'))
      .filter((name) => /^TOKEN_TABLE$|_SECRET_ID$/.test(name))
      .toSorted(),
    schedule: list(at(yaml('infra/resources/refresh-schedule.yml'), 'schedule', 'rate'))[0],
  }
}

/** The set-up of a template of CloudFormation or SAM, given as data. */
export function cloudFormationSetup(template: unknown): Setup {
  const resources = Object.values(at(template as Part, 'Resources'))
  const ofType = (type: RegExp): Part[] =>
    resources.filter((one) => type.test(String(at(one, 'Type')))).map((one) => at(one, 'Properties'))
  const [table = EMPTY] = ofType(/^AWS::DynamoDB::Table$/)
  const [code = EMPTY] = ofType(/::Function$/)
  const statements = [
    ...ofType(/^AWS::IAM::Policy$/).map((policy) => at(policy, 'PolicyDocument')),
    ...list(at(code, 'Policies')),
  ].flatMap((policy) => list(at(policy as Part, 'Statement')) as unknown as Part[])
  const [schedule = EMPTY] = [...ofType(/^AWS::Scheduler::Schedule$/), at(code, 'Events', 'RefreshTick', 'Properties')]
  return {
    ...tableSetup(table),
    ...rightsIn(statements, 'Action'),
    runtime: at(code, 'Runtime'),
    architecture: list(at(code, 'Architectures'))[0],
    memory: at(code, 'MemorySize'),
    timeout: at(code, 'Timeout'),
    variables: Object.keys(at(code, 'Environment', 'Variables')).toSorted(),
    schedule: at(schedule, 'ScheduleExpression'),
  }
}

/** The set-up of a file for Terraform. Rejects with line and column for one that is not valid HCL. */
export async function terraformSetup(text: string): Promise<Setup> {
  const file = (await parseHcl('main.tf', text)) as Part
  const one = (...names: readonly string[]): Part => (list(at(file, ...names)) as unknown as Part[])[0] ?? EMPTY
  const [table, code] = [
    one('resource', 'aws_dynamodb_table', 'tokens'),
    one('resource', 'aws_lambda_function', 'contacts'),
  ]
  const [ttl = EMPTY] = list(at(table, 'ttl')) as unknown as Part[]
  const [recovery = EMPTY] = list(at(table, 'point_in_time_recovery')) as unknown as Part[]
  const attributes = list(at(table, 'attribute')) as unknown as Part[]
  const [environment = EMPTY] = list(at(code, 'environment')) as unknown as Part[]
  return {
    billing: at(table, 'billing_mode'),
    key: [at(table, 'hash_key'), ...attributes.map((attribute) => at(attribute, 'type'))],
    timeToLive: [at(ttl, 'attribute_name'), at(ttl, 'enabled')],
    recovery: at(recovery, 'enabled'),
    ...rightsIn(
      list(at(one('data', 'aws_iam_policy_document', 'tokens'), 'statement')) as unknown as Part[],
      'actions',
    ),
    runtime: at(code, 'runtime'),
    architecture: list(at(code, 'architectures'))[0],
    memory: at(code, 'memory_size'),
    timeout: at(code, 'timeout'),
    variables: Object.keys(at(environment, 'variables')).toSorted(),
    schedule: at(one('resource', 'aws_scheduler_schedule', 'refresh'), 'schedule_expression'),
  }
}

/** The references of a file for Terraform that lead to nothing in it. */
export async function danglingIn(text: string): Promise<readonly string[]> {
  const file = (await parseHcl('main.tf', text)) as Part
  const named = [...JSON.stringify(file).matchAll(/\$\{(data\.)?(aws_\w+)\.(\w+)\./g)]
  return named.flatMap(([whole = '', data, type = '', name = '']) =>
    Object.keys(at(file, data === undefined ? 'resource' : 'data', type)).includes(name) ? [] : [whole],
  )
}

const EMPTY = {} as Part

function at(part: Part, ...names: readonly string[]): Part {
  return names.reduce((one, name) => one?.[name] ?? EMPTY, part)
}

function list(part: Part): readonly string[] {
  return part === EMPTY ? [] : ([part].flat() as unknown as string[])
}

function tableSetup(table: Part): Pick<Setup, 'billing' | 'key' | 'timeToLive' | 'recovery'> {
  const keys = list(at(table, 'KeySchema')) as unknown as Part[]
  const attributes = list(at(table, 'AttributeDefinitions')) as unknown as Part[]
  return {
    billing: at(table, 'BillingMode'),
    key: [...keys.map((one) => at(one, 'AttributeName')), ...attributes.map((one) => at(one, 'AttributeType'))],
    timeToLive: ['AttributeName', 'Enabled'].map((name) => at(table, 'TimeToLiveSpecification', name)),
    recovery: at(table, 'PointInTimeRecoverySpecification', 'PointInTimeRecoveryEnabled'),
  }
}

function rightsIn(statements: readonly Part[], name: string): Pick<Setup, 'tableRights' | 'secretRights'> {
  const actions = statements.flatMap((statement) => list(at(statement, name)))
  return {
    tableRights: actions.filter((action) => action.startsWith('dynamodb:')),
    secretRights: actions.filter((action) => action.startsWith('secretsmanager:')),
  }
}
