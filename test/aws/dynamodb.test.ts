import { Agent, createServer, type Server } from 'node:http'
import { inspect } from 'node:util'
import { CreateTableCommand, DynamoDBClient, type KeySchemaElement } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { type LocalServer, startDynamoDB } from '@warmtoken/local'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const REGION = 'eu-central-1'
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' }
const SWAP = { expected: undefined, body: 'x', tag: 'tag', keepUntil: Date.now() + 60_000 }
function how() {
  return { signal: AbortSignal.timeout(5_000), consistent: true }
}

/** Both ways to ask a table: our own requests, and a client of the SDK. */
const WAYS = ['without the SDK', 'through the SDK'] as const
function storeBy(way: (typeof WAYS)[number], table: string, endpoint: string) {
  const client = () => new DynamoDBClient({ region: REGION, endpoint, credentials: CREDENTIALS })
  return way === 'through the SDK'
    ? dynamoDBStore({ table, client })
    : dynamoDBStore({ table, endpoint, region: REGION, credentials: CREDENTIALS })
}

describe('a table whose key does not fit', () => {
  let server: LocalServer
  beforeAll(async () => {
    server = await startDynamoDB({ tables: ['tokens'] })
    const client = new DynamoDBClient({ region: REGION, endpoint: server.url, credentials: CREDENTIALS })
    const tables: { readonly [table: string]: readonly KeySchemaElement[] } = {
      sorted: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      renamed: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }
    for (const [TableName, KeySchema] of Object.entries(tables)) {
      const AttributeDefinitions = KeySchema.map(({ AttributeName }) => ({
        AttributeName,
        AttributeType: 'S' as const,
      }))
      const settings = { TableName, KeySchema: [...KeySchema], AttributeDefinitions }
      await client.send(new CreateTableCommand({ ...settings, BillingMode: 'PAY_PER_REQUEST' }))
    }
    client.destroy()
  })
  afterAll(() => server.close())

  it.each(WAYS.flatMap((way) => [[way, 'sorted'] as const, [way, 'renamed'] as const]))(
    '%s: the table %s is refused with the key that it needs',
    async (way, table) => {
      const store = storeBy(way, table, server.url)
      const refused = {
        code: 'STORE_REFUSED',
        retryable: false,
        message: expect.stringMatching(/needs the hash key "pk", a string, and no sort key/),
      }
      await expect(store.read('key', how())).rejects.toMatchObject(refused)
      await expect(store.swap('key', SWAP, how())).rejects.toMatchObject(refused)
      await expect(store.readMany?.(['a', 'b'], how())).rejects.toMatchObject(refused)
    },
  )
})

describe('a table whose KMS key may not be used', () => {
  let server: Server
  let endpoint = ''
  let message = ''
  beforeEach(() => {
    message = 'KMS key access denied error: the ciphertext refers to a key that you are not allowed to access'
  })
  beforeAll(async () => {
    server = createServer((request, response) => {
      const body = JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException', message })
      request
        .resume()
        .on('end', () => response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it.each(WAYS)('%s: names the permission on the key', async (way) => {
    const denied = { code: 'STORE_DENIED', retryable: false, message: expect.stringMatching(/kms:Decrypt/) }
    await expect(storeBy(way, 'tokens', endpoint).read('key', how())).rejects.toMatchObject(denied)
    await expect(storeBy(way, 'tokens', endpoint).swap('key', SWAP, how())).rejects.toMatchObject(denied)
  })

  it.each(WAYS)(
    '%s: a denied permission names the role and the resource, and nothing else that the answer says',
    async (way) => {
      const role = 'arn:aws:sts::123456789012:assumed-role/crm/function'
      const table = 'arn:aws:dynamodb:eu-central-1:123456789012:table/tokens'
      message = `User: ${role} is not authorized to perform: dynamodb:GetItem on resource: ${table} because "marked"`
      const expected = `access denied; the role needs dynamodb:GetItem on this table (${role} on ${table})`
      const error: unknown = await storeBy(way, 'tokens', endpoint)
        .read('key', how())
        .catch((thrown: unknown) => thrown)
      expect(String(error)).toContain(expected)
      expect(inspect(error, { depth: 9 })).not.toContain('marked')
    },
  )

  it('is asked through the agent that is handed in, which is never destroyed', async () => {
    let connections = 0
    const agent = new Agent({ keepAlive: true })
    const create = agent.createConnection.bind(agent)
    agent.createConnection = (...args) => {
      connections += 1
      return create(...args)
    }
    const place = { table: 'tokens', endpoint, region: REGION }
    for (const store of [dynamoDBStore({ ...place, credentials: CREDENTIALS, agent })]) {
      await expect(store.read('key', how())).rejects.toMatchObject({ code: 'STORE_DENIED' })
    }
    expect(connections).toBe(1)
    agent.destroy()
    const client = new DynamoDBClient({ region: REGION })
    expect(() => dynamoDBStore({ table: 'tokens', client, agent })).toThrow(
      'dynamoDBStore: option "agent" cannot be combined with "client"',
    )
  })
})
