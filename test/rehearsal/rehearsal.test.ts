import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployFirst, deployUnchanged, inspect, invokeAll, removeAll, tellInfo } from './acts.ts'
import { wantedOf } from './cloud/plan.ts'
import { emptyStack, type Stack } from './cloud/stack.ts'
import { parseTemplate } from './cloud/template.ts'
import { brokenRules } from './house-rules.ts'
import { callableOf } from './routes.ts'
import { type Rehearsal, STACK, startRehearsal } from './start-rehearsal.ts'

// One deployment, of which each test is a look or a step further; the order is that of the file.
let rehearsal: Rehearsal
let template = ''
beforeAll(async () => {
  rehearsal = await startRehearsal()
})
afterAll(async () => await rehearsal.close())

test('deploy makes the stack, out of an empty account', async () => {
  await deployFirst(rehearsal)
  template = rehearsal.stack().template?.body ?? ''
})

test('what must hold of the deployed stack holds', async () => {
  await inspect(rehearsal)
})

test('info tells the endpoint and the functions', async () => {
  await tellInfo(rehearsal)
})

test('deploying again without a change changes nothing', async () => {
  await deployUnchanged(rehearsal)
})

test.each(['dynamodb:UpdateItem', 'dynamodb:GetItem'])('an artifact whose role lacks %s names it', async (right) => {
  const before = rehearsal.tokenRequests()
  for (const { functionName, event } of callableOf(rehearsal.stack())) {
    const environment = await rehearsal.start(functionName, right)
    // The second time too: a refusal that was met once must not become a token request.
    for (const outcome of [await environment.invoke(event), await environment.invoke(event)]) {
      expect(outcome).toMatchObject({
        error: { code: 'STORE_DENIED', message: expect.stringContaining(`the role needs ${right} on this table`) },
      })
    }
    environment.end()
  }
  expect(rehearsal.tokenRequests()).toBe(before)
  expect(
    rehearsal
      .decisions()
      .filter(({ allowed }) => !allowed)
      .map(({ action }) => action),
  ).toContain(right)
})

test('the artifacts work with the rights of their role, and ask for no other', async () => {
  await invokeAll(rehearsal)
  expect(rehearsal.tokenRequests()).toBe(1)
})

test('an artifact whose role lacks secretsmanager:GetSecretValue says so, and does not ask the issuer', async () => {
  const asked = rehearsal.tokenRequests()
  // Only who fetches a token needs the secret, so the one in the table has to go.
  const table = [...rehearsal.stack().resources.values()].find(({ type }) => type === 'AWS::DynamoDB::Table')
  if (table === undefined) throw new Error('there is no table')
  await rehearsal.cloud.world.remove(table)
  await rehearsal.cloud.world.make(table)
  const right = 'secretsmanager:GetSecretValue'
  const [first] = callableOf(rehearsal.stack())
  const environment = await rehearsal.start(first?.functionName ?? '', right)
  rehearsal.decisions()
  expect(await environment.invoke(first?.event ?? {})).toMatchObject({ error: { code: 'SECRET_DENIED' } })
  const denied = rehearsal.decisions().filter(({ allowed }) => !allowed)
  expect(new Set(denied.map(({ action }) => action))).toEqual(new Set([right]))
  expect(rehearsal.tokenRequests()).toBe(asked)
})

test('remove leaves nothing', async () => {
  await removeAll(rehearsal)
})

test('the page on deploying names every operation that a deployment needs', () => {
  const page = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8')
  // The rights of S3 have names other than its operations.
  const operations = rehearsal.operations().filter((name) => !name.startsWith('s3:'))
  expect(operations.length).toBeGreaterThan(10)
  expect(operations.filter((name) => !page.includes(name))).toEqual([])
})

describe('what must hold is seen when it does not', () => {
  /** The stack that the deployed template would make after a change of it. */
  const stackFrom = (change: (text: string) => string): Stack => {
    const changed = change(template)
    expect(changed).not.toBe(template)
    const stack = emptyStack(STACK, new Map())
    stack.template = parseTemplate(changed)
    for (const id of stack.template.resources.keys()) stack.resources.set(id, wantedOf(stack, stack.template, id))
    return stack
  }
  const replace = (from: string | RegExp, to: string) => (text: string) => text.replaceAll(from, to)

  test.each([
    ['provisioned throughput', replace('"PAY_PER_REQUEST"', '"PROVISIONED"'), 'billed by request'],
    ['another key', replace('"pk"', '"key"'), 'its key is pk'],
    ['no time to live', replace('"Enabled":true', '"Enabled":false'), 'time to live'],
    ['point-in-time recovery', replace('RecoveryEnabled":false', 'RecoveryEnabled":true'), 'recovery is off'],
    ['an old runtime', replace('nodejs24.x', 'nodejs20.x'), 'nodejs24.x'],
    ['another processor', replace('arm64', 'x86_64'), 'arm64'],
    ['too long a timeout', replace('"Timeout":15', '"Timeout":60'), 'gateway gives up'],
    ['logs forever', replace(/,"RetentionInDays":14/g, ''), 'set time'],
    ['logs elsewhere', replace('"LogGroupName":"/aws/', '"LogGroupName":"/other/'), 'its log group is in the stack'],
    ['logs of others', replace('log-group:/aws/lambda/warmtoken-example-dev*', 'log-group:*'), 'more than it needs'],
    ['no right to write logs', replace('logs:PutLogEvents', 'logs:TagResource'), 'may write its logs'],
    ['all operations', replace('"dynamodb:GetItem"', '"dynamodb:*"'), 'more than it needs'],
    ['an operation more', replace('"dynamodb:GetItem"', '"dynamodb:GetItem","dynamodb:Scan"'), 'more than it needs'],
    ['all tables', replace('"Resource":{"Fn::GetAtt":["TokenTable","Arn"]}', '"Resource":"*"'), 'more than it needs'],
    [
      'a table that is kept',
      replace('"AWS::DynamoDB::Table"', '"AWS::DynamoDB::Table","DeletionPolicy":"Retain"'),
      'left behind',
    ],
    ['all secrets', replace('"Resource":{"Ref":"ClientSecret"}', '"Resource":"*"'), 'more than it needs'],
    ['more of a secret', replace('"secretsmanager:GetSecretValue"', '"secretsmanager:*"'), 'more than it needs'],
    ['a secret in clear', replace('"CLIENT_SECRET_ID":{"Ref":"ClientSecret"}', '"CLIENT_SECRET":"x"'), 'not hold it'],
    ['no encryption', replace(/"BucketEncryption":\{.*?\}\}\]\}/g, '"Tags":[]'), 'encrypted'],
    ['plain http', replace('aws:SecureTransport', 'aws:Other'), 'without TLS'],
    ['anyone as caller', replace('"events.amazonaws.com"', '"*"'), 'events.amazonaws.com may not invoke'],
    ['nobody as caller', replace(/,"Targets":\[.*?\}\]/g, ''), 'something calls it'],
  ])('%s', (_what, change, told) => {
    expect(brokenRules(stackFrom(change)).join('\n')).toContain(told)
  })
})
