import {
  BatchGetItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
} from '@aws-sdk/client-dynamodb'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type SecretsManager, startDynamoDB, startSecretsManager } from '@warmtoken/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arnOf, REGION } from '../cloud/account.ts'
import type { Keys } from '../cloud/signature.ts'
import { type Enforcement, startEnforcement } from './start-enforcement.ts'

const [MINE, OTHER] = ['mine', 'other'].map((name) => arnOf('secretsmanager', `secret:${name}-abc123`)) as [
  string,
  string,
]

let server: Awaited<ReturnType<typeof startDynamoDB>>
let secrets: SecretsManager
let enforcement: Enforcement
let keys: Keys
const clients: { destroy(): void }[] = []

const statements = [
  { effect: 'Allow', actions: ['dynamodb:GetItem'], resources: [arnOf('dynamodb', 'table/tokens')] },
  { effect: 'Allow', actions: ['secretsmanager:GetSecretValue'], resources: [MINE] },
] as const

beforeAll(async () => {
  server = await startDynamoDB({ tables: ['tokens', 'others'] })
  secrets = await startSecretsManager({ secrets: { [MINE]: 'x', [OTHER]: 'y' } })
  enforcement = await startEnforcement({ dynamodb: server.url, secretsmanager: secrets.url })
  keys = enforcement.keysFor(() => ({ name: 'reader', statements, principal: 'arn:aws:sts::1:assumed-role/reader/f' }))
})
afterAll(async () => {
  for (const client of clients) client.destroy()
  await enforcement.close()
  await server.close()
  await secrets.close()
})

async function send(command: object, changed: Partial<Keys> = {}, region = REGION): Promise<string> {
  const credentials = { ...keys, ...changed }
  const client = new DynamoDBClient({ endpoint: enforcement.urls.dynamodb, region, credentials, maxAttempts: 1 })
  clients.push(client)
  return await client.send(command as GetItemCommand).then(
    () => 'ok',
    (error: Error) => `${error.name}: ${error.message}`,
  )
}
function get(TableName: string) {
  return new GetItemCommand({ TableName, Key: { pk: { S: 'x' } } })
}

test('what the role allows passes, by the name of the table or its ARN', async () => {
  enforcement.decisions()
  expect(await send(get('tokens'))).toBe('ok')
  expect(enforcement.decisions()).toEqual([
    { action: 'dynamodb:GetItem', resource: arnOf('dynamodb', 'table/tokens'), allowed: true, role: 'reader' },
  ])
})

test('another table, another operation and one on no table are denied, in the words of IAM', async () => {
  expect(await send(get('others'))).toBe(
    `AccessDeniedException: User: arn:aws:sts::1:assumed-role/reader/f is not authorized to perform: dynamodb:GetItem on resource: ${arnOf('dynamodb', 'table/others')} because no identity-based policy allows the dynamodb:GetItem action`,
  )
  expect(await send(new DescribeTableCommand({ TableName: 'tokens' }))).toContain('perform: dynamodb:DescribeTable')
  expect(await send(new ListTablesCommand({}))).toContain('perform: dynamodb:ListTables on resource: *')
})

test('a batch needs its own right on each of its tables', async () => {
  const Keys = [{ pk: { S: 'x' } }]
  const batch = new BatchGetItemCommand({ RequestItems: { tokens: { Keys }, others: { Keys } } })
  expect(await send(batch)).toContain('perform: dynamodb:BatchGetItem')
})

test('the right signature of another, a wrong one and none are refused', async () => {
  expect(await send(get('tokens'), { accessKeyId: 'ASIAUNKNOWN' })).toContain('UnrecognizedClientException')
  expect(await send(get('tokens'), { secretAccessKey: 'wrong' })).toContain('the signature does not match')
  expect(await send(get('tokens'), { sessionToken: 'wrong' })).toContain('the session token is another')
  const unsigned = await fetch(enforcement.urls.dynamodb, { method: 'POST', body: '{}' })
  expect(unsigned.status).toBe(400)
})

test('the secret that the role names can be read, and no other, not even by a name', async () => {
  const settings = { endpoint: enforcement.urls.secretsmanager, region: REGION, credentials: keys, maxAttempts: 1 }
  const client = new SecretsManagerClient(settings)
  clients.push(client)
  const read = (SecretId: string): Promise<string | undefined> =>
    client.send(new GetSecretValueCommand({ SecretId })).then(
      ({ SecretString }) => SecretString,
      (error: Error) => error.name,
    )
  expect(await Promise.all([read(MINE), read(OTHER), read('mine')])).toEqual([
    'x',
    'AccessDeniedException',
    'AccessDeniedException',
  ])
})
