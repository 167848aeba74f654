import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DynamoDBStoreOptions, dynamoDBStore } from './dynamodb.ts'

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

let server: Server
let endpoint = ''
let received: Received[] = []
let answer: { readonly status: number; readonly body: string } = { status: 200, body: '{}' }

beforeEach(async () => {
  received = []
  answer = { status: 200, body: '{}' }
  server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
    response.writeHead(answer.status).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'marked-secret-key', sessionToken: 'marked-session' }
const how = () => ({ signal: AbortSignal.timeout(5_000), consistent: true })
const storeWith = (options: Partial<DynamoDBStoreOptions> = {}) =>
  dynamoDBStore({ table: 'tokens', endpoint, region: 'eu-central-1', credentials: CREDENTIALS, ...options })

const hmac = (key: string | Uint8Array, text: string): Uint8Array => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The signature of a request by AWS Signature Version 4, worked out from its documentation. */
const signatureOf = ({ headers, body }: Received, secret: string): string => {
  const { authorization = '' } = headers
  const [, scope = ''] = /Credential=[^/]+\/([^,]+),/.exec(authorization) ?? []
  const [, names = ''] = /SignedHeaders=([^,]+),/.exec(authorization) ?? []
  const lines = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`)
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${sha256(body)}`
  const text = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${scope}\n${sha256(canonical)}`
  const key = scope.split('/').reduce<string | Uint8Array>((last, part) => hmac(last, part), `AWS4${secret}`)
  return Buffer.from(hmac(key, text)).toString('hex')
}

describe('the store without the SDK', () => {
  it('signs what it sends, body, target and session included', async () => {
    await storeWith().read('crm~1', how())
    const [request] = received
    if (request === undefined) throw new Error('nothing was sent')
    const authorization = request.headers.authorization ?? ''
    expect(authorization).toContain(`Signature=${signatureOf(request, CREDENTIALS.secretAccessKey)}`)
    expect(authorization).toMatch(/Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/dynamodb\/aws4_request/)
    for (const name of ['host', 'x-amz-date', 'x-amz-target', 'x-amz-security-token'])
      expect(authorization).toMatch(new RegExp(`SignedHeaders=[^,]*${name}`))
    expect(request.headers['x-amz-target']).toBe('DynamoDB_20120810.GetItem')
    expect(JSON.parse(request.body)).toEqual({
      TableName: 'tokens',
      Key: { pk: { S: 'crm~1' } },
      ConsistentRead: true,
    })
  })

  it('takes region, endpoint and credentials from the environment that it is handed', async () => {
    const environment: Record<string, string> = {
      AWS_REGION: 'eu-west-3',
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ACCESS_KEY_ID: 'FIRST',
      AWS_SECRET_ACCESS_KEY: 'x',
    }
    const store = dynamoDBStore({ table: 'tokens', environment })
    await store.read('crm~1', how())
    environment['AWS_ACCESS_KEY_ID'] = 'SECOND'
    await store.read('crm~1', how())
    const scopes = received.map(({ headers }) => /Credential=(\w+)\/\d+\/([\w-]+)/.exec(headers.authorization ?? ''))
    expect(scopes.map((scope) => scope?.slice(1))).toEqual([
      ['FIRST', 'eu-west-3'],
      ['SECOND', 'eu-west-3'],
    ])
  })

  it.each([
    [{ status: 400, body: '{"__type":"com.amazon.coral.service#ExpiredTokenException"}' }, 'STORE_DENIED', 1],
    [{ status: 400, body: '{"__type":"x#AccessDeniedException","message":"marked-secret-key"}' }, 'STORE_DENIED', 1],
    [{ status: 400, body: '{"__type":"x#ResourceNotFoundException"}' }, 'STORE_MISSING', 1],
    [{ status: 400, body: '{"__type":"x#ValidationException"}' }, 'STORE_REFUSED', 1],
    [{ status: 400, body: '{"__type":"x#ThrottlingException"}' }, 'STORE_UNAVAILABLE', 3],
    [{ status: 500, body: '{"__type":"x#InternalServerError"}' }, 'STORE_UNAVAILABLE', 3],
    [{ status: 503, body: '<html>marked-secret-key</html>' }, 'STORE_UNAVAILABLE', 3],
    [{ status: 200, body: 'not JSON, marked-secret-key' }, 'STORE_UNAVAILABLE', 3],
  ])('answered by %j rejects with %s after %i requests, and shows nothing of it', async (given, code, requests) => {
    answer = given
    const error = await storeWith()
      .read('crm~1', how())
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'StoreFault', code })
    expect(received).toHaveLength(requests)
    const shown = `${(error as Error).stack} ${JSON.stringify(error)} ${String((error as Error).cause)}`
    expect(shown).not.toMatch(/marked/)
  })

  it('wants to know the region of credentials that it is given', () => {
    expect(() => dynamoDBStore({ table: 'tokens', credentials: CREDENTIALS })).toThrow(
      new TypeError('dynamoDBStore: option "credentials" wants option "region"'),
    )
  })

  it('without credentials at the time of the request says so, and sends nothing', async () => {
    const error = storeWith({ credentials: () => undefined }).read('crm~1', how())
    await expect(error).rejects.toMatchObject({ code: 'STORE_DENIED', retryable: false })
    expect(received).toHaveLength(0)
  })
})
