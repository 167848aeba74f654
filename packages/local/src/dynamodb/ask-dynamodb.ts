import { setTimeout as sleep } from 'node:timers/promises'

/** Answer of a DynamoDB server: the HTTP status and the JSON object in the body. */
export interface DynamoDBAnswer {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

// Local servers require a signature but do not verify it, so no SDK is needed to set them up.
const DUMMY_SIGNATURE = `AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`

/** Performs one operation on a local DynamoDB server; rejects when it cannot be reached. */
export async function askDynamoDB(url: string, operation: string, input: object): Promise<DynamoDBAnswer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20260101T000000Z',
      authorization: DUMMY_SIGNATURE,
      connection: 'close',
    },
    body: JSON.stringify(input),
  })
  const json: unknown = await answer.json()
  return { status: answer.status, json: isObject(json) ? json : {} }
}

const ATTEMPTS = 200
const PAUSE_MS = 25

/** Creates tables with the string hash key `pk`, paid per request, and waits until all are ACTIVE. */
export async function createTables(url: string, names: readonly string[]): Promise<void> {
  for (const TableName of names) {
    const { status, json } = await askDynamoDB(url, 'CreateTable', {
      TableName,
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    })
    if (status !== 200) throw new Error(`The table ${TableName} could not be created: ${JSON.stringify(json)}`)
    await untilActive(url, TableName)
  }
}

async function untilActive(url: string, TableName: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { json } = await askDynamoDB(url, 'DescribeTable', { TableName })
    const table = json['Table']
    if (isObject(table) && table['TableStatus'] === 'ACTIVE') return
    await sleep(PAUSE_MS)
  }
  throw new Error(`The table ${TableName} was not ACTIVE within ${(ATTEMPTS * PAUSE_MS) / 1000} s`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
