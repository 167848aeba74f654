import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { storeFault } from './failure.ts'

/** The longest answer that is read, in bytes. */
const MAX_ANSWER = 16 * 1024 * 1024
/** How many requests are under way at once, at most. */
const MAX_SOCKETS = 50

const builtin = process.getBuiltinModule

/** An answer, read whole. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** What the database wants to see again, so that a replica does not answer before it has heard of our writes. */
  readonly syncToken: string
}

/** Sends a body once. Rejects when no whole answer comes, or when the signal aborts. */
type Post = (body: string, syncToken: string, signal: AbortSignal) => Promise<Answer>

/** An error of a name that tells what failed. */
export const failure = (name: string, message: string, cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { name })

/** Makes what sends to a database. Throws a fault when the URL is none, or the token no header. */
export const poster = (url: string, token: string): Post => {
  const address = URL.parse(url)
  if (address === null || !/^https?:$/.test(address.protocol)) throw storeFault(failure('UrlError', 'no URL'))
  const { Agent, request: open } = address.protocol === 'http:' ? builtin('node:http') : builtin('node:https')
  const authorization = `Bearer ${token}`
  checkHeader(authorization)
  const agent: Agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS })
  const headers = { authorization, 'content-type': 'application/json' }
  return (body, syncToken, signal) => {
    const more = { 'content-length': Buffer.byteLength(body), 'upstash-sync-token': syncToken }
    const options = { method: 'POST', agent, headers: { ...headers, ...more } }
    return answerTo(() => open(address, options), body, signal)
  }
}

/** Such as a line's end that was copied with the token. What Node would throw at the first request says nothing of it. */
const checkHeader = (authorization: string): void => {
  try {
    builtin('node:http').validateHeaderValue('authorization', authorization)
  } catch {
    throw storeFault(failure('TokenError', 'no token'))
  }
}

const answerTo = (open: () => ClientRequest, body: string, signal: AbortSignal): Promise<Answer> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(failure('AbortError', 'the call was aborted'))
    const request = open()
    const stop = (): void => void request.destroy(failure('AbortError', 'the call was aborted'))
    signal.addEventListener('abort', stop, { once: true })
    request.on('close', () => signal.removeEventListener('abort', stop))
    request.on('error', (cause) =>
      reject(cause.name === 'Error' ? failure('NetworkError', 'the request failed', cause) : cause),
    )
    // Node ends such a connection without an error, and so without an end of this promise.
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      reject(failure('NetworkError', 'the server speaks something else'))
    })
    request.on('response', (response) => read(response, resolve, reject))
    request.end(body)
  })

const read = (response: IncomingMessage, resolve: (answer: Answer) => void, reject: (error: Error) => void): void => {
  let text = ''
  response.setEncoding('utf8')
  response.on('data', (piece: string) => {
    text += piece
    if (text.length > MAX_ANSWER) response.destroy(failure('AnswerTooLong', 'the answer is too long'))
  })
  response.on('error', (cause) =>
    reject(cause.name === 'Error' ? failure('NetworkError', 'the answer broke off', cause) : cause),
  )
  response.on('end', () => {
    const { statusCode = 0, headers } = response
    const { 'upstash-sync-token': syncToken } = headers
    resolve({ status: statusCode, text, syncToken: typeof syncToken === 'string' ? syncToken : '' })
  })
}
