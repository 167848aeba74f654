import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Worker } from 'node:worker_threads'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DynamoDBStoreOptions, dynamoDBStore } from './index.ts'

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

let server: Server
let endpoint = ''
let received: Received[] = []
interface Given {
  readonly status: number
  readonly body: string
  readonly headers?: { readonly [name: string]: string }
}
let answer: Given | ((request: Received) => Given) = { status: 200, body: '{}' }

beforeEach(async () => {
  received = []
  answer = { status: 200, body: '{}' }
  server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    const one = { headers: request.headers, body: Buffer.concat(chunks).toString('utf8') }
    received.push(one)
    const { status, body, headers } = typeof answer === 'function' ? answer(one) : answer
    response.writeHead(status, headers).end(body)
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
function how() {
  return { signal: AbortSignal.timeout(5_000), consistent: true }
}
function storeWith(options: Partial<DynamoDBStoreOptions> = {}) {
  return dynamoDBStore({ table: 'tokens', endpoint, region: 'eu-central-1', credentials: CREDENTIALS, ...options })
}

function hmac(key: string | Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest()
}
function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The signature of a request by AWS Signature Version 4, worked out from its documentation. */
function signatureOf({ headers, body }: Received, secret: string): string {
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
    const store = dynamoDBStore({ table: 'tokens', env: environment })
    await store.read('crm~1', how())
    environment['AWS_ACCESS_KEY_ID'] = 'SECOND'
    await store.read('crm~1', how())
    const scopes = received.map(({ headers }) => /Credential=(\w+)\/\d+\/([\w-]+)/.exec(headers.authorization ?? ''))
    expect(scopes.map((scope) => scope?.slice(1))).toEqual([
      ['FIRST', 'eu-west-3'],
      ['SECOND', 'eu-west-3'],
    ])
  })

  it('ends when the server wants to speak something else', async () => {
    server.prependListener('request', (request) => {
      request.socket.write('HTTP/1.1 101 Other\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n')
    })
    await expect(storeWith().read('crm~1', how())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
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

  it('requires a region with credentials', () => {
    expect(() => dynamoDBStore({ table: 'tokens', credentials: CREDENTIALS })).toThrow(
      new TypeError('dynamoDBStore: option "credentials" requires "region"'),
    )
  })

  it('takes credentials or a client, not both', () => {
    const client = (): never => {
      throw new Error('not asked for')
    }
    expect(() => storeWith({ client })).toThrow(TypeError)
    expect(() => storeWith({ client })).toThrow('"client"')
  })

  it('without credentials at the time of the request says so, and sends nothing', async () => {
    const error = storeWith({ credentials: () => undefined }).read('crm~1', how())
    await expect(error).rejects.toMatchObject({ code: 'STORE_DENIED', retryable: false })
    expect(received).toHaveLength(0)
  })
  it('knows that a write without credentials, or with some that no header may hold, was not done', async () => {
    const swap = { expected: undefined, body: 'body', tag: 'tag', keepUntil: Date.now() + 60_000 }
    for (const credentials of [async () => undefined, { ...CREDENTIALS, sessionToken: 'marked\n' }]) {
      const call = storeWith({ credentials }).swap('key', swap, { signal: AbortSignal.timeout(5_000) })
      await expect(call).rejects.toMatchObject({ code: 'STORE_DENIED', retryable: false })
    }
    expect(received).toHaveLength(0)
  })

  it('takes nothing but texts for a record', async () => {
    answer = { status: 200, body: '{"Item":{"body":{"S":5},"tag":{"S":["marked"]}}}' }
    expect((await storeWith().read('key', how())).image).toEqual({ body: '', tag: '' })
  })

  it('says by the system’s word why nobody can be reached', async () => {
    const there = endpoint
    await new Promise((resolve) => server.close(resolve))
    const call = storeWith({ endpoint: there }).read('key', how())
    await expect(call).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: /NetworkError \(ECONNREFUSED\)$/ })
  })

  it('waits for credentials no longer than the signal says', async () => {
    for (const isAborted of [false, true]) {
      const controller = new AbortController()
      if (isAborted) controller.abort()
      const store = storeWith({
        credentials: () => {
          controller.abort()
          return new Promise(() => {})
        },
      })
      const reading = store.read('crm~1', { signal: controller.signal, consistent: true })
      await expect(reading).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    }
    expect(received).toHaveLength(0)
  })
})

const MINUTE = 60_000
/** The instant of `20260102T030405Z`. */
function instantOf(stamp: unknown): number {
  return Date.parse(String(stamp).replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
}

/** A server whose clock is so far ahead of ours, and which takes signatures of five minutes about it, as AWS does. */
function ahead(lead: () => number, refusal = 'InvalidSignatureException') {
  return ({ headers }: Received): Given => {
    const now = Date.now() + lead()
    const date = new Date(now).toUTCString()
    return Math.abs(instantOf(headers['x-amz-date']) - now) < 5 * MINUTE
      ? { status: 200, body: '{}', headers: { date } }
      : { status: 400, body: `{"__type":"com.amazon.coral.service#${refusal}"}`, headers: { date } }
  }
}

describe('a clock that is wrong', () => {
  it.each([
    [20, 'InvalidSignatureException'],
    [-20, 'InvalidSignatureException'],
    [20, 'RequestExpired'],
    [-20, 'RequestTimeTooSkewed'],
  ])('by %i minutes is corrected after %s, and from then on at once', async (minutes, refusal) => {
    answer = ahead(() => minutes * MINUTE, refusal)
    const store = storeWith()
    await store.read('crm~1', how())
    expect(received).toHaveLength(2)
    for (const request of received)
      expect(request.headers.authorization).toContain(signatureOf(request, CREDENTIALS.secretAccessKey))
    await store.read('crm~1', how())
    expect(received).toHaveLength(3)
  })

  it('is corrected for requests that are in progress together', async () => {
    answer = ahead(() => 20 * MINUTE)
    const store = storeWith()
    await Promise.all(Array.from({ length: 8 }, () => store.read('crm~1', how())))
  })

  it('is corrected again when it has come right', async () => {
    let lead = 20 * MINUTE
    answer = ahead(() => lead)
    const store = storeWith()
    await store.read('crm~1', how())
    lead = 0
    await store.read('crm~1', how())
    expect(received).toHaveLength(4)
  })

  it('does not keep a write from being known as written', async () => {
    answer = ahead(() => 20 * MINUTE)
    const wanted = { expected: undefined, body: 'x', tag: 'first', keepUntil: Date.now() + 60 * MINUTE }
    expect(await storeWith().swap('crm~1', wanted, how())).toMatchObject({ outcome: 'swapped' })
    expect(received).toHaveLength(2)
  })

  it.each([
    ['is right', () => Date.now(), 1],
    ['is unknown', () => Number.NaN, 1],
    ['differs each time', () => Date.now() + 60 * MINUTE * received.length, 2],
  ])('is not blamed forever: where the time of the server %s', async (_name, now, requests) => {
    const body = '{"__type":"x#InvalidSignatureException"}'
    answer = () => ({ status: 400, body, headers: { date: new Date(now()).toUTCString() } })
    const reading = storeWith().read('crm~1', how())
    await expect(reading).rejects.toMatchObject({ code: 'STORE_DENIED', retryable: false })
    expect(received).toHaveLength(requests)
  })
})

describe('a process that is starved of its processor', () => {
  it('reads the answer that came in time before it gives up', async () => {
    const elsewhere = new Worker(
      `const { createServer } = require('node:http')
      let requests = 0
      const server = createServer((request, response) => {
        requests += 1
        request.resume().on('end', () => response.end(JSON.stringify({ Item: { pk: { S: 'a' }, body: { S: String(requests) }, tag: { S: 't' } } })))
      }).listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port))`,
      { eval: true },
    )
    try {
      const [port] = await once(elsewhere, 'message')
      const store = storeWith({ endpoint: `http://127.0.0.1:${port}` })
      await store.read('a', how())
      const read = store.read('a', how())
      // The request goes out, then nothing is read for longer than an answer may take.
      await new Promise((resolve) => setImmediate(resolve))
      for (const until = Date.now() + 1_200; Date.now() < until; );
      expect((await read).image?.body).toBe('2')
    } finally {
      await elsewhere.terminate()
    }
  })
})

describe('a swap whose first attempt got no answer, and whose repeat met the write of another', () => {
  const other = { pk: { S: 'k' }, body: { S: '{}' }, tag: { S: 'of-another' } }
  const unmet = JSON.stringify({ __type: 'x#ConditionalCheckFailedException', message: 'failed', Item: other })
  const swap = { expected: undefined, body: '{}', tag: 'mine', keepUntil: Date.now() + 60_000 }
  const stores = {
    'the client of this package': () => storeWith(),
    'a client of the SDK': () => {
      const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials: CREDENTIALS })
      return dynamoDBStore({ table: 'tokens', client })
    },
  }

  it.each(Object.entries(stores))('is in doubt, for that write may have followed it: %s', async (_name, open) => {
    answer = () => (received.length === 1 ? { status: 503, body: '' } : { status: 400, body: unmet })
    const swapped = await open().swap('k', swap, how())
    expect(received).toHaveLength(2)
    expect(swapped).toMatchObject({ outcome: 'unknown', cause: { retryable: true } })
  })

  it.each(Object.entries(stores))('is a conflict where every attempt was answered: %s', async (_name, open) => {
    answer = { status: 400, body: unmet }
    expect(await open().swap('k', swap, how())).toMatchObject({
      outcome: 'conflict',
      seen: { image: { tag: 'of-another' } },
    })
  })
})
