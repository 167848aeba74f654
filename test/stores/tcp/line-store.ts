import { connect, type Socket } from 'node:net'
import type { ServerTime, Store, Swapped } from '@warmtoken/core/adapter'
import { asFields, isStoreFault, parseJson, storeFault } from '@warmtoken/core/adapter'
import type { LineRequest } from './line-server.ts'

/** What authors of stores get wrong; each must be noticed by the suite. */
export type Mistake =
  | 'keeps a connection on which an answer is owed'
  | 'listens to no error of a connection'
  | 'keeps connections that were cut'
  | 'keeps the other connections when one is dead'
  | 'shows its password'
  | 'returns the clock of this process'
  | 'takes the refusal of a repeat for that of the write'
  | 'asks for no expiry'
  | 'rejects a write that may have been applied'

/** A store over the line server that keeps its connections, right except for the mistakes. */
export function lineStore(port: number, password: string, mistakes: readonly Mistake[] = []): Store {
  const has = (mistake: Mistake): boolean => mistakes.includes(mistake)
  const idle: Connection[] = []

  const open = async (signal: AbortSignal): Promise<Connection> => {
    const connection = createConnection(port, {
      deaf: has('listens to no error of a connection'),
      onEnd: (ended) => {
        if (!has('keeps connections that were cut')) forget(idle, ended)
      },
    })
    try {
      await connection.ask(`AUTH ${password}`, signal)
    } catch (error) {
      connection.socket.destroy()
      throw error
    }
    return connection
  }

  /** One attempt: on a connection of its own, which serves again only when its answer has come. */
  const attempt = async (request: LineRequest, signal: AbortSignal): Promise<unknown> => {
    const connection = idle.pop() ?? (await open(signal))
    try {
      const line = await connection.ask(JSON.stringify(request), signal)
      idle.push(connection)
      return parseJson(line)
    } catch (error) {
      if (has('keeps a connection on which an answer is owed') && signal.aborted) idle.push(connection)
      else if (has('keeps connections that were cut')) idle.push(connection)
      else connection.socket.destroy()
      // Whatever made this one silent may have met the others too.
      if (!has('keeps the other connections when one is dead'))
        for (const other of idle.splice(0)) {
          if (other === connection && has('keeps a connection on which an answer is owed')) idle.push(other)
          else if (has('keeps connections that were cut')) idle.push(other)
          else other.socket.destroy()
        }
      throw error
    }
  }

  /** One request, repeated once when no answer came. `isLost`: an attempt may have been applied without being seen. */
  const call = async (request: LineRequest, signal: AbortSignal): Promise<{ answer: unknown; isLost: boolean }> => {
    try {
      return { answer: refuse(await attempt(request, signal), false), isLost: false }
    } catch (error) {
      if (isStoreFault(error)) throw error
      if (signal.aborted) throw unavailable(error)
      const again = await attempt(request, signal).catch((second: unknown) => {
        throw unavailable(second)
      })
      return { answer: refuse(again, true), isLost: true }
    }
  }

  /** Throws for the words of a server that refuses. */
  const refuse = (answer: unknown, isLost: boolean): unknown => {
    const error = asFields(answer)?.['error']
    if (typeof error !== 'string') return answer
    const text = has('shows its password') ? `line store: ${error}, password ${password}` : `line store: ${error}`
    const known: { readonly [word: string]: string } = { DENIED: 'STORE_DENIED', MISSING: 'STORE_MISSING' }
    const code = known[error] ?? 'STORE_UNAVAILABLE'
    throw Object.assign(storeFault(text, { code, retryable: code === 'STORE_UNAVAILABLE' }), { isLost })
  }

  const timeOf = (answer: unknown): ServerTime | undefined =>
    has('returns the clock of this process')
      ? { at: Date.now(), precision: 0 }
      : (asFields(answer)?.['time'] as ServerTime | undefined)

  return {
    name: 'lines',
    async read(key, { signal }) {
      const { answer } = await call({ op: 'read', key }, signal)
      const image = asFields(asFields(answer)?.['image'])
      return {
        image: image === undefined ? undefined : { body: String(image['body']), tag: String(image['tag']) },
        time: timeOf(answer),
      }
    },
    async swap(key, swap, { signal }) {
      const keepUntil = has('asks for no expiry') ? Number.NaN : swap.keepUntil
      try {
        const { answer } = await call({ op: 'swap', key, swap: { ...swap, keepUntil } }, signal)
        const swapped = answer as Swapped
        if (swapped.outcome === 'swapped') return { ...swapped, time: timeOf(answer) }
        return swapped
      } catch (cause) {
        const { isLost = false, retryable } = cause as { readonly isLost?: boolean; readonly retryable?: boolean }
        const isRefused = retryable === false && (!isLost || has('takes the refusal of a repeat for that of the write'))
        if (isRefused || has('rejects a write that may have been applied')) throw cause
        return { outcome: 'unknown', cause }
      }
    },
  }
}

function unavailable(cause: unknown): Error {
  return storeFault('line store: no answer', { code: 'STORE_UNAVAILABLE', retryable: true, cause })
}

function forget(idle: Connection[], ended: Connection): void {
  const index = idle.indexOf(ended)
  if (index >= 0) idle.splice(index, 1)
}

interface Connection {
  readonly socket: Socket
  /** Sends a line and resolves to the next one that comes. */
  ask(line: string, signal: AbortSignal): Promise<string>
}

interface ConnectionOptions {
  readonly deaf: boolean
  readonly onEnd: (connection: Connection) => void
}

function createConnection(port: number, { deaf, onEnd }: ConnectionOptions): Connection {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let text = ''
  let take: ((line: string) => void) | undefined
  const connection: Connection = {
    socket,
    ask: (line, signal) =>
      new Promise((resolve, reject) => {
        const fail = (): void => finish(() => reject(new Error('the connection ended')))
        const stop = (): void => finish(() => reject(new Error('the call was aborted')))
        const finish = (end: () => void): void => {
          take = undefined
          socket.off('close', fail)
          socket.off('error', fail)
          signal.removeEventListener('abort', stop)
          end()
        }
        if (signal.aborted || socket.destroyed) return reject(new Error('not sent'))
        take = (answer) => finish(() => resolve(answer))
        socket.on('close', fail).on('error', fail)
        signal.addEventListener('abort', stop)
        socket.write(`${line}\n`)
      }),
  }
  socket.on('data', (piece: string) => {
    text += piece
    const end = text.indexOf('\n')
    if (end < 0) return
    const line = text.slice(0, end)
    text = text.slice(end + 1)
    take?.(line)
  })
  if (!deaf) socket.on('error', () => undefined)
  socket.on('close', () => onEnd(connection))
  return connection
}
