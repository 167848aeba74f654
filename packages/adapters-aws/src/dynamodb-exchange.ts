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
    const request = open(url, { method: 'POST', agent, signal, headers })
    const give = (message: string) => (): void => void request.destroy(failure('TimeoutError', message))
    const connected = patiently(CONNECTION_TIMEOUT, give('no connection in time'))
    const answered = patiently(REQUEST_TIMEOUT, give('no answer in time'))
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', connected)
      else connected()
    })
    request.on('close', () => {
      connected()
      answered()
    })
    request.on('error', reject)
    // Node ends such a connection without an error, and so without an end of this promise.
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      reject(failure('AnswerUnreadable', 'what answers is no DynamoDB'))
    })
    request.on('response', (response) => {
      read(response).then(resolve, reject)
    })
    request.end(body)
  })
