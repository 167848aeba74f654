import type { Answer } from './answer.ts'
import { keepConnections } from './connections.ts'
import { failure } from './failure.ts'
import { places } from './places.ts'
import { type Request, textOf } from './request.ts'
import { type Line, send } from './send.ts'
import { opener } from './socket.ts'

/** How many requests are under way at once, at most. */
const MAX_CONNECTIONS = 50

/** How {@link connectionsTo} is set up. */
export interface HttpOptions {
  /** Which headers of an answer are wanted, by their names in lower case. Default none. */
  readonly headers?: readonly string[]
  /** The longest answer that is read, head and all, in bytes. Default 16 MB. */
  readonly maxAnswer?: number
  /**
   * Until the server must have taken a connection, in ms. Neither the preparation of TLS nor its handshake counts: of a
   * small function's share of a processor they take some 200 ms. Default: until the signal aborts.
   */
  readonly connectTimeout?: number
  /** Until an answer must have come, in ms; all else that a request needs counts too. Default: until the signal aborts. */
  readonly answerTimeout?: number
}

/**
 * Sends a request, once. Rejects with an error whose `name` is `AbortError`, `TimeoutError`, `NetworkError` (with the
 * system's `code`), `AnswerTooLong`, `AnswerBroken` or `AnswerUnreadable`: the server may have done what was asked. With
 * `RequestRefused` nothing was sent.
 */
export type Exchange = (request: Request, signal: AbortSignal) => Promise<Answer>

/**
 * Keeps connections to the server of a URL, 50 at most, and sends requests one after the other on each. `node:http` does the
 * same and more, which takes a new environment longer than this file and its neighbors do. Throws `TypeError` for a URL that
 * is neither `http:` nor `https:`.
 *
 * @example
 * ```ts
 * const exchange = connectionsTo(new URL('https://api.example.com'), { headers: ['date'] })
 * const request = { method: 'POST', path: '/', headers: { 'content-type': 'application/json' }, body: '{}' } as const
 * const { status, text } = await exchange(request, AbortSignal.timeout(1_000))
 * ```
 */
export function connectionsTo(url: URL, options: HttpOptions = {}): Exchange {
  const { headers = [], maxAnswer = 16 * 1024 * 1024, connectTimeout, answerTimeout } = options
  if (!/^https?:$/.test(url.protocol)) throw new TypeError('connectionsTo: the URL must be one of http or https')
  const line: Line = {
    connections: keepConnections(opener(url)),
    enter: places(MAX_CONNECTIONS),
    standing: url.protocol === 'http:' ? 'connect' : 'secureConnect',
    headers,
    maxAnswer,
    connectTimeout,
    answerTimeout,
  }
  return async (request, signal) => {
    const text = textOf(request, url.host)
    if (signal.aborted) throw failure('AbortError', 'the call was aborted')
    return send(line, text, signal)
  }
}
