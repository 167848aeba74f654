import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  const text = readFileSync(join(folder, 'package/cloudformation-template-update-stack.json'), 'utf8')
  resources = (JSON.parse(text) as { Resources: typeof resources }).Resources
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

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

  it('grants nothing beyond its own tables, sockets and push function', () => {
    const [role] = ofType('AWS::IAM::Role')
    const [policy] = (role?.Properties['Policies'] ?? []) as { PolicyDocument: { Statement: Statement[] } }[]
    const granted = (policy?.PolicyDocument.Statement ?? []).map(({ Action, Resource }) => ({
      actions: [Action].flat().sort(),
      on: JSON.stringify(Resource),
    }))
    const rest = granted.filter(({ actions }) => !actions.every((action) => action.startsWith('logs:')))
    expect(rest.map(({ actions }) => actions)).toEqual([
      ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
      ['dynamodb:BatchWriteItem', 'dynamodb:Query'],
      ['execute-api:ManageConnections'],
      ['lambda:InvokeFunction'],
      ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
    ])
    for (const { on } of rest) expect(on).not.toMatch(/:\*:|"\*"/)
    expect(rest[2]?.on).toMatch(/WebsocketsApi\}\/dev\/POST\/@connections\/\*/)
  })

  it('has tables that are billed by request and clean up, and functions that end before their gateway', () => {
    for (const { Properties } of ofType('AWS::DynamoDB::Table')) {
      expect(Properties).toMatchObject({ BillingMode: 'PAY_PER_REQUEST', TimeToLiveSpecification: { Enabled: true } })
      expect(Properties['PointInTimeRecoverySpecification']).toBeUndefined()
    }
    const functions = ofType('AWS::Lambda::Function').map(({ Properties }) => Properties)
    expect(functions).toHaveLength(13)
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
