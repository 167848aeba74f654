import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CelEngine, TemplateFile } from '@aws/cloudformation-validate'
import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Code } from 'aws-cdk-lib/aws-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseYaml } from '../rehearsal/cloud/yaml.ts'
import { addContacts } from './cdk.ts'
import { cloudFormationSetup, danglingIn, ourSetup, terraformSetup, textOf } from './setups.ts'

const PAGE = textOf('docs/infrastructure.md')
const SAM = textOf('test/snippets/sam.yml')
const TERRAFORM = textOf('test/snippets/main.tf')

let folder = ''
let synthesized: object = {}
let engine: InstanceType<typeof CelEngine>
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
  mkdirSync(join(folder, 'dist'))
  writeFileSync(join(folder, 'dist/contacts.mjs'), 'export const handler = () => {}\n')
  const stack = new Stack(new App({ outdir: join(folder, 'cdk.out') }), 'Shop')
  addContacts(stack, Code.fromAsset(join(folder, 'dist')))
  synthesized = Template.fromStack(stack).toJSON()
  engine = new CelEngine()
}, 120_000)
afterAll(() => {
  engine?.free()
  rmSync(folder, { recursive: true, force: true })
})

/** What CloudFormation would refuse. W3030 is a value that is not among the allowed ones. */
function faultsOf(name: string, text: string): readonly string[] {
  writeFileSync(join(folder, name), text)
  const { diagnostics } = engine.validateStandard(new TemplateFile(join(folder, name)))
  return diagnostics
    .filter(({ severity, ruleId }) => severity === 'FATAL' || severity === 'ERROR' || ruleId === 'W3030')
    .map(({ ruleId, message }) => `${ruleId}: ${message}`)
}

it('our own set-up is read as a whole, so that there is something to compare with', () => {
  expect(ourSetup()).toEqual({
    billing: 'PAY_PER_REQUEST',
    key: ['pk', 'S'],
    timeToLive: ['keepUntil', true],
    recovery: false,
    tableRights: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
    secretRights: ['secretsmanager:GetSecretValue'],
    runtime: 'nodejs24.x',
    architecture: 'arm64',
    memory: 256,
    timeout: 15,
    variables: ['CLIENT_SECRET_ID', 'TOKEN_TABLE'],
    schedule: 'rate(1 minute)',
  })
})

describe('the snippet for CDK', () => {
  it('synthesizes what our own templates deploy', () => {
    expect(cloudFormationSetup(synthesized)).toEqual(ourSetup())
  })

  it('grants rights on the table and the secret alone', () => {
    const template = Template.fromJSON(synthesized)
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Action: Match.anyValue(),
            Effect: 'Allow',
            Resource: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^TokenTable'), 'Arn'] }],
          },
          { Action: Match.anyValue(), Effect: 'Allow', Resource: { Ref: Match.stringLikeRegexp('^ClientSecret') } },
        ],
      },
    })
    template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete' })
  })

  it('is valid CloudFormation', () => {
    expect(faultsOf('cdk.json', JSON.stringify(synthesized))).toEqual([])
  })
})

describe('the snippet for SAM', () => {
  it('says what our own templates say', () => {
    expect(cloudFormationSetup(parseYaml(SAM))).toEqual(ourSetup())
  })

  it('is valid for CloudFormation with its transform', () => {
    expect(faultsOf('sam.yml', SAM)).toEqual([])
  })

  it('has only properties that SAM knows, which the validator does not look at', () => {
    const known = [
      'Architectures',
      'CodeUri',
      'Environment',
      'Events',
      'Handler',
      'MemorySize',
      'Policies',
      'Runtime',
      'Timeout',
    ]
    const { Resources } = parseYaml(SAM) as { Resources: { Contacts: { Properties: object } } }
    expect(Object.keys(Resources.Contacts.Properties).toSorted()).toEqual(known)
  })
})

describe('the snippet for Terraform', () => {
  it('says what our own templates say', async () => {
    expect(await terraformSetup(TERRAFORM)).toEqual(ourSetup())
  })

  it('has no reference to anything that is not in it', async () => {
    expect(await danglingIn(TERRAFORM)).toEqual([])
    expect(
      await danglingIn(TERRAFORM.replace('resource "aws_iam_role" "contacts"', 'resource "aws_iam_role" "other"')),
    ).toContain('${aws_iam_role.contacts.')
  })

  it('is refused with its line when it is not whole', async () => {
    await expect(terraformSetup(TERRAFORM.replace('"PAY_PER_REQUEST"', ''))).rejects.toThrow(/main\.tf:3/)
  })
})

describe('a snippet that differs is found', () => {
  const changes = [
    ['another attribute for time to live', 'keepUntil', 'ttl'],
    ['another key', '"pk"', '"id"'],
    ['a right more', 'dynamodb:GetItem', 'dynamodb:Scan'],
    ['another runtime', 'nodejs24.x', 'nodejs20.x'],
    ['another schedule', 'rate(1 minute)', 'rate(1 hour)'],
  ] as const
  it.each(changes)('in Terraform: %s', async (_what, from, to) => {
    expect(TERRAFORM).toContain(from)
    expect(await terraformSetup(TERRAFORM.replaceAll(from, to))).not.toEqual(ourSetup())
  })

  it.each(changes)('in SAM: %s', (_what, from, to) => {
    const [before, after] = [from.replaceAll('"', ''), to.replaceAll('"', '')]
    expect(SAM).toContain(before)
    expect(cloudFormationSetup(parseYaml(SAM.replaceAll(before, after)))).not.toEqual(ourSetup())
  })
})

it.each([
  ['CDK', 'test/snippets/cdk.ts'],
  ['SAM', 'test/snippets/sam.yml'],
  ['Terraform', 'test/snippets/main.tf'],
])('the page shows the snippet for %s that is tested here', (_tool, path) => {
  expect(PAGE).toContain(`\n${textOf(path).trimEnd()}\n\`\`\`\n`)
})
