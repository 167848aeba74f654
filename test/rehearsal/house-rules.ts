import { arnOf } from './cloud/account.ts'
import type { Stack, StackResource } from './cloud/stack.ts'
import { canonical, member, memberAt, type Value } from './cloud/value.ts'
import { allows, type Statement } from './iam/policy.ts'
import { roleOf } from './iam/role.ts'
import { calledByHttp, triggersOf } from './routes.ts'

/** All that the functions may do to the table. */
const TABLE_ACTIONS = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem']
const SECRET_ACTIONS = ['secretsmanager:GetSecretValue']
const LOG_ACTIONS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents', 'logs:TagResource']
/** The longest that an HTTP API waits for a function. In seconds. */
const GATEWAY_LIMIT = 30

/**
 * What must hold of a deployed stack of this project, whatever else is in it.
 *
 * @returns what does not hold, one line each
 */
export function brokenRules(stack: Stack): readonly string[] {
  const all = [...stack.resources.values()]
  const ofType = (type: string): readonly StackResource[] => all.filter((one) => one.type === type)
  return [
    ...ofType('AWS::DynamoDB::Table').flatMap(tableFaults),
    ...ofType('AWS::Lambda::Function').flatMap((one) => functionFaults(stack, one)),
    ...ofType('AWS::Logs::LogGroup').flatMap(logFaults),
    ...ofType('AWS::S3::Bucket').flatMap((one) => bucketFaults(all, one)),
    ...keepingFaults(stack),
    ...triggerFaults(stack),
    ...plainSecrets(stack),
  ]
}

function check(name: string, rules: Readonly<Record<string, boolean>>): readonly string[] {
  return Object.entries(rules)
    .filter(([, holds]) => !holds)
    .map(([rule]) => `${name}: ${rule}`)
}

function isSame(one: Value | undefined, other: Value): boolean {
  return canonical(one) === canonical(other)
}

function tableFaults({ logicalId, properties }: StackResource): readonly string[] {
  return check(logicalId, {
    'it is billed by request': properties['BillingMode'] === 'PAY_PER_REQUEST',
    'its key is pk, a text, and nothing else':
      isSame(properties['KeySchema'], [{ AttributeName: 'pk', KeyType: 'HASH' }]) &&
      isSame(properties['AttributeDefinitions'], [{ AttributeName: 'pk', AttributeType: 'S' }]),
    'keepUntil is its time to live': isSame(properties['TimeToLiveSpecification'], {
      AttributeName: 'keepUntil',
      Enabled: true,
    }),
    // A restored table brings back refresh tokens that were rotated since.
    'point-in-time recovery is off':
      memberAt(properties, 'PointInTimeRecoverySpecification', 'PointInTimeRecoveryEnabled') !== true,
  })
}

function functionFaults(stack: Stack, { logicalId, physicalId, properties }: StackResource): readonly string[] {
  const { statements } = roleOf(stack, physicalId)
  const group = `/aws/lambda/${physicalId}`
  const groups = [...stack.resources.values()].filter(({ type }) => type === 'AWS::Logs::LogGroup')
  const stream = arnOf('logs', `log-group:${group}:log-stream:2026/01/01/[$LATEST]0`)
  return [
    ...check(logicalId, {
      'it runs on nodejs24.x': properties['Runtime'] === 'nodejs24.x',
      'it runs on arm64': isSame(properties['Architectures'], ['arm64']),
      'it ends before its gateway gives up':
        Number(properties['Timeout']) < GATEWAY_LIMIT || !calledByHttp(stack).has(physicalId),
      'its log group is in the stack, so that it is kept for a set time and removed with it': groups.some(
        (one) => one.physicalId === group,
      ),
      'its role may write its logs':
        allows(statements, { action: 'logs:CreateLogStream', resource: stream }) &&
        allows(statements, { action: 'logs:PutLogEvents', resource: stream }),
    }),
    ...statements.flatMap((statement) => statementFaults(stack, statement)).map((fault) => `${logicalId}: ${fault}`),
  ]
}

/**
 * Least privilege: reads and conditional writes on tables of this stack, one operation on its secrets, logs below its names.
 * The framework has EventBridge Scheduler assume the role of the functions, so this may start what a schedule of the stack
 * starts, and nothing else.
 */
function statementFaults(stack: Stack, { effect, actions, resources }: Statement): readonly string[] {
  if (effect === 'Deny') return []
  const idsOf = (wanted: string): readonly string[] =>
    [...stack.resources.values()].filter(({ type }) => type === wanted).map(({ physicalId }) => physicalId)
  const tables = idsOf('AWS::DynamoDB::Table').map((name) => arnOf('dynamodb', `table/${name}`))
  const secrets = idsOf('AWS::SecretsManager::Secret')
  const logs = `${arnOf('logs', `log-group:/aws/lambda/${stack.name}`)}`
  const mayOnly = (known: readonly string[], isOwn: (resource: string) => boolean): boolean =>
    actions.every((action) => known.includes(action)) && resources.every(isOwn)
  const isTable = mayOnly(TABLE_ACTIONS, (resource) => tables.includes(resource))
  const isSecret = mayOnly(SECRET_ACTIONS, (resource) => secrets.includes(resource))
  const isLogs = mayOnly(LOG_ACTIONS, (resource) => resource.startsWith(logs))
  const scheduled = [...stack.resources.values()]
    .filter(({ type }) => type === 'AWS::Scheduler::Schedule')
    .map(({ properties }) => canonical(properties['Target'] ?? null))
  const isTick = mayOnly(['lambda:InvokeFunction'], (resource) =>
    scheduled.some((target) => target.includes(JSON.stringify(resource.replace(/:\*$/, '')))),
  )
  return isTable || isSecret || isLogs || isTick
    ? []
    : [`its role grants more than it needs: ${actions.join(', ')} on ${resources.join(', ')}`]
}

function logFaults({ logicalId, properties }: StackResource): readonly string[] {
  return check(logicalId, { 'logs are kept for a set time': Number(properties['RetentionInDays']) > 0 })
}

function bucketFaults(all: readonly StackResource[], { logicalId, physicalId, properties }: StackResource) {
  const policies = all.filter(
    ({ type, properties: own }) => type === 'AWS::S3::BucketPolicy' && own['Bucket'] === physicalId,
  )
  return check(logicalId, {
    'it is encrypted': properties['BucketEncryption'] !== undefined,
    'it refuses requests without TLS': policies.some((policy) =>
      canonical(policy.properties).includes('aws:SecureTransport'),
    ),
  })
}

/** Tokens are no data: what is removed takes them with it. */
function keepingFaults({ template }: Stack): readonly string[] {
  return [...(template?.resources ?? [])].flatMap(
    ([id, { deletionPolicy = 'Delete', updateReplacePolicy = 'Delete' }]) =>
      check(id, { 'nothing is left behind': deletionPolicy === 'Delete' && updateReplacePolicy === 'Delete' }),
  )
}

function triggerFaults(stack: Stack): readonly string[] {
  try {
    const called = new Set(triggersOf(stack).map(({ functionName }) => functionName))
    const functions = [...stack.resources.values()].filter(({ type }) => type === 'AWS::Lambda::Function')
    return functions
      .filter(({ physicalId }) => !called.has(physicalId))
      .map(({ logicalId }) => `${logicalId}: something calls it`)
  } catch (error) {
    return [error instanceof Error ? error.message : 'unknown error']
  }
}

/** Everyone who may read a function's configuration, or the bucket of the artifacts, sees its variables. */
function plainSecrets(stack: Stack): readonly string[] {
  return [...stack.resources.values()].flatMap(({ logicalId, properties }) => {
    const variables = memberAt(properties, 'Environment', 'Variables')
    const names = typeof variables === 'object' && variables !== null ? Object.keys(variables) : []
    return names
      .filter((name) => /SECRET|PASSWORD|PRIVATE/.test(name) && !String(member(variables, name)).startsWith('arn:'))
      .flatMap((name) => check(`${logicalId}.${name}`, { 'it says where a secret is and does not hold it': false }))
  })
}
