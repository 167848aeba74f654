import { createHash } from 'node:crypto'
import { arnOf, globalArnOf, PARTITION } from './account.ts'
import { TemplateError } from './template-error.ts'
import type { Mapping } from './value.ts'

/** Which resource of which stack a name is made for. */
export interface Naming {
  readonly stack: string
  readonly stackId: string
  readonly logicalId: string
  readonly properties: Mapping
}

/** What is known of a resource type. */
export interface ResourceKind {
  readonly required: readonly string[]
  readonly optional: readonly string[]
  /** What `Fn::GetAtt` may ask for. */
  readonly attributes: readonly string[]
  /** Properties whose change would make CloudFormation replace the resource, and so lose what it holds. */
  readonly immutable: readonly string[]
  /** What `Ref` gives. */
  readonly nameOf: (naming: Naming) => string
  readonly attribute: (name: string, physicalId: string) => string
}

/** What stands for the random ending of a name that CloudFormation makes; the same for the same stack. */
function unique({ stackId, logicalId }: Naming): string {
  return createHash('sha256').update(`${stackId}/${logicalId}`).digest('hex').slice(0, 12)
}

/** What stands for the id in the address of a function. */
function urlIdOf(arn: string): string {
  return createHash('sha256').update(arn).digest('hex').slice(0, 32)
}

/** Cut as CloudFormation cuts, so that a bucket's name stays within its 63 characters. */
function generated(naming: Naming): string {
  return `${naming.stack.slice(0, 24)}-${naming.logicalId.slice(0, 24)}-${unique(naming).toUpperCase()}`
}

/** The name that a property gives, else a made one. */
function named(property: string) {
  return (naming: Naming): string => {
    const name = naming.properties[property]
    return typeof name === 'string' ? name : generated(naming)
  }
}

function arn(arnFor: (physicalId: string) => string): Pick<ResourceKind, 'attributes' | 'attribute'> {
  return {
    attributes: ['Arn'],
    attribute: (_name, physicalId) => arnFor(physicalId),
  }
}

const NO_ATTRIBUTES: Pick<ResourceKind, 'attributes' | 'attribute'> = { attributes: [], attribute: () => '' }

const KINDS: { readonly [type: string]: ResourceKind } = {
  'AWS::S3::Bucket': {
    required: [],
    optional: ['BucketEncryption', 'BucketName', 'PublicAccessBlockConfiguration', 'LifecycleConfiguration', 'Tags'],
    immutable: ['BucketName'],
    nameOf: (naming) => named('BucketName')(naming).toLowerCase(),
    ...arn((name) => `arn:${PARTITION}:s3:::${name}`),
  },
  'AWS::S3::BucketPolicy': {
    required: ['Bucket', 'PolicyDocument'],
    optional: [],
    immutable: ['Bucket'],
    nameOf: generated,
    ...NO_ATTRIBUTES,
  },
  'AWS::Logs::LogGroup': {
    required: [],
    optional: ['LogGroupName', 'RetentionInDays', 'LogGroupClass', 'KmsKeyId', 'Tags'],
    immutable: ['LogGroupName'],
    nameOf: named('LogGroupName'),
    ...arn((name) => `${arnOf('logs', `log-group:${name}`)}:*`),
  },
  'AWS::IAM::Role': {
    required: ['AssumeRolePolicyDocument'],
    optional: ['Policies', 'Path', 'RoleName', 'Description', 'ManagedPolicyArns', 'PermissionsBoundary', 'Tags'],
    immutable: ['RoleName', 'Path'],
    nameOf: named('RoleName'),
    ...arn((name) => globalArnOf('iam', `role/${name}`)),
  },
  'AWS::Lambda::Function': {
    required: ['Code', 'Role'],
    optional: [
      'Architectures',
      'Description',
      'Environment',
      'EphemeralStorage',
      'FunctionName',
      'Handler',
      'LoggingConfig',
      'MemorySize',
      'ReservedConcurrentExecutions',
      'Runtime',
      'Tags',
      'Timeout',
    ],
    immutable: ['FunctionName'],
    nameOf: named('FunctionName'),
    ...arn((name) => arnOf('lambda', `function:${name}`)),
  },
  'AWS::Lambda::Permission': {
    required: ['Action', 'FunctionName', 'Principal'],
    optional: ['FunctionUrlAuthType', 'InvokedViaFunctionUrl', 'SourceArn', 'SourceAccount'],
    immutable: [],
    nameOf: generated,
    ...NO_ATTRIBUTES,
  },
  'AWS::Events::Rule': {
    required: [],
    optional: ['ScheduleExpression', 'State', 'Targets', 'Name', 'Description', 'EventPattern'],
    immutable: ['Name'],
    nameOf: named('Name'),
    ...arn((name) => arnOf('events', `rule/${name}`)),
  },
  'AWS::Scheduler::Schedule': {
    required: ['FlexibleTimeWindow', 'ScheduleExpression', 'Target'],
    optional: ['Name', 'State', 'Description', 'GroupName', 'ScheduleExpressionTimezone'],
    immutable: ['Name', 'GroupName'],
    nameOf: named('Name'),
    ...arn((name) => arnOf('scheduler', `schedule/default/${name}`)),
  },
  'AWS::ApiGatewayV2::Api': {
    required: [],
    optional: [
      'CorsConfiguration',
      'Description',
      'DisableExecuteApiEndpoint',
      'Name',
      'ProtocolType',
      'RouteSelectionExpression',
    ],
    immutable: ['ProtocolType'],
    nameOf: (naming) => unique(naming).slice(0, 10),
    attributes: ['ApiEndpoint', 'ApiId'],
    attribute: (name, id) => (name === 'ApiId' ? id : `https://${id}.execute-api.us-east-1.amazonaws.com`),
  },
  'AWS::ApiGatewayV2::Stage': {
    required: ['ApiId', 'StageName'],
    optional: ['AccessLogSettings', 'AutoDeploy', 'DefaultRouteSettings', 'DeploymentId', 'Description'],
    immutable: ['ApiId', 'StageName'],
    nameOf: named('StageName'),
    ...NO_ATTRIBUTES,
  },
  'AWS::ApiGatewayV2::Integration': {
    required: ['ApiId', 'IntegrationType'],
    optional: ['IntegrationUri', 'PayloadFormatVersion', 'TimeoutInMillis'],
    immutable: ['ApiId'],
    nameOf: (naming) => unique(naming).slice(0, 7),
    ...NO_ATTRIBUTES,
  },
  'AWS::ApiGatewayV2::Route': {
    required: ['ApiId', 'RouteKey'],
    optional: ['Target', 'AuthorizationType', 'AuthorizerId', 'RouteResponseSelectionExpression'],
    immutable: ['ApiId'],
    nameOf: (naming) => unique(naming).slice(0, 7),
    ...NO_ATTRIBUTES,
  },
  'AWS::ApiGatewayV2::RouteResponse': {
    required: ['ApiId', 'RouteId', 'RouteResponseKey'],
    optional: [],
    immutable: ['ApiId', 'RouteId'],
    nameOf: (naming) => unique(naming).slice(0, 7),
    ...NO_ATTRIBUTES,
  },
  'AWS::ApiGatewayV2::Authorizer': {
    required: ['ApiId', 'AuthorizerType', 'Name'],
    optional: ['AuthorizerUri', 'IdentitySource'],
    immutable: ['ApiId'],
    nameOf: (naming) => unique(naming).slice(0, 6),
    ...NO_ATTRIBUTES,
  },
  'AWS::ApiGatewayV2::Deployment': {
    required: ['ApiId'],
    optional: ['Description'],
    immutable: ['ApiId'],
    nameOf: (naming) => unique(naming).slice(0, 6),
    ...NO_ATTRIBUTES,
  },
  'AWS::Lambda::Url': {
    required: ['AuthType', 'TargetFunctionArn'],
    optional: ['Cors', 'InvokeMode'],
    immutable: ['TargetFunctionArn'],
    nameOf: ({ properties }) => String(properties['TargetFunctionArn']),
    attributes: ['FunctionArn', 'FunctionUrl'],
    attribute: (name, id) => (name === 'FunctionArn' ? id : `https://${urlIdOf(id)}.lambda-url.us-east-1.on.aws/`),
  },
  'AWS::Lambda::EventSourceMapping': {
    required: ['FunctionName'],
    optional: [
      'BatchSize',
      'BisectBatchOnFunctionError',
      'Enabled',
      'EventSourceArn',
      'FilterCriteria',
      'FunctionResponseTypes',
      'MaximumBatchingWindowInSeconds',
      'MaximumRecordAgeInSeconds',
      'MaximumRetryAttempts',
      'ParallelizationFactor',
      'StartingPosition',
    ],
    immutable: ['EventSourceArn', 'StartingPosition'],
    nameOf: (naming) => unique(naming).replace(/^(.{8})(.{4})$/, '$1-$2-4000-8000-000000000000'),
    ...NO_ATTRIBUTES,
  },
  'AWS::SecretsManager::Secret': {
    required: [],
    optional: ['Description', 'KmsKeyId', 'Name', 'Tags'],
    immutable: ['Name'],
    // AWS puts six random characters behind the name, and `Ref` gives the ARN.
    nameOf: (naming) => arnOf('secretsmanager', `secret:${named('Name')(naming)}-${unique(naming).slice(0, 6)}`),
    attributes: ['Id'],
    attribute: (_name, physicalId) => physicalId,
  },
  'AWS::CloudWatch::Alarm': {
    required: ['ComparisonOperator', 'EvaluationPeriods'],
    optional: [
      'AlarmActions',
      'AlarmDescription',
      'AlarmName',
      'DatapointsToAlarm',
      'Dimensions',
      'MetricName',
      'Metrics',
      'Namespace',
      'OKActions',
      'Period',
      'Statistic',
      'Threshold',
      'TreatMissingData',
    ],
    immutable: ['AlarmName'],
    nameOf: named('AlarmName'),
    ...arn((name) => arnOf('cloudwatch', `alarm:${name}`)),
  },
  'AWS::CloudWatch::Dashboard': {
    required: ['DashboardBody'],
    optional: ['DashboardName'],
    immutable: ['DashboardName'],
    nameOf: named('DashboardName'),
    ...NO_ATTRIBUTES,
  },
  'AWS::KMS::Key': {
    required: [],
    optional: ['Description', 'EnableKeyRotation', 'KeyPolicy', 'KeySpec', 'KeyUsage', 'PendingWindowInDays', 'Tags'],
    immutable: ['KeySpec', 'KeyUsage'],
    // An id in the form of a UUID.
    nameOf: (naming) => unique(naming).replace(/^(.{8})(.{4})$/, '$1-$2-4000-8000-000000000000'),
    attributes: ['Arn', 'KeyId'],
    attribute: (name, id) => (name === 'Arn' ? arnOf('kms', `key/${id}`) : id),
  },
  'AWS::KMS::Alias': {
    required: ['AliasName', 'TargetKeyId'],
    optional: [],
    immutable: ['AliasName'],
    nameOf: named('AliasName'),
    ...NO_ATTRIBUTES,
  },
  'AWS::DynamoDB::Table': {
    required: ['KeySchema'],
    optional: [
      'AttributeDefinitions',
      'BillingMode',
      'DeletionProtectionEnabled',
      'PointInTimeRecoverySpecification',
      'SSESpecification',
      'StreamSpecification',
      'TableClass',
      'TableName',
      'Tags',
      'TimeToLiveSpecification',
    ],
    immutable: ['TableName', 'KeySchema', 'AttributeDefinitions'],
    nameOf: named('TableName'),
    attributes: ['Arn', 'StreamArn'],
    attribute: (attribute, name) =>
      `${arnOf('dynamodb', `table/${name}`)}${attribute === 'StreamArn' ? '/stream/2026-11-30T00:00:00.000' : ''}`,
  },
}

/** The types a stack may have here. */
export function kindOf(type: string): ResourceKind {
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
  if (kind === undefined) {
    throw new TemplateError(`The resource type ${type} is not known to this rehearsal; see cloud/resource-kinds.ts`)
  }
  return kind
}
