import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Connections, FeedRequest, SocketAnswer } from '@warmtoken/core/live'
import { type Socket, WebSocketServer } from 'ws'

type Handler = (event: unknown) => Promise<SocketAnswer>
type Authorizer = (event: unknown) => Promise<{ readonly context?: object }>

/** A WebSocket API in this process: it calls a handler as API Gateway does. */
export interface Gateway {
  readonly ws: string
  readonly sse: string
  readonly connections: Connections
  /** How many sockets are open. */
  count(): number
  /** Cuts every socket and stream without a word. */
  cut(): void
  /** What was posted so far, by connection. */
  readonly posted: readonly (readonly [connection: string, text: string])[]
  close(): Promise<void>
}

/** What stands behind the gateway; set before the first client connects. */
export interface Behind {
  handler?: Handler
  authorizer?: Authorizer
  feed?: (request: FeedRequest) => Promise<void>
}

/** Starts the gateway. Its sockets are real; a post to one that is gone is answered `gone`. */
export async function startGateway(behind: Behind): Promise<Gateway> {
  const open = new Map<string, Socket>()
  const streams = new Set<() => void>()
  const posted: [string, string][] = []
  const admitted = new WeakMap<IncomingMessage, Admission>()

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const gone = new AbortController()
    const cut = (): void => void response.destroy()
    streams.add(cut)
    response.on('close', () => {
      streams.delete(cut)
      gone.abort()
    })
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const write = (text: string): void => void response.write(text)
    await behind.feed?.({ body: Buffer.concat(chunks).toString(), write, signal: gone.signal }).catch(() => cut())
    response.end()
  })

  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => [...offered][0] ?? false,
    verifyClient: ({ req }, done) => {
      admit(req, behind).then(
        (admission) => {
          if (typeof admission === 'number') return done(false, admission)
          admitted.set(req, admission)
          done(true)
        },
        () => done(false, 500),
      )
    },
  })
  sockets.on('connection', (socket, request) => {
    const { id, authorizer } = admitted.get(request) ?? { id: '', authorizer: undefined }
    open.set(id, socket)
    const call = (routeKey: string, body?: string) =>
      behind.handler?.({ requestContext: { routeKey, connectionId: id, authorizer }, body })
    socket.on('message', (data) => {
      call('$default', data.toString())?.then(
        (answer) => answer.body !== undefined && socket.send(answer.body),
        () => socket.send('{"message":"Internal server error"}'),
      )
    })
    socket.on('close', () => {
      open.delete(id)
      call('$disconnect')?.catch(() => undefined)
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    ws: `ws://127.0.0.1:${port}`,
    sse: `http://127.0.0.1:${port}/`,
    count: () => open.size,
    posted,
    connections: {
      name: 'test',
      async post(connection, text) {
        posted.push([connection, text])
        const socket = open.get(connection)
        socket?.send(text)
        return socket === undefined ? 'gone' : 'sent'
      },
      async close(connection) {
        open.get(connection)?.close()
      },
    },
    cut() {
      for (const socket of open.values()) socket.terminate()
      for (const end of streams) end()
    },
    async close() {
      sockets.close()
      for (const socket of open.values()) socket.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Admission {
  readonly id: string
  readonly authorizer: object
}

/** The authorizer, then `$connect`; a status for a refusal. */
async function admit(request: IncomingMessage, behind: Behind): Promise<Admission | number> {
  const ticket = new URL(request.url ?? '/', 'http://localhost').searchParams.get('ticket')
  const methodArn = 'arn:aws:execute-api:us-east-1:1:api/dev/$connect'
  const { context } = (await behind.authorizer?.({ methodArn, queryStringParameters: { ticket } })) ?? {}
  if (context === undefined) return 403
  const id = `${randomUUID()}=`
  const requestContext = { routeKey: '$connect', connectionId: id, authorizer: context }
  const answer = await behind.handler?.({ requestContext, headers: request.headers })
  return answer?.statusCode === 200 ? { id, authorizer: context } : (answer?.statusCode ?? 500)
}
