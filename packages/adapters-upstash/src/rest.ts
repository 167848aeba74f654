import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { storeFault } from './failure.ts'
import type { Ask } from './run.ts'

/** The pause before the one repeat of a request that got no answer, in ms. */
const REPEAT_AFTER = 20
/** The longest answer that is read, in bytes. */
const MAX_ANSWER = 16 * 1024 * 1024
/** How many requests are under way at once, at most. */
const MAX_SOCKETS = 50

const builtin = process.getBuiltinModule

/** An answer, read whole. */
interface Answer {
  readonly status: number
  readonly text: string
  /** What the database wants to see again, so that a replica does not answer before it has heard of our writes. */
  readonly syncToken: string
}

/** Sends a body once. Rejects when no whole answer comes, or when the signal aborts. */
type Post = (body: string, syncToken: string, signal: AbortSignal) => Promise<Answer>

const failure = (name: string, message: string, cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { name })

/**
 * Asks by Upstash's REST API, without `@upstash/redis`: its `fetch` takes a new environment some 50 ms at first use, and
 * each request twice the processor time of `node:https`. Throws a fault when the URL is none, or the token no header.
 */
export const askByRest = (url: string, token: string): Ask => {
  const post = poster(url, token)
  let syncToken = ''
  return async (name, script, { keys, args, signal }) => {
    const body = JSON.stringify([name, script, keys.length, ...keys, ...args])
    const answer = await post(body, syncToken, signal).catch(async (error: unknown) => {
      await pause(signal)
      // A script knows its own repeat; an abort is not repeated.
      if (signal.aborted) throw error
      return post(body, syncToken, signal)
    })
    syncToken = answer.syncToken
    return resultOf(answer)
  }
}

const poster = (url: string, token: string): Post => {
  const address = URL.parse(url)
  if (address === null || !/^https?:$/.test(address.protocol)) throw storeFault(failure('UrlError', 'no URL'))
  const { Agent, request: open } = address.protocol === 'http:' ? builtin('node:http') : builtin('node:https')
  const authorization = `Bearer ${token}`
  checkHeader(authorization)
  const agent: Agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS })
  const headers = { authorization, 'content-type': 'application/json' }
  return (body, syncToken, signal) => {
    const length = Buffer.byteLength(body)
    return answerTo(
      () =>
        open(address, {
          method: 'POST',
          agent,
          headers: { ...headers, 'content-length': length, 'upstash-sync-token': syncToken },
        }),
      body,
      signal,
    )
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

/** What the command gave. Throws what the server says of one that failed, or that it says nothing that can be read. */
const resultOf = ({ status, text }: Answer): unknown => {
  // Whoever stands before the database may say it in words of their own.
  if (status === 401) throw failure('UpstashError', 'Unauthorized')
  const cause = status === 200 ? undefined : { code: `HTTP ${status}` }
  const json = parse(text)
  if (json === undefined) throw failure('AnswerUnreadable', 'the answer is not JSON', cause)
  if (status === 200 && json.error === undefined) return json.result
  throw failure('UpstashError', String(json.error), cause)
}

const parse = (text: string): { readonly result?: unknown; readonly error?: unknown } | undefined => {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? json : undefined
  } catch {
    // What the parser says would quote a record.
    return undefined
  }
}

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, signal.aborted ? 0 : REPEAT_AFTER)
    signal.addEventListener('abort', done)
  })
