import type { Socket } from 'node:net'
import { type Answer, answerReader } from './answer.ts'
import type { Connection, Connections, News } from './connections.ts'
import { failure } from './failure.ts'
import { patiently } from './patiently.ts'
import type { Enter } from './places.ts'

/** What the requests to one server share. */
export interface Line {
  readonly connections: Connections
  readonly enter: Enter
  /** The event that tells that a connection stands. */
  readonly standing: 'connect' | 'secureConnect'
  readonly headers: readonly string[]
  readonly maxAnswer: number
  readonly connectTimeout: number | undefined
  readonly answerTimeout: number | undefined
}

/** Sends the text of a request when its turn has come, and reads the answer. */
export function send(line: Line, text: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { dropIdle, release, take } = line.connections
    let connection: Connection | undefined
    let leave: (() => void) | undefined
    let isSent = false
    let isOver = false
    const finish = (answer: Answer | undefined, error?: unknown): void => {
      if (isOver) return
      isOver = true
      watch.end()
      if (connection !== undefined) release(connection, answer?.isLast === false)
      connection = undefined
      // A freeze in which one connection died seldom spared the others.
      if (answer === undefined && isSent) dropIdle()
      if (answer === undefined) reject(error)
      else resolve(answer)
      leave?.()
    }
    const attempt = (step: () => void): void => {
      try {
        step()
      } catch (error) {
        finish(undefined, error)
      }
    }
    const watch = watchOver(line, signal, (error) => finish(undefined, error))
    const read = answerReader(line.maxAnswer, line.headers)
    const hear = (news: News): void =>
      attempt(() => {
        if (news instanceof Error) throw news
        if (news === undefined && !isSent) throw endedEarly()
        const answer = read(news)
        if (answer !== undefined) finish(answer)
      })
    const begin = (): void => {
      const mine = take()
      const { socket } = mine
      connection = mine
      const write = (): void => {
        if (connection !== mine) return
        isSent = true
        mine.tell = hear
        socket.write(text)
      }
      if (socket.connecting) {
        mine.tell = hear
        watch.connects(socket)
        // Not before: what failed until then was never sent.
        socket.once(line.standing, write)
        return
      }
      // One that was idle may have ended, or have said what nobody asked for. The loop hears of it between these two turns,
      // before the request is sent; another connection takes it then.
      mine.tell = () => {
        release(mine, false)
        attempt(begin)
      }
      setImmediate(() => setImmediate(write))
    }
    leave = line.enter(() => attempt(begin))
    if (isOver) leave()
  })
}

function endedEarly(): Error {
  return failure('NetworkError', 'the connection ended before it stood', 'ECONNRESET')
}

interface Watch {
  /** Says that a connection is under way. */
  readonly connects: (socket: Socket) => void
  readonly end: () => void
}

/** Watches over the limits of time of a request, and over its signal. */
function watchOver(
  { connectTimeout, answerTimeout }: Line,
  signal: AbortSignal,
  giveUp: (error: Error) => void,
): Watch {
  const limit = (ms: number | undefined, message: string): (() => void) =>
    ms === undefined ? () => {} : patiently(ms, () => giveUp(failure('TimeoutError', message)))
  const stop = (): void => giveUp(failure('AbortError', 'the call was aborted'))
  let connected = (): void => {}
  const answered = limit(answerTimeout, 'no answer in time')
  signal.addEventListener('abort', stop)
  return {
    connects: (socket) => {
      connected = limit(connectTimeout, 'no connection in time')
      socket.once('connect', connected)
    },
    end: () => {
      connected()
      answered()
      signal.removeEventListener('abort', stop)
    },
  }
}
