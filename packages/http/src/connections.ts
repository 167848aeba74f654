import type { Socket } from 'node:net'
import { failure, networkError } from './failure.ts'
import type { Connect } from './socket.ts'

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

/** Keeps the connections that a server leaves open. Those that are idle keep no process alive. */
export const keepConnections = (connect: Connect): Connections => {
  const idle: Connection[] = []

  const drop = (connection: Connection): void => {
    const index = idle.indexOf(connection)
    if (index >= 0) idle.splice(index, 1)
    connection.socket.destroy()
  }

  const open = (): Connection => {
    // To one that is idle nothing is to come, but its end.
    const tell = (news: News): void => (connection.tell === undefined ? drop(connection) : connection.tell(news))
    const connection: Connection = { socket: connect(tell), tell: undefined }
    connection.socket.on('error', (error) => tell(networkError(error))).on('end', () => tell(undefined))
    // No end of an answer: whoever has one was told it before.
    connection.socket.on('close', () => tell(failure('AnswerBroken', 'the connection was closed')))
    return connection
  }

  return {
    take: () => {
      let connection = idle.pop()
      // What was ended a moment ago may not have told yet.
      while (connection?.socket.writable === false) connection = idle.pop()
      connection ??= open()
      connection.socket.ref()
      return connection
    },
    release: (connection, isKept) => {
      connection.tell = undefined
      connection.socket.unref()
      // Before the request has gone out, nobody can say what becomes of its rest.
      if (isKept && connection.socket.writableLength === 0) idle.push(connection)
      else connection.socket.destroy()
    },
    dropIdle: () => {
      for (const { socket } of idle.splice(0)) socket.destroy()
    },
  }
}
