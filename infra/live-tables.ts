/** One change of a table, as a stream reports it. */
export interface StreamRecord {
  readonly eventName?: string
  readonly dynamodb?: {
    readonly SequenceNumber?: string
    readonly NewImage?: Readonly<Record<string, { readonly S?: string }>>
  }
}

/** Resolves to the changes since it was called last. */
export type ReadStream = () => Promise<readonly StreamRecord[]>

const ATTEMPTS = 200
const PAUSE = 25

/** One operation of a local server, which requires a signature and does not verify it. Rejects unless it succeeds. */
export async function ask<T>(url: string, target: string, input: object): Promise<T> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
      'x-amz-date': '20260101T000000Z',
      authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
    },
    body: JSON.stringify(input),
  })
  if (!answer.ok) throw new Error(`${target} was answered by ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as T
}

interface Described {
  readonly Table: { readonly TableStatus: string; readonly LatestStreamArn?: string }
}

/** The keys of a table, all texts. */
export type Keys = readonly (readonly [name: string, type: 'HASH' | 'RANGE'])[]

/** Creates a table with a stream of new images, and waits until it is there. */
export function createTableWithStream(url: string, name: string, keys: Keys): Promise<void> {
  return createTable(url, name, keys, { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } })
}

/** Creates a table, and waits until it is there. */
export async function createTable(url: string, name: string, keys: Keys, more: object = {}): Promise<void> {
  await ask(url, 'DynamoDB_20120810.CreateTable', {
    TableName: name,
    AttributeDefinitions: keys.map(([AttributeName]) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: keys.map(([AttributeName, KeyType]) => ({ AttributeName, KeyType })),
    BillingMode: 'PAY_PER_REQUEST',
    ...more,
  })
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { Table } = await ask<Described>(url, 'DynamoDB_20120810.DescribeTable', { TableName: name })
    if (Table.TableStatus === 'ACTIVE') return
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
  }
  throw new Error(`the table ${name} was not ACTIVE in time`)
}

/** Reads the stream of a table from its start, all shards in turn. */
export async function readStream(url: string, table: string): Promise<ReadStream> {
  const { Table } = await ask<Described>(url, 'DynamoDB_20120810.DescribeTable', { TableName: table })
  const StreamArn = Table.LatestStreamArn
  const streams = 'DynamoDBStreams_20120810'
  const described = await ask<{ StreamDescription: { Shards: readonly { ShardId: string }[] } }>(
    url,
    `${streams}.DescribeStream`,
    { StreamArn },
  )
  const iterators = await Promise.all(
    described.StreamDescription.Shards.map(async ({ ShardId }) => {
      const input = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }
      return (await ask<{ ShardIterator: string }>(url, `${streams}.GetShardIterator`, input)).ShardIterator
    }),
  )
  return async () => {
    const all: StreamRecord[] = []
    for (const [index, ShardIterator] of iterators.entries()) {
      const got = await ask<{ Records: readonly StreamRecord[]; NextShardIterator?: string }>(
        url,
        `${streams}.GetRecords`,
        { ShardIterator, Limit: 1_000 },
      )
      iterators[index] = got.NextShardIterator ?? ShardIterator
      all.push(...got.Records)
    }
    return all
  }
}
