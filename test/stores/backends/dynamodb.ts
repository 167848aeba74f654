import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import type { Store } from '@warmtoken/core'
import {
  type Fault,
  LOCAL_CREDENTIALS,
  type LocalServer,
  startDynamoDB,
  startDynamoDBLocal,
  startDynoxide,
} from '@warmtoken/local'
import { type Backend, type Insight, type Running, refusal } from './backend.ts'

/** The table of the tests. */
export const TABLE = 'tokens'

function says(name: string, status = 400): Fault {
  const body = JSON.stringify({
    __type: `com.amazonaws.dynamodb.v20120810#${name}`,
    message: 'in the words of DynamoDB',
  })
  return refusal(status, body, 'application/x-amz-json-1.0')
}

/** How DynamoDB says what goes wrong. */
export const DYNAMODB_ANSWERS: Running['answers'] = {
  'server-error': says('InternalServerError', 500),
  throttled: says('ThrottlingException'),
  denied: says('AccessDeniedException'),
  missing: says('ResourceNotFoundException'),
}

/** The settings of the store's own client, at a local address, except for its haste. */
export function localDynamoDB(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 3,
    // Two hundred requests at once take longer than in production where others keep the processors busy.
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  })
}

/** Looks into a table without the store. */
export function lookIntoTable(client: DynamoDBClient, table: string): Insight {
  return {
    takeAnnounced: async (key: string) => {
      const output = await client.send(new GetItemCommand({ TableName: table, Key: { pk: { S: key } } }))
      const text = output.Item?.['live']?.S
      return text === undefined ? [] : [text]
    },
    keepUntilOf: async (key: string) => {
      const output = await client.send(new GetItemCommand({ TableName: table, Key: { pk: { S: key } } }))
      return Number(output.Item?.['keepUntil']?.N) * 1_000
    },
    plant: async (key: string) => {
      await client.send(new PutItemCommand({ TableName: table, Item: { pk: { S: key }, other: { S: 'something' } } }))
    },
  }
}

/** By signed requests of the store's own, without the SDK. */
function lean(url: string): Store {
  return dynamoDBStore({ table: TABLE, endpoint: url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
}

function local(
  name: string,
  start: (options: { tables: string[] }) => Promise<LocalServer>,
  storeAt?: (url: string) => Store,
): Backend {
  return {
    name,
    async start() {
      const server = await start({ tables: [TABLE] })
      const clients = [localDynamoDB(server.url)]
      const [direct = localDynamoDB(server.url)] = clients
      return {
        url: server.url,
        answers: DYNAMODB_ANSWERS,
        ...lookIntoTable(direct, TABLE),
        connect(url) {
          if (storeAt !== undefined) return storeAt(url)
          const client = localDynamoDB(url)
          clients.push(client)
          return dynamoDBStore({ table: TABLE, client })
        },
        async close() {
          for (const client of clients) client.destroy()
          await server.close()
        },
      }
    },
  }
}

/** DynamoDB by npm's dynalite, in this process: gives no image with a failed condition. */
export const dynalite: Backend = local('dynalite', startDynamoDB)

/** DynamoDB by dynoxide, a process of its own. */
export const dynoxide: Backend = local('dynoxide', startDynoxide)

/** The same two without the SDK. */
export const leanDynalite: Backend = local('dynalite, lean', startDynamoDB, lean)
export const leanDynoxide: Backend = local('dynoxide, lean', startDynoxide, lean)

/** Amazon's own, when a variable names the folder of its program: its license asks for the consent of its user. */
export function dynamoDBLocal(folder: string): readonly Backend[] {
  const start = (options: { tables: string[] }) => startDynamoDBLocal({ ...options, folder })
  return [local('DynamoDB Local', start), local('DynamoDB Local, lean', start, lean)]
}
