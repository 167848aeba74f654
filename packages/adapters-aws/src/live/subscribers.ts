import { pause, storeFault } from '@warmtoken/core/adapter'
import { asFields, checkOptions, parseJson, textRule } from '@warmtoken/core/adapter/setup'
import type { Subscribers } from '@warmtoken/core/live'
import { type AwsPlace, createAsk, PLACE_RULES } from './signed-request.ts'

/** BatchWriteItem takes so many requests (DynamoDB API reference). */
const BATCH = 25
/** The attempts at one request, and the bound of the first pause, in ms. */
const ATTEMPTS = 4
const FIRST_PAUSE = 50

/** How {@link dynamoDBSubscribers} is set up. */
export interface DynamoDBSubscribersOptions extends AwsPlace {
  /** The table: hash key `topic`, sort key `connection`, both strings; its TTL attribute is `until`. */
  readonly table: string
}

interface Member {
  readonly topic: { readonly S: string }
  readonly connection: { readonly S: string }
}

/**
 * Who follows what, in a DynamoDB table: one item a connection and topic, so that no two writers meet. Needs
 * `dynamodb:BatchWriteItem` and `dynamodb:Query` on it. Throws `TypeError` that names a wrong option.
 */
export function dynamoDBSubscribers(options: DynamoDBSubscribersOptions): Subscribers {
  const { table, env = {} } = checkOptions('dynamoDBSubscribers', options, { ...PLACE_RULES, table: textRule }, [
    'table',
  ])
  const endpoint = options.endpoint ?? env['AWS_ENDPOINT_URL_DYNAMODB']
  const ask = createAsk('dynamoDBSubscribers', 'dynamodb', { ...options, ...(endpoint && { endpoint }) })

  const call = async (operation: string, input: object, signal: AbortSignal): Promise<Output> => {
    const body = JSON.stringify(input)
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    }
    for (let attempt = 1; ; attempt += 1) {
      const answer = await ask({ path: '/', headers, body }, signal).catch((error: unknown) => {
        if (attempt === ATTEMPTS || signal.aborted) throw error
        return undefined
      })
      const output = answer && asFields(parseJson(answer.text))
      if (answer?.status === 200 && output !== undefined) return output as Output
      const fault = answer && faultOf(table, operation, answer.status, String(output?.['__type'] ?? ''))
      if (fault !== undefined && (!fault.retryable || attempt === ATTEMPTS)) throw fault
      await pause(FIRST_PAUSE * 2 ** attempt * Math.random(), signal)
    }
  }

  const write = async (requests: readonly object[], signal: AbortSignal): Promise<void> => {
    for (let start = 0; start < requests.length; start += BATCH) {
      let left: readonly object[] = requests.slice(start, start + BATCH)
      for (let attempt = 1; left.length > 0; attempt += 1) {
        const output = await call('BatchWriteItem', { RequestItems: { [table]: left } }, signal)
        left = output.UnprocessedItems?.[table] ?? []
        if (left.length > 0 && attempt === ATTEMPTS) throw faultOf(table, 'BatchWriteItem', 503, 'Throttling')
        if (left.length > 0) await pause(FIRST_PAUSE * 2 ** attempt * Math.random(), signal)
      }
    }
  }

  const member = (topic: string, connection: string): Member => ({ topic: { S: topic }, connection: { S: connection } })

  return {
    name: 'dynamodb',
    add: (topics, connection, until, { signal }) =>
      write(
        topics.map((topic) => ({
          PutRequest: { Item: { ...member(topic, connection), until: { N: String(Math.ceil(until / 1_000)) } } },
        })),
        signal,
      ),
    drop: (topics, connection, { signal }) =>
      write(
        topics.map((topic) => ({ DeleteRequest: { Key: member(topic, connection) } })),
        signal,
      ),
    async page(topic, cursor, limit, { signal }) {
      const input = {
        TableName: table,
        // An event between a client's subscription and its read of versions would be lost otherwise.
        ConsistentRead: true,
        KeyConditionExpression: '#topic = :topic',
        // TTL deletes hours late.
        FilterExpression: '#until > :now',
        ProjectionExpression: '#connection',
        ExpressionAttributeNames: { '#topic': 'topic', '#connection': 'connection', '#until': 'until' },
        ExpressionAttributeValues: { ':topic': { S: topic }, ':now': { N: String(Math.floor(Date.now() / 1_000)) } },
        Limit: limit,
        ...(cursor !== undefined && { ExclusiveStartKey: member(topic, cursor) }),
      }
      const { Items = [], LastEvaluatedKey } = await call('Query', input, signal)
      return {
        connections: Items.flatMap(({ connection }) => connection?.S ?? []),
        next: LastEvaluatedKey?.connection?.S,
      }
    },
  }
}

interface Output {
  readonly Items?: readonly Partial<Member>[]
  readonly LastEvaluatedKey?: Partial<Member>
  readonly UnprocessedItems?: { readonly [table: string]: readonly object[] }
}

function faultOf(table: string, operation: string, status: number, type: string) {
  const what = `DynamoDB table ${table}`
  const fault = (why: string, code: string) =>
    storeFault(`${what}: ${why}`, { code, retryable: code === 'STORE_UNAVAILABLE' })
  if (/AccessDenied/.test(type))
    return fault(`access denied; the role needs dynamodb:${operation} on it`, 'STORE_DENIED')
  if (/ResourceNotFound/.test(type)) return fault('it does not exist', 'STORE_MISSING')
  if (/ValidationException/.test(type))
    return fault('it needs the hash key "topic" and the sort key "connection", both strings', 'STORE_REFUSED')
  return fault(`${operation} was answered by ${status}`, 'STORE_UNAVAILABLE')
}
