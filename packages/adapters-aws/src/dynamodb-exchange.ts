import type { Agent, IncomingMessage } from 'node:http'
import { patiently } from './patiently.ts'

/** Until a connection must stand, in ms. */
const CONNECTION_TIMEOUT = 300
/** Until an answer must have come, in ms. */
const REQUEST_TIMEOUT = 800
/** The longest answer that is read, in bytes: 16 MB, what DynamoDB gives at most with a batch. */
const MAX_ANSWER = 17 * 1024 * 1024

const builtin = process.getBuiltinModule

/** A request by POST. */
export interface Posted {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

/** An answer, read whole. */
export interface Answer {
  readonly status: number
  readonly date: string | undefined
  readonly text: string
}

/** An error as the SDK would throw it. */
export const failure = (name: string, message: string, status?: number): Error =>
  Object.assign(new Error(message), { name, ...(status !== undefined && { $metadata: { httpStatusCode: status } }) })

/** Reads an answer whole. By events: to iterate over it takes 1.7 ms of a cold start. */
const read = (response: IncomingMessage, resolve: (answer: Answer) => void, reject: (error: Error) => void): void => {
  const chunks: Uint8Array[] = []
  let size = 0
  response.on('data', (chunk: Uint8Array) => {
    size += chunk.byteLength
    if (size > MAX_ANSWER) response.destroy(failure('AnswerTooLong', 'the answer of DynamoDB is too long'))
    else chunks.push(chunk)
  })
  response.on('error', reject)
  response.on('end', () => {
    const { statusCode = 0, headers } = response
    resolve({ status: statusCode, date: headers.date, text: Buffer.concat(chunks).toString('utf8') })
  })
  // After its end this says nothing any more.
  response.on('close', () => reject(failure('AnswerBroken', 'the answer of DynamoDB broke off')))
}

/** The connections to an address, kept for the requests to come. */
export const agentFor = (url: URL): Agent => {
  const { Agent } = url.protocol === 'http:' ? builtin('node:http') : builtin('node:https')
  return new Agent({ keepAlive: true, maxSockets: 50 })
}

/**
 * Sends one request and reads its answer. Rejects when either takes too long, or the signal aborts. By `node:https` and
 * not `fetch`, whose first use takes some 50 ms.
 */
export const exchange = (url: URL, agent: Agent, { headers, body, signal }: Posted): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { request: open } = url.protocol === 'http:' ? builtin('node:http') : builtin('node:https')
    const request = open(url, { method: 'POST', agent, headers })
    const give = (name: string, message: string) => (): void => void request.destroy(failure(name, message))
    // Not the request's own option for it, which takes another ms of a cold start.
    const stop = give('AbortError', 'the call was aborted')
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    const connected = patiently(CONNECTION_TIMEOUT, give('TimeoutError', 'no connection in time'))
    const answered = patiently(REQUEST_TIMEOUT, give('TimeoutError', 'no answer in time'))
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', connected)
      else connected()
    })
    request.on('close', () => {
      connected()
      answered()
      signal.removeEventListener('abort', stop)
    })
    request.on('error', reject)
    // Node ends such a connection without an error, and so without an end of this promise.
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      reject(failure('AnswerUnreadable', 'what answers is no DynamoDB'))
    })
    request.on('response', (response) => read(response, resolve, reject))
    request.end(body)
  })
