import type { IncomingMessage, RequestOptions } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Store } from '@warmtoken/core'
import { serverTime } from './clock.ts'
import { doubt } from './doubt.ts'
import type { AwsCredentials, DynamoDBStoreOptions } from './dynamodb.ts'
import { dynamoDBCalls } from './dynamodb-calls.ts'
import type { Item, Output, Send, Sent, Unmet } from './dynamodb-send.ts'
import { isOpen, isPassing, sdkError } from './failure.ts'

/** As the settings of the SDK clients of this package: these are part of the protocol. */
const ATTEMPTS = 3
/** Until a connection must stand, in ms. */
const CONNECTION_TIMEOUT = 300
/** Until an answer must have come, in ms. */
const REQUEST_TIMEOUT = 800
/** The pause before the next attempt, in ms: doubled each time, and spread. */
const FIRST_PAUSE = 25
/** The longest answer that is read, in bytes: 16 MB, what DynamoDB gives at most with a batch. */
const MAX_ANSWER = 17 * 1024 * 1024

const builtin = process.getBuiltinModule

/** SHA-256 as the signer wants it, on Node's own. */
class Sha256 {
  readonly #hash: import('node:crypto').Hash | import('node:crypto').Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const { createHash, createHmac } = builtin('node:crypto')
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {}
}

const bytesOf = (data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array => {
  if (typeof data === 'string') return data
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}

/** An answer, read whole. */
interface Answer {
  readonly status: number
  readonly date: string | undefined
  readonly text: string
}

/** An error as the SDK would throw it. */
const failure = (name: string, message: string, status?: number): Error =>
  Object.assign(new Error(message), { name, ...(status !== undefined && { $metadata: { httpStatusCode: status } }) })

const read = async (response: IncomingMessage): Promise<Answer> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Uint8Array).byteLength
    if (size > MAX_ANSWER) throw failure('AnswerTooLong', 'the answer of DynamoDB is too long')
    chunks.push(chunk as Uint8Array)
  }
  if (!response.complete) throw failure('AnswerBroken', 'the answer of DynamoDB broke off')
  const { statusCode = 0, headers } = response
  return { status: statusCode, date: headers.date, text: Buffer.concat(chunks).toString('utf8') }
}

/** Sends one request and reads its answer. Rejects when either takes too long, or the signal aborts. */
const exchange = (url: URL, options: RequestOptions, body: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { request: open } = url.protocol === 'http:' ? builtin('node:http') : builtin('node:https')
    const request = open(url, options)
    const give = (name: string, message: string) => (): void => void request.destroy(failure(name, message))
    const connecting = setTimeout(give('TimeoutError', 'no connection in time'), CONNECTION_TIMEOUT)
    const answering = setTimeout(give('TimeoutError', 'no answer in time'), REQUEST_TIMEOUT)
    const connected = (): void => clearTimeout(connecting)
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', connected)
      else connected()
    })
    request.on('close', () => {
      clearTimeout(connecting)
      clearTimeout(answering)
    })
    request.on('error', reject)
    request.on('response', (response) => {
      read(response).then(resolve, reject)
    })
    request.end(body)
  })

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null

/** The JSON of an answer; what the parser says of it would quote a record. */
const parse = ({ text, status }: Answer): { readonly [name: string]: unknown } => {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Below.
  }
  throw failure('AnswerUnreadable', 'the answer of DynamoDB is not JSON', status >= 400 ? status : undefined)
}

const understand = (answer: Answer): Sent | Unmet => {
  const fields = parse(answer)
  const time = serverTime(answer.date)
  if (answer.status === 200) return { output: fields as Output, time }
  const type = String(fields['__type'] ?? `HTTP ${answer.status}`)
  const name = type.slice(type.lastIndexOf('#') + 1)
  if (name === 'ConditionalCheckFailedException') return { unmet: fields['Item'] as Item, time }
  throw failure(/^[\w ]{1,100}$/.test(name) ? name : 'Error', 'DynamoDB refused the request', answer.status)
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(failure('AbortError', 'the call was aborted'))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })

/**
 * The store's calls by signed requests of our own, without the SDK: a new environment has its first answer some 50 ms
 * sooner, for the SDK takes that long to load. `node:https` and not `fetch`, whose first use takes as long again.
 */
export const callsOf = ({
  table,
  region = '',
  endpoint,
  credentials,
}: DynamoDBStoreOptions): Required<Omit<Store, 'name' | 'open'>> => {
  const url = new URL(endpoint ?? `https://dynamodb.${region}.amazonaws.com`)
  const { Agent } = url.protocol === 'http:' ? builtin('node:http') : builtin('node:https')
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  const current = async (): Promise<AwsCredentials> => {
    const given = typeof credentials === 'function' ? await credentials() : credentials
    if (given === undefined) throw failure('CredentialsProviderError', 'there are no credentials')
    return given
  }
  const signer = new SignatureV4({ service: 'dynamodb', region, credentials: current, sha256: Sha256 })

  const attempt = async (operation: string, body: string, signal: AbortSignal): Promise<Sent | Unmet> => {
    const headers = {
      host: url.host,
      'content-type': 'application/x-amz-json-1.0',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    }
    const { hostname, protocol } = url
    const unsigned = { method: 'POST', hostname, protocol, path: '/', query: {}, headers, body }
    const signed = await signer.sign(unsigned)
    return understand(await exchange(url, { method: 'POST', agent, signal, headers: signed.headers }, body))
  }

  const send: Send = async (operation, input, signal) => {
    const body = JSON.stringify(input)
    let isDoubted = false
    for (let count = 1; ; count += 1) {
      try {
        return await attempt(operation, body, signal)
      } catch (error) {
        const cause = error instanceof Error ? error : failure('Error', 'the request failed')
        isDoubted ||= isOpen(cause)
        const isWorthwhile = count < ATTEMPTS && !signal.aborted && isPassing(cause) && !isRefused(cause)
        if (!isWorthwhile) throw isDoubted ? doubt(cause) : cause
        await pause(FIRST_PAUSE * 2 ** count * Math.random(), signal).catch((late: Error) => {
          throw isDoubted ? doubt(late) : late
        })
      }
    }
  }
  return dynamoDBCalls(table, send)
}

/** No credentials will be there the next moment either. */
const isRefused = (error: Error): boolean => sdkError(error).name === 'CredentialsProviderError'
