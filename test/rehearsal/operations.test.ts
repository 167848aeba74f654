import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens, type Source, type TokenValue } from '@warmtoken/core'
import { aesGcm } from '@warmtoken/core/seal'
import { startSecretsManager } from '@warmtoken/local'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../cli/run.ts'
import { ACCOUNT, arnOf, globalArnOf, REGION } from './cloud/account.ts'
import { type Cloud, startCloud } from './cloud/start-cloud.ts'
import { connectDeployer, type Deployer, stackNameOf } from './deploy-template.ts'
import { roleNamed } from './iam/role.ts'
import { type Enforcement, startEnforcement } from './iam/start-enforcement.ts'

const TOPIC = arnOf('sns', 'on-call')
const KEYS = { k1: randomBytes(32).toString('base64'), k2: randomBytes(32).toString('base64') }
const codec = aesGcm({ ring: { current: 'k1', keys: { k1: KEYS.k1 } } })
const MONITORED = { MetricNamespace: 'shop', ServiceName: 'orders', TokenSource: 'crm', FunctionName: 'orders-prod' }

// One account, in which each test goes a step further; the order is that of the file.
let cloud: Cloud
let deployer: Deployer
let enforcement: Enforcement
let table = ''
let folder = ''
const outputs: Record<string, string> = {}
beforeAll(async () => {
  const [started, secrets] = await Promise.all([startCloud(), startSecretsManager()])
  cloud = started
  deployer = connectDeployer(cloud.url)
  enforcement = await startEnforcement({ dynamodb: cloud.dynamoDB, secretsmanager: secrets.url })
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
  closing.push(secrets)
})
const closing: { close(): Promise<unknown> }[] = []
afterAll(async () => {
  deployer?.close()
  for (const server of [enforcement, cloud, ...closing]) await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The parameters of each template that is a stack of its own. The others are parts of a service. */
const STACKS: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  'token-table.yml': () => ({}),
  'post-table.yml': () => ({}),
  'client-secret.yml': () => ({}),
  'bodies-bucket.yml': () => ({}),
  'kms-key.yml': () => ({}),
  'roles.yml': () => ({
    TableArn: arnOf('dynamodb', `table/${table}`),
    SecretArn: outputs['ClientSecretId'] ?? '',
    KeyArn: outputs['SealingKeyArn'] ?? '',
    AppName: 'shop',
    OperatorArn: globalArnOf('iam', 'user/ada'),
  }),
  'alarms.yml': () => ({ ...MONITORED, TableName: table, AlarmTopicArn: TOPIC }),
  'dashboard.yml': () => ({ ...MONITORED, TableName: table }),
  'live-alarms.yml': () => ({
    ApiId: 'a1b2c3d4e5',
    StageName: 'prod',
    MetricNamespace: 'shop',
    ServiceName: 'orders',
    AlarmTopicArn: TOPIC,
  }),
  'schedules.yml': () => ({ FunctionArn: arnOf('lambda', 'function:refresh') }),
}

function resourcesOf(file: string, type?: string) {
  const stack = cloud.stack(stackNameOf(file))
  if (stack === undefined) throw new Error(`there is no stack of ${file}`)
  return [...stack.resources.values()].filter((resource) => type === undefined || resource.type === type)
}

test.each(Object.entries(STACKS))('%s is deployed into the account as a stack of its own', async (file, parameters) => {
  Object.assign(outputs, await deployer.deploy(file, parameters()))
  if (file === 'token-table.yml') table = resourcesOf(file)[0]?.physicalId ?? ''
  expect(resourcesOf(file).every(({ status }) => status === 'CREATE_COMPLETE')).toBe(true)
})

test('every template without a reference to a service is among them', () => {
  const names = readdirSync(new URL('../../infra/resources/', import.meta.url)).filter((name) => {
    const text = readFileSync(new URL(`../../infra/resources/${name}`, import.meta.url), 'utf8')
    return /^Resources:/m.test(text) && !name.startsWith('live-')
  })
  expect(names.filter((name) => !(name in STACKS))).toEqual([])
})

test('each alarm and the dashboard are in the account, and the alarms ring at the topic', async () => {
  const alarms = ['alarms.yml', 'live-alarms.yml'].flatMap((file) => resourcesOf(file, 'AWS::CloudWatch::Alarm'))
  expect(alarms.length).toBe(8)
  const there = await cloud.world.list()
  for (const { physicalId, properties } of [...alarms, ...resourcesOf('dashboard.yml')]) {
    expect(there).toContain(physicalId)
    if ('AlarmActions' in properties) expect(properties['AlarmActions']).toEqual([TOPIC])
  }
  expect(there).toContain('warmtoken-orders-crm')
})

test.each([
  ['alarms.yml', { AlarmTopicArn: 'on-call' }, 'AlarmTopicArn failed to satisfy constraint'],
  ['alarms.yml', { ExpectedFetchesPerHour: '0' }, "'ExpectedFetchesPerHour' must be a number not less than 1"],
  ['alarms.yml', { TableArn: 'x' }, '[TableArn] do not exist in the template'],
  ['dashboard.yml', { ServiceName: 'my service' }, 'cannot be the name of a dashboard'],
])('%s with %j is refused by CloudFormation, and leaves nothing', async (file, wrong, message) => {
  const before = await cloud.world.list()
  await deployer.remove(file)
  await expect(deployer.deploy(file, { ...STACKS[file]?.(), ...wrong })).rejects.toThrow(message)
  expect((await cloud.world.list()).length).toBeLessThan(before.length)
  await deployer.remove(file)
  await deployer.deploy(file, STACKS[file]?.())
  expect(await cloud.world.list()).toHaveLength(before.length)
})

test('a parameter without a value and a default is named', async () => {
  await expect(deployer.deploy('schedules.yml')).rejects.toThrow('[FunctionArn] must have values')
})

describe('the roles', () => {
  const source: Source<TokenValue> = {
    kind: 'crm',
    identity: () => 'crm',
    fetch: async () => ({ value: { value: 'rehearsal-token', type: 'Bearer' }, lifetime: 3_600_000 }),
  }
  /** A token as a function with this role gets it. */
  async function tokenAs(role: string, by: Source<TokenValue> = source): Promise<string> {
    const stack = cloud.stack('roles')
    if (stack === undefined) throw new Error('there are no roles')
    const credentials = enforcement.keysFor(() => roleNamed(stack, role))
    const store = dynamoDBStore({ table, region: REGION, endpoint: enforcement.urls.dynamodb, credentials })
    const token = await createTokens({ store, codec, directory: false }).use(by).get()
    return token.value
  }

  test('of a refresher fetches a token, which the reader then gets from the table', async () => {
    expect(await tokenAs('RefresherRole')).toBe('rehearsal-token')
    const never: Source<TokenValue> = {
      ...source,
      fetch: () => Promise.reject(new Error('the reader asks the issuer')),
    }
    expect(await tokenAs('ReaderRole', never)).toBe('rehearsal-token')
    enforcement.decisions()
  })

  test('of a reader cannot refresh, and the error names the right that it lacks', async () => {
    await expect(tokenAs('ReaderRole', { ...source, identity: () => 'another' })).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('dynamodb:UpdateItem'),
    })
  })

  test('of an operator runs every command that needs the table, and has no right that none of them uses', async () => {
    const stack = cloud.stack('roles')
    if (stack === undefined) throw new Error('there are no roles')
    const { accessKeyId, secretAccessKey, sessionToken } = enforcement.keysFor(() => roleNamed(stack, 'OperatorRole'))
    const env = {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    }
    writeFileSync(join(folder, 'ring.json'), JSON.stringify({ current: 'k2', keys: KEYS }))
    const place = ['--table', table, '--endpoint', enforcement.urls.dynamodb, '--json']
    const command = async (...args: readonly string[]): Promise<string> => {
      const { code, out, err } = await run([...args, ...place], { cwd: folder, env })
      expect([args[0], code, err]).toEqual([args[0], 0, ''])
      return out
    }
    enforcement.decisions()
    const { records } = JSON.parse(await command('list')) as { records: { key: string }[] }
    const [key = ''] = records.map((record) => record.key)
    await command('inspect', key)
    await command('watch', '--count', '1')
    await command('refresh', key)
    await command('reject', key)
    await command('rotate-key', '--ring', 'ring.json')
    await command('purge', key)
    // The local server has no backups to describe.
    await run(['doctor', ...place], { cwd: folder, env })
    const decisions = enforcement.decisions()
    expect(decisions.filter(({ allowed }) => !allowed)).toEqual([])
    const granted = roleNamed(stack, 'OperatorRole')
      .statements.flatMap(({ actions }) => actions)
      .filter((action) => action.startsWith('dynamodb:'))
    const used = new Set(decisions.map(({ action }) => action))
    expect(granted.filter((action) => !used.has(action))).toEqual([])
  }, 120_000)
})

test('removing the stacks keeps the key, without which no sealed value opens again, and nothing else', async () => {
  const kept: string[] = []
  for (const file of Object.keys(STACKS).toReversed()) kept.push(...(await deployer.remove(file)))
  expect(kept).toEqual(['SealingKey'])
  const left = await cloud.world.list()
  expect(left).toEqual([outputs['SealingKeyArn']?.split('/').at(-1)])
  expect(outputs['SealingKeyArn']).toContain(ACCOUNT)
})
