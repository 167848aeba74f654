import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CelEngine, TemplateFile } from '@aws/cloudformation-validate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { environment, ROOT, serverless } from '../offline/offline-run.ts'

interface Statement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, never>>
}

let folder = ''
let template = ''
let resources: Readonly<Record<string, Resource>> = {}
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [serverless(), 'package', '--config', 'serverless.live.yml', '--package', join(folder, 'package')],
    {
      cwd: ROOT,
      env: {
        ...environment({ home: folder, temporary: folder, mark: 'LIVE=package' }),
        AWS_ACCESS_KEY_ID: 'none',
        AWS_SECRET_ACCESS_KEY: 'none',
      },
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(stdout + stderr)
  template = readFileSync(join(folder, 'package/cloudformation-template-update-stack.json'), 'utf8')
  resources = (JSON.parse(template) as { Resources: typeof resources }).Resources
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a role may do beside writing logs. */
function rightsOf(properties: Resource['Properties']) {
  const policies = (properties['Policies'] ?? []) as { PolicyDocument: { Statement: Statement[] } }[]
  return policies
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map(({ Action, Resource }) => ({ actions: [Action].flat(), on: JSON.stringify(Resource) }))
    .filter(({ actions }) => !actions.every((action) => action.startsWith('logs:')))
}

function ofType(type: string): readonly Resource[] {
  return Object.values(resources).filter(({ Type }) => Type === type)
}

describe('the template of live events', () => {
  it('wakes the stream function for announced writes alone, and repeats only what failed', () => {
    const [mapping] = ofType('AWS::Lambda::EventSourceMapping')
    expect(mapping?.Properties).toMatchObject({
      BatchSize: 100,
      ParallelizationFactor: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 10,
      MaximumRecordAgeInSeconds: 60,
      StartingPosition: 'LATEST',
    })
    // A half that begins with another record would not find how far it was published.
    expect(mapping?.Properties['BisectBatchOnFunctionError'] ?? false).toBe(false)
    const { Filters = [] } = (mapping?.Properties['FilterCriteria'] ?? {}) as { Filters?: { Pattern: string }[] }
    const [filter] = Filters
    expect(JSON.parse(filter?.Pattern ?? '')).toEqual({ dynamodb: { NewImage: { live: { S: [{ exists: true }] } } } })
    expect(resources['LiveTable']?.Properties).toMatchObject({ StreamSpecification: { StreamViewType: 'NEW_IMAGE' } })
  })

  it('authorizes $connect by a ticket, answers on the socket, and bounds floods', () => {
    expect(ofType('AWS::ApiGatewayV2::Authorizer')[0]?.Properties).toMatchObject({
      AuthorizerType: 'REQUEST',
      IdentitySource: ['route.request.querystring.ticket'],
    })
    expect(resources['SconnectWebsocketsRoute']?.Properties).toMatchObject({ AuthorizationType: 'CUSTOM' })
    expect(ofType('AWS::ApiGatewayV2::RouteResponse')).toHaveLength(1)
    expect(resources['WebsocketsDeploymentStage']?.Properties).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 2_000, ThrottlingBurstLimit: 1_000 },
    })
    expect(ofType('AWS::Lambda::Url')[0]?.Properties).toMatchObject({ InvokeMode: 'RESPONSE_STREAM' })
  })

  it('has a role for each kind of function, with rights on its own tables, sockets and push function alone', () => {
    const rights = Object.fromEntries(
      Object.entries(resources).flatMap(([name, { Type, Properties }]) =>
        Type === 'AWS::IAM::Role' ? [[name, rightsOf(Properties)] as const] : [],
      ),
    )
    const actions = Object.fromEntries(
      Object.entries(rights).map(([name, all]) => [name, all.flatMap((one) => one.actions).sort()]),
    )
    const records = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem']
    const publish = [
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'execute-api:ManageConnections',
      'lambda:InvokeFunction',
    ]
    const stream = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((one) => `dynamodb:${one}`)
    expect(actions).toEqual({
      AccountRole: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
      SocketRole: [...records, 'dynamodb:BatchWriteItem', 'execute-api:ManageConnections'].sort(),
      PublishRole: publish,
      StreamRole: [...publish, ...stream].sort(),
      FeedRole: records,
      ReaderRole: ['dynamodb:GetItem'],
      PageRole: [],
    })
    for (const { on } of Object.values(rights).flat()) expect(on).not.toMatch(/:\*:|"\*"/)
    const sockets = rights['SocketRole']?.find((one) => one.actions.includes('execute-api:ManageConnections'))
    expect(sockets?.on).toMatch(/WebsocketsApi\}\/dev\/POST\/@connections\/\*/)
    expect(sockets?.on).toMatch(/WebsocketsApi\}\/dev\/DELETE\/@connections\/\*/)
    const roles = ofType('AWS::Lambda::Function').map(({ Properties }) => [
      String(Properties['FunctionName']).replace('warmtoken-live-dev-', ''),
      /"Fn::GetAtt":\["(\w+)","Arn"\]/.exec(JSON.stringify(Properties['Role']))?.[1],
    ])
    expect(Object.fromEntries(roles)).toEqual({
      authorizer: 'AccountRole',
      feed: 'FeedRole',
      list: 'ReaderRole',
      me: 'AccountRole',
      page: 'PageRole',
      post: 'PublishRole',
      push: 'PublishRole',
      signIn: 'AccountRole',
      signOut: 'PublishRole',
      signOutEverywhere: 'PublishRole',
      signUp: 'AccountRole',
      socket: 'SocketRole',
      stream: 'StreamRole',
      ticket: 'AccountRole',
    })
  })

  it('is valid CloudFormation, and a reference to nothing in it would be found', () => {
    const engine = new CelEngine()
    const faultsOf = (text: string): readonly string[] => {
      const path = join(folder, 'template.json')
      writeFileSync(path, text)
      return engine
        .validateStandard(new TemplateFile(path))
        .diagnostics.filter(
          ({ severity, ruleId }) => severity === 'FATAL' || severity === 'ERROR' || ruleId === 'W3030',
        )
        .map(({ ruleId, message }) => `${ruleId}: ${message}`)
    }
    expect(faultsOf(template)).toEqual([])
    expect(faultsOf(template.replaceAll(/"LiveTable",(?=\s*"StreamArn")/g, '"NoTable",'))).not.toEqual([])
    engine.free()
  })

  it('has tables that are billed by request and clean up, and functions that end before their gateway', () => {
    for (const { Properties } of ofType('AWS::DynamoDB::Table')) {
      expect(Properties).toMatchObject({ BillingMode: 'PAY_PER_REQUEST', TimeToLiveSpecification: { Enabled: true } })
      expect(Properties['PointInTimeRecoverySpecification']).toBeUndefined()
    }
    const functions = ofType('AWS::Lambda::Function').map(({ Properties }) => Properties)
    expect(functions).toHaveLength(14)
    for (const { Runtime, Architectures } of functions)
      expect([Runtime, Architectures]).toEqual(['nodejs24.x', ['arm64']])
    const timeouts = Object.fromEntries(functions.map(({ FunctionName, Timeout }) => [FunctionName, Timeout]))
    // The feed answers by its URL and no gateway; the stream and push functions answer nobody.
    for (const name of ['feed', 'stream', 'push']) delete timeouts[`warmtoken-live-dev-${name}`]
    expect(Math.max(...Object.values(timeouts).map(Number))).toBeLessThan(30)
    expect(ofType('AWS::Logs::LogGroup').every(({ Properties }) => Number(Properties['RetentionInDays']) > 0)).toBe(
      true,
    )
  })
})
