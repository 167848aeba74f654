import { createServer, type IncomingMessage } from 'node:http'

/** What a server sends back. `hang`: nothing. `break`: the beginning of an answer, then the end of the connection. */
export type Reply =
  | 'hang'
  | 'break'
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string | Buffer }

/** A request as it arrived: its head and body as one text. */
export interface Received {
  readonly authorization: string
  readonly text: string
}

/** A server that answers as it is told. */
export interface AnsweringServer {
  readonly url: string
  readonly received: Received[]
  /**
   * Gives the answer to a request; may be set again at any time. `carries` says whether a token is in its address or
   * headers.
   */
  answer: (request: { readonly path: string; carries(token: string): boolean }) => Reply
  /** Breaks all connections, so that requests which hang come to an end. */
  drop(): void
  close(): Promise<void>
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** JSON as an answer. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
}

/** Starts a server on a free loopback port. */
export async function startServer(): Promise<AnsweringServer> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const body = await readAll(request).catch(() => '')
    const { method, url: path = '', headers } = request
    const { authorization = '', ...others } = headers
    received.push({ authorization, text: [method, path, JSON.stringify(others), body].join('\n') })
    const values = [...new URL(path, 'http://local').searchParams.values(), ...Object.values(headers).map(String)]
    const carries = (token: string): boolean => values.some((value) => value.endsWith(token))
    const reply = self.answer({ path, carries })
    if (reply === 'hang') return
    if (reply === 'break') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"acc')
      return void setImmediate(() => response.destroy())
    }
    response.writeHead(reply.status ?? 200, reply.headers ?? {})
    response.end(reply.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen')
  const self: AnsweringServer = {
    url: `http://127.0.0.1:${address.port}`,
    received,
    answer: () => ({ status: 404, body: '' }),
    drop: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self
}
