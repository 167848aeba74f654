import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ServerTime } from '../contracts.ts'
import { builtin } from '../lib/builtin.ts'
import { asFields } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline } from '../lib/timing.ts'
import { stopwatch } from './stopwatch.ts'

/** How many connections are open to one server, at most. More requests wait for a free one. */
const MAX_CONNECTIONS = 50
/**
 * How long an idle connection is used again, in ms. A freeze may have killed it without a word, and a request on it would
 * take a whole timeout.
 */
const MAX_IDLE = 4_000
const DROP_ALL = -1
/** The longest head of an answer, in bytes. Set here, so that no flag of the process makes it longer. */
const MAX_HEAD = 16 * 1024
const MAX_ANSWER = 16 * 1024 * 1024

/** Tabs and printable ASCII: no line break, which could start another header. */
const HEADER_VALUE = /^[\t -~]*$/

/** How {@link createPost} is set up. */
export interface PostOptions {
  /** An agent, such as that of a proxy. Default: one that keeps up to 50 connections alive. */
  readonly agent?: Agent | undefined
  /** The longest body of an answer, in bytes. Default 16 MB. */
  readonly maxAnswer?: number
  /**
   * How long the server may take to accept a connection, in ms. TLS does not count: with a small function's share of a
   * processor it takes some 200 ms. Default: until the signal aborts.
   */
  readonly connectTimeout?: number
  /** How long the whole request may take, in ms. Default: until the signal aborts. */
  readonly answerTimeout?: number
}

/** A request. */
export interface PostRequest {
  /** Default `POST`. */
  readonly method?: 'POST' | 'DELETE'
  /** The path with its query. Default: that of the URL. */
  readonly path?: string
  /** The headers. `content-length` is added. */
  readonly headers: Readonly<Record<string, string>>
  /** The body, sent as UTF-8. */
  readonly body: string
}

/** An answer, read completely. */
export interface Answer {
  readonly status: number
  /** The headers by their names in lower case. */
  readonly headers: IncomingMessage['headers']
  /** The body, read as UTF-8. */
  readonly text: string
}

/**
 * Sends a request once and resolves to the answer, whatever its status. Rejects with an error that shows nothing of either,
 * and whose `name` is `AbortError`, `TimeoutError`, `NetworkError` (with the system's `code`), `AnswerTooLong`,
 * `AnswerBroken` or `AnswerUnreadable`: the server may have done what was asked. With `RequestRefused` and
 * `RequestUnsupported` nothing was sent.
 */
export type Post = (request: PostRequest, signal: AbortSignal) => Promise<Answer>

/**
 * Makes what sends POST requests to the server of a URL, over connections that are kept for the requests to come. It uses
 * `node:https` or `node:http`, which are loaded with the first request, so that whatever instruments them sees the requests. Throws
 * `TypeError` for a URL that is neither `http:` nor `https:`.
 *
 * @example
 * ```ts
 * const post = createPost(new URL('https://api.example.com'), { answerTimeout: 800 })
 * const { status, text } = await post({ headers: { 'content-type': 'application/json' }, body: '{}' }, signal)
 * ```
 */
export function createPost(url: URL, options: PostOptions = {}): Post {
  if (!/^https?:$/.test(url.protocol)) throw new TypeError('createPost: the URL must be an http(s) URL')
  const { answerTimeout } = options
  let agent = options.agent
  return async (request, signal) => {
    if (signal.aborted) throw aborted()
    if (!Object.values(request.headers).every((value) => HEADER_VALUE.test(value))) throw refused()
    agent ??= makeAgent(url)
    if (dropIdle(agent, MAX_IDLE)) await heard()
    const how = { url, request, agent, options }
    if (answerTimeout === undefined) return send(how, signal)
    const result = await withDeadline(systemRuntime, { ms: answerTimeout, signal, patient: true }, (inner) =>
      send(how, inner),
    )
    if (result.outcome === 'done') return result.value
    if (result.outcome === 'failed') throw result.cause
    throw result.outcome === 'aborted' ? aborted() : failure('TimeoutError', 'no answer in time')
  }
}

function makeAgent({ protocol }: URL): Agent {
  const { Agent: KeepAlive } = protocol === 'https:' ? builtin('https') : builtin('http')
  return new KeepAlive({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS })
}

/** The age of each idle connection that was used here. */
const ages = new WeakMap<Socket, () => number>()

/**
 * Closes the connections that have been idle for longer than `maxIdle` ms. Returns whether others are left. Those that an
 * agent of the user's has from elsewhere are not touched.
 */
function dropIdle({ freeSockets = {} }: Partial<Agent>, maxIdle: number): boolean {
  let left = false
  for (const socket of Object.values(freeSockets).flatMap((sockets) => [...(sockets ?? [])])) {
    const age = ages.get(socket)?.()
    if (age !== undefined && age > maxIdle) socket.destroy()
    else left = true
  }
  return left
}

/** Lets the event loop hear that an idle connection has ended, before a request is sent on it. */
function heard(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

interface Sending {
  readonly url: URL
  readonly request: PostRequest
  readonly agent: Agent
  readonly options: PostOptions
}

function send({ url, request, agent, options }: Sending, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = begin(url, request, agent)
    if (sent instanceof Error) return reject(sent)
    let isOver = false
    const finish = (result: Answer | Error): void => {
      if (isOver) return
      isOver = true
      signal.removeEventListener('abort', stop)
      if (result instanceof Error) {
        // The freeze in which one connection died rarely spared the others.
        if (sent.socket?.connecting === false) dropIdle(agent, DROP_ALL)
        sent.destroy()
        reject(result)
      } else resolve(result)
    }
    const stop = (): void => finish(aborted())
    signal.addEventListener('abort', stop)
    sent.on('socket', (socket) => watchConnect(socket, options.connectTimeout, finish))
    sent.on('response', (response) => readAnswer(response, options.maxAnswer ?? MAX_ANSWER, finish))
    sent.on('error', (error: NodeJS.ErrnoException) => finish(networkError(error)))
    // Such as after an answer that wants to change the protocol.
    sent.on('close', () => finish(failure('AnswerBroken', 'the connection was closed')))
    sent.end(request.body)
  })
}

/** Begins a request. What Node refuses it with would quote the header or the path. */
function begin(url: URL, { method = 'POST', path, headers, body }: PostRequest, agent: Agent): ClientRequest | Error {
  const { request } = url.protocol === 'https:' ? builtin('https') : builtin('http')
  const length = { 'content-length': String(Buffer.byteLength(body)) }
  const fixed = { method, agent, maxHeaderSize: MAX_HEAD, insecureHTTPParser: false }
  try {
    return request(url, { ...fixed, ...(path !== undefined && { path }), headers: { ...headers, ...length } })
  } catch (error) {
    // workerd has `node:https`, but not all of its options.
    const isUnsupported = asFields(error)?.['code'] === 'ERR_OPTION_NOT_IMPLEMENTED'
    return isUnsupported ? failure('RequestUnsupported', 'this runtime has only a part of node:https') : refused()
  }
}

function watchConnect(socket: Socket, ms: number | undefined, finish: (error: Error) => void): void {
  if (ms === undefined || !socket.connecting) return
  const connected = new Promise<void>((resolve) => {
    socket.once('connect', resolve)
    socket.once('close', resolve)
  })
  withDeadline(systemRuntime, { ms, patient: true }, () => connected).then(({ outcome }) => {
    if (outcome === 'timed-out') finish(failure('TimeoutError', 'no connection in time'))
  })
}

function readAnswer(response: IncomingMessage, maxAnswer: number, finish: (result: Answer | Error) => void): void {
  const pieces: Uint8Array[] = []
  let length = 0
  const { socket, statusCode: status = 0, headers } = response
  const tooLong = (): void => finish(failure('AnswerTooLong', `the answer is longer than ${maxAnswer} bytes`))
  if (Number(headers['content-length'] ?? 0) > maxAnswer) {
    tooLong()
    return
  }
  response.on('data', (piece: Buffer) => {
    length += piece.length
    if (length > maxAnswer) tooLong()
    else pieces.push(piece)
  })
  response.on('error', () => finish(failure('AnswerBroken', 'the answer broke off')))
  response.on('end', () => {
    ages.set(socket, stopwatch())
    finish({ status, headers, text: Buffer.concat(pieces).toString('utf8') })
  })
}

/** The error for what Node says: never its own, which keeps the bytes that could not be parsed. */
function networkError({ code = '', message }: NodeJS.ErrnoException): Error {
  if (code.startsWith('HPE_')) return failure('AnswerUnreadable', 'the answer is not HTTP')
  // With several addresses Node's error has no message.
  return Object.assign(failure('NetworkError', message || `no address answers (${code})`), code !== '' && { code })
}

function failure(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}
function aborted(): Error {
  return failure('AbortError', 'the call was aborted')
}
function refused(): Error {
  return failure('RequestRefused', 'the path or a header of the request holds a character that is not allowed')
}

/** The precision of an HTTP `Date` header, in ms: it counts whole seconds, rounded down. */
const DATE_PRECISION = 1_000

/** Reads the `Date` header of an answer. `undefined` when there is none, or none that is a date. */
export function parseServerDate(header: string | undefined): ServerTime | undefined {
  const at = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(at) ? undefined : { at, precision: DATE_PRECISION }
}
