import type { Socket } from 'node:net'
import { failure, networkError } from './failure.ts'
import type { Connect } from './socket.ts'

/**
 * How long a connection is used again after its last answer, in ms. An environment that was frozen since may have lost it
 * without a word, and to ask on it would take a whole time-out; `fetch` of Node keeps one as long.
 */
const MAX_IDLE = 4_000

/** What a connection tells: bytes, an error, or `undefined` for its end. */
export type News = Buffer | Error | undefined

/** A connection, and who is told what comes. */
export interface Connection {
  readonly socket: Socket
  tell: ((news: News) => void) | undefined
}

/** Connections to one server, one request at a time on each. */
export interface Connections {
  /** One for a request: the one used last of those that are idle, for it is the least likely to have died; or a new one. */
  readonly take: () => Connection
  /** Takes it back: keeps it for another request, or ends it. */
  readonly release: (connection: Connection, isKept: boolean) => void
  /** Ends all that are idle. */
  readonly dropIdle: () => void
}

/** How long ago, in ms: the larger of what two clocks tell, for one may stop in a freeze and the other may step. */
function stopwatch(): () => number {
  const steady = (): number => Number(process.hrtime.bigint() / 1_000_000n)
  const [wallStart, steadyStart] = [Date.now(), steady()]
  return () => Math.max(Date.now() - wallStart, steady() - steadyStart)
}

/** Keeps the connections that a server leaves open. Those that are idle keep no process alive. */
export function keepConnections(connect: Connect): Connections {
  const idle: { readonly connection: Connection; readonly age: () => number }[] = []

  const dropIdle = (): void => {
    for (const { connection } of idle.splice(0)) connection.socket.destroy()
  }

  const drop = (connection: Connection): void => {
    const index = idle.findIndex((one) => one.connection === connection)
    if (index >= 0) idle.splice(index, 1)
    connection.socket.destroy()
  }

  const begun = (tell: (news: News) => void): Socket => {
    try {
      return connect(tell)
    } catch (error) {
      throw networkError(error as Error)
    }
  }

  const open = (): Connection => {
    // To one that is idle nothing is to come, but its end.
    const tell = (news: News): void => (connection.tell === undefined ? drop(connection) : connection.tell(news))
    const connection: Connection = { socket: begun(tell), tell: undefined }
    connection.socket.on('error', (error) => tell(networkError(error))).on('end', () => tell(undefined))
    // No end of an answer: whoever has one was told it before.
    connection.socket.on('close', () => tell(failure('AnswerBroken', 'the connection was closed')))
    return connection
  }

  return {
    take: () => {
      const last = idle.pop()
      // Those before it are older still.
      if (last !== undefined && last.age() > MAX_IDLE) {
        last.connection.socket.destroy()
        dropIdle()
      }
      // What was ended a moment ago may not have told yet: whoever takes it finds out.
      const connection = last === undefined || last.connection.socket.destroyed ? open() : last.connection
      connection.socket.ref()
      return connection
    },
    release: (connection, isKept) => {
      connection.tell = undefined
      connection.socket.unref()
      // Before the request has gone out, nobody can say what becomes of its rest.
      if (isKept && connection.socket.writableLength === 0) idle.push({ connection, age: stopwatch() })
      else connection.socket.destroy()
    },
    dropIdle,
  }
}
