import { connect } from 'node:net'
import type { Command, Reply } from '../reply.ts'
import { parseReply } from './parse-reply.ts'

/** Where a Redis server listens. */
export interface RedisAddress {
  /** Default 127.0.0.1. */
  readonly host?: string
  readonly port: number
}

/** One connection to a Redis server. */
export interface RespConnection {
  /** Writes all commands in one piece, so that no others come between; rejects when the connection breaks. */
  send(commands: readonly Command[]): Promise<readonly Reply[]>
  /** Whether it can still be used. */
  readonly open: boolean
  /** Cuts the connection; what is in progress is rejected. */
  close(): void
}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/**
 * Connects to a Redis server. A reply nobody asked for, i.e. a published message, goes to `onPush`.
 * A connection that cannot be made shows as a rejection of the first `send`.
 */
export function connectRedis(
  { host = '127.0.0.1', port }: RedisAddress,
  onPush: (reply: Reply) => void = () => undefined,
): RespConnection {
  const socket = connect({ host, port, noDelay: true })
  const waiting: Waiting[] = []
  let received: Buffer = Buffer.alloc(0)
  let failure: Error | undefined

  /** Writes go out together at the end of the turn: each on its own would wake the server, which costs more than its work. */
  const write = (bytes: Buffer): void => {
    if (socket.writableCorked === 0) {
      socket.cork()
      setImmediate(() => socket.uncork())
    }
    socket.write(bytes)
  }
  const fail = (error: Error): void => {
    failure ??= error
    socket.destroy()
    for (const each of waiting.splice(0)) each.reject(failure)
  }
  const drain = (): void => {
    for (let parsed = parseReply(received); parsed; parsed = parseReply(received)) {
      received = received.subarray(parsed.next)
      const first = waiting.shift()
      if (first) first.resolve(parsed.reply)
      else onPush(parsed.reply)
    }
  }

  socket.on('data', (piece: Buffer) => {
    received = received.length === 0 ? piece : Buffer.concat([received, piece])
    try {
      drain()
    } catch (error) {
      fail(error instanceof Error ? error : new Error('The reply could not be read'))
    }
  })
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('The connection to Redis is closed')))

  return {
    get open() {
      return failure === undefined
    },
    send: async (commands) => {
      if (failure) throw failure
      const replies = commands.map(() => new Promise<Reply>((resolve, reject) => waiting.push({ resolve, reject })))
      write(Buffer.concat(commands.map(encodeCommand)))
      return await Promise.all(replies)
    },
    close: () => fail(new Error('The connection to Redis was closed')),
  }
}

function encodeCommand(command: Command): Buffer {
  const parts = command.flatMap((word) => [Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`*${command.length}\r\n`), ...parts])
}
