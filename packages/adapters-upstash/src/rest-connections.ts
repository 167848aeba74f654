import type { Socket } from 'node:net'
import { failure } from './failure.ts'
import { type Answer, answerReader } from './rest-answer.ts'
import { opener } from './rest-socket.ts'

/** How many requests are under way at once, at most. */
const MAX_CONNECTIONS = 50

/** Sends the text of a request, once. Rejects when no whole answer comes, or when the signal aborts. */
export type Exchange = (request: string, signal: AbortSignal) => Promise<Answer>

/** A connection, and who is told what comes: bytes, an error, or `undefined` for its end. */
interface Connection {
  readonly socket: Socket
  tell: ((news: Buffer | Error | undefined) => void) | undefined
}

/**
 * Keeps connections to one server, and sends requests one after the other on each. `node:http` does the same, but what it
 * does besides is more than half of the processor time that a request takes in a new environment.
 */
export const connectionsTo = (address: URL): Exchange => {
  const idle = new Set<Connection>()
  const queue: (() => void)[] = []
  let busy = 0
  const connect = opener(address)

  const drop = (connection: Connection): void => {
    idle.delete(connection)
    connection.socket.destroy()
  }

  const open = (): Connection => {
    // To one that is idle nothing is to come, but its end.
    const tell = (news: Buffer | Error | undefined): void =>
      connection.tell === undefined ? drop(connection) : connection.tell(news)
    const connection: Connection = { socket: connect(tell), tell: undefined }
    connection.socket.on('error', tell)
    connection.socket.on('end', () => tell(undefined)).on('close', () => tell(undefined))
    return connection
  }

  const send = (connection: Connection, request: string, signal: AbortSignal): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const read = answerReader()
      const stop = (): void => finish(undefined, failure('AbortError', 'the call was aborted'))
      const finish = (answer: Answer | undefined, error: unknown): void => {
        connection.tell = undefined
        signal.removeEventListener('abort', stop)
        if (answer?.isLast === false) idle.add(connection)
        else connection.socket.destroy()
        connection.socket.unref()
        // A freeze in which one connection died seldom spared the others.
        if (answer === undefined) for (const other of idle) drop(other)
        if (answer === undefined) reject(error)
        else resolve(answer)
      }
      connection.tell = (news) => {
        try {
          if (news instanceof Error) throw failure('NetworkError', 'the request failed', news)
          const answer = read(news)
          if (answer !== undefined) finish(answer, undefined)
        } catch (error) {
          finish(undefined, error)
        }
      }
      signal.addEventListener('abort', stop, { once: true })
      connection.socket.ref().write(request)
    })

  return async (request, signal) => {
    if (busy < MAX_CONNECTIONS) busy += 1
    else await new Promise<void>((resolve) => queue.push(resolve))
    try {
      if (signal.aborted) throw failure('AbortError', 'the call was aborted')
      const [connection = open()] = idle
      idle.delete(connection)
      return await send(connection, request, signal)
    } finally {
      // The place goes to whoever waits longest, or is free.
      const next = queue.shift()
      if (next === undefined) busy -= 1
      else next()
    }
  }
}
