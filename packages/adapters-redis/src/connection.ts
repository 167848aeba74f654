import { abortable, stopwatch, storeFault, withDeadline } from '@warmtoken/core/adapter'
import { isAnswer, isReadOnly } from './calls/faults.ts'
import type { Link } from './link.ts'

/** How long connecting may take, in ms, TLS included. It does not count as the store's time: see `open` of a store. */
const CONNECT_TIME = 1_000
/** A connection that was idle for so long, in ms, is not used again: a freeze may have killed it. */
const IDLE_LIMIT = 4_000

/** Where requests are sent. */
export interface Connection {
  readonly link: Link
  /** Whether a request may be sent on it. */
  isUsable(): boolean
  /** Makes a request. Rejects when it has no answer within `limit` ms, when the signal aborts, or when the connection is lost. */
  use<T>(
    request: (link: Link) => Promise<T>,
    ends: { readonly limit?: number; readonly signal: AbortSignal },
  ): Promise<T>
  /** Lets the requests in progress end, takes no more, then ends the client. */
  retire(): void
}

/** Keeps one connection. Resolves to it, at once while it is usable, else when there is a new one. */
export function keepConnection(connect: () => Promise<Link>): () => Promise<Connection> {
  let current: Connection | undefined
  let opening: Promise<Connection> | undefined

  const begin = async (): Promise<Connection> => {
    current?.retire()
    current = ownConnection(await connectWithin(connect))
    return current
  }

  return async () => {
    if (current?.isUsable() === true) return current
    opening ??= begin().finally(() => {
      opening = undefined
    })
    return opening
  }
}

/** Connects. What comes too late is ended. */
async function connectWithin(connect: () => Promise<Link>): Promise<Link> {
  let made: Link | undefined
  let isLate = false
  const connecting = async (): Promise<Link> => {
    made = await connect()
    if (isLate) made.end()
    else await made.connect()
    return made
  }
  try {
    return await withDeadline(CONNECT_TIME, undefined, connecting)
  } catch (error) {
    isLate = true
    made?.end()
    throw timedOut(error) ?? error
  }
}

function timedOut(error: unknown): Error | undefined {
  if (!(error instanceof Error) || error.name !== 'TimeoutError') return undefined
  const why = `no connection within ${CONNECT_TIME} ms; check the address, its security group, and whether it wants TLS`
  return storeFault(`Redis: ${why}`, { code: 'STORE_UNAVAILABLE', retryable: true })
}

/** A connection that nobody else uses. */
function ownConnection(link: Link): Connection {
  const lost = new AbortController()
  let requests = 0
  let isRetired = false
  let idleTime = stopwatch()

  const endWhenFree = (): void => {
    if (isRetired && requests === 0) link.end()
  }
  const retire = (): void => {
    if (isRetired) return
    isRetired = true
    clearTimeout(idle)
    endWhenFree()
  }
  // Nothing is sent on it later, so it need not keep a server or a process busy.
  const idle = setTimeout(retire, IDLE_LIMIT).unref()
  link.whenLost((error) => {
    lost.abort(error ?? Object.assign(new Error('the connection was lost'), { name: 'ConnectionLost' }))
    retire()
  })

  return {
    link,
    isUsable: () => !isRetired && link.isReady() && idleTime() < IDLE_LIMIT,
    async use(request, { limit, signal }) {
      const send = (): ReturnType<typeof request> => abortable(request(link), lost.signal)
      requests += 1
      try {
        const answer = await (limit === undefined ? abortable(send(), signal) : withDeadline(limit, signal, send))
        idleTime = stopwatch()
        idle.refresh()
        return answer
      } catch (error) {
        // The next request would wait behind the answer that is owed; and a replica serves nobody.
        if (!isAnswer(error) || isReadOnly(error)) retire()
        throw error
      } finally {
        requests -= 1
        endWhenFree()
      }
    },
    retire,
  }
}

/** The client that the application uses too. It is never ended here, and repairs its connection on its own. */
export function shareConnection(link: Link): () => Promise<Connection> {
  let connecting: Promise<void> | undefined
  const connection: Connection = {
    link,
    isUsable: link.isReady,
    use: (request, { signal }) => abortable(request(link), signal),
    retire() {},
  }
  return async () => {
    if (link.isReady()) return connection
    connecting ??= withDeadline(CONNECT_TIME, undefined, link.connect).finally(() => {
      connecting = undefined
    })
    await connecting
    return connection
  }
}
