import { createServer, type IncomingMessage, type Server } from 'node:http'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type DynamoDBStoreOptions, dynamoDBStore } from './index.ts'
import { regionalEndpoint } from './open.ts'

let server: Server
let endpoint = ''
let received: IncomingMessage['headers'][] = []

beforeEach(async () => {
  received = []
  server = createServer((request, response) => {
    received.push(request.headers)
    request.resume().on('end', () => response.writeHead(200).end('{}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

function read(options: Omit<DynamoDBStoreOptions, 'table'>): Promise<unknown> {
  return dynamoDBStore({ table: 'tokens', ...options }).read('crm~1', {
    signal: AbortSignal.timeout(5_000),
    consistent: true,
  })
}
function bySdk(): readonly boolean[] {
  return received.map(({ 'user-agent': agent }) => agent?.includes('aws-sdk-js') === true)
}
function signers(): readonly unknown[] {
  return received.map(({ authorization = '' }) => /Credential=(\w+)\/\d+\/([\w-]+)/.exec(authorization)?.slice(1))
}

/** Where the SDK finds the table of a region. */
function endpointOfSdk(region: string): string {
  const { endpointProvider } = new DynamoDBClient({ region }).config
  return endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false }).url.origin
}

describe('the endpoint of a region', () => {
  it.each([
    'us-east-1',
    'eu-central-1',
    'ap-southeast-5',
    'il-central-1',
    'mx-central-1',
    'us-gov-west-1',
    'cn-north-1',
  ])('in %s is the one that the SDK finds', (region) => {
    expect(regionalEndpoint(region)).toBe(endpointOfSdk(region))
  })

  it.each([
    'us-iso-east-1',
    'us-isob-east-1',
    'us-isof-south-1',
    'eu-isoe-west-1',
    'eusc-de-east-1',
    'us-east-1-fips',
    'local',
    'eu-west-1.example.org/?-1',
    '',
  ])('in %j is left to the SDK', (region) => {
    expect(regionalEndpoint(region)).toBeUndefined()
  })
})

describe('an endpoint in the environment', () => {
  it.each([
    ['AWS_ENDPOINT_URL', { AWS_ENDPOINT_URL: 'localhost:8000' }],
    ['AWS_ENDPOINT_URL', { AWS_ENDPOINT_URL: 'http://' }],
    ['AWS_ENDPOINT_URL_DYNAMODB', { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_DYNAMODB: 'marked' }],
  ])('is refused by the name %s when it is not a URL', async (name, environment) => {
    await expect(read({ env: { ...environment, AWS_REGION: 'eu-central-1' } })).rejects.toMatchObject({
      name: 'StoreFault',
      code: 'STORE_REFUSED',
      retryable: false,
      message: `DynamoDB: the environment variable ${name} is not an http(s) URL`,
    })
    expect(received).toEqual([])
  })

  it('is not looked at where there is another, or a client', async () => {
    const settings = { region: 'eu-central-1', credentials: { accessKeyId: 'GIVEN', secretAccessKey: 'x' } }
    const env = { AWS_ENDPOINT_URL: 'localhost:8000' }
    await read({ ...settings, env, endpoint })
    await read({ env, client: new DynamoDBClient({ ...settings, endpoint }) })
    expect(received).toHaveLength(2)
  })
})

describe('the store on DynamoDB', () => {
  it('leaves a region whose endpoint it does not know to the SDK, and hands it region and credentials', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', endpoint)
    const credentials = { accessKeyId: 'GIVEN', secretAccessKey: 'x' }
    await read({ region: 'us-iso-east-1', credentials })
    await read({
      env: { AWS_REGION: 'eusc-de-east-1', AWS_ACCESS_KEY_ID: 'FOUND', AWS_SECRET_ACCESS_KEY: 'x' },
    })
    expect(bySdk()).toEqual([true, true])
    expect(signers()).toEqual([
      ['GIVEN', 'us-iso-east-1'],
      ['FOUND', 'eusc-de-east-1'],
    ])
  })

  it('has the SDK ask for credentials with every request too', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', endpoint)
    let current: string | undefined
    const credentials = () => (current === undefined ? undefined : { accessKeyId: current, secretAccessKey: 'x' })
    const store = dynamoDBStore({ table: 'tokens', region: 'us-iso-east-1', credentials })
    const how = () => ({ signal: AbortSignal.timeout(5_000), consistent: true })
    await expect(store.read('crm~1', how())).rejects.toMatchObject({ code: 'STORE_DENIED', retryable: false })
    for (current of ['FIRST', 'SECOND']) await store.read('crm~1', how())
    expect(signers()).toEqual([
      ['FIRST', 'us-iso-east-1'],
      ['SECOND', 'us-iso-east-1'],
    ])
  })

  it('knows the endpoint of any region when it is told', async () => {
    await read({ region: 'us-iso-east-1', endpoint, credentials: { accessKeyId: 'GIVEN', secretAccessKey: 'x' } })
    expect(bySdk()).toEqual([false])
  })

  // The SDK refuses to mix these with your own endpoint, which is how it can be told here that they reached it.
  it.each([
    ['AWS_USE_FIPS_ENDPOINT', 'true', /FIPS/],
    ['AWS_USE_FIPS_ENDPOINT', 'TRUE', /FIPS/],
    ['AWS_USE_DUALSTACK_ENDPOINT', 'true', /Dualstack/],
  ])('leaves %s=%s to the SDK', async (name, value, refusal) => {
    const env = { AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL: endpoint, [name]: value }
    const reading = read({ env, credentials: { accessKeyId: 'GIVEN', secretAccessKey: 'x' } })
    await expect(reading).rejects.toMatchObject({ cause: { message: expect.stringMatching(refusal) } })
    expect(received).toEqual([])
  })

  it('needs no SDK where they are off', async () => {
    const off = { AWS_USE_FIPS_ENDPOINT: 'false', AWS_USE_DUALSTACK_ENDPOINT: '' }
    const env = { AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL: endpoint, ...off }
    await read({ env, credentials: { accessKeyId: 'GIVEN', secretAccessKey: 'x' } })
    expect(bySdk()).toEqual([false])
  })
})
