import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'

const HOST = '127.0.0.1'

/** A request as it passes. */
export interface Passing {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

/** An answer on its way back. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What a gate does. */
export interface GateOptions {
  /** Where requests go: an `http:` address. */
  readonly target: string
  /** Sees each request. It goes on when this resolves. */
  onRequest?(request: Passing): void | Promise<void>
  /** Sees each answer, and may change it. */
  onAnswer?(request: Passing, answer: Answer): Answer
}

/** A gate that stands before a server: it sees all that passes, holds it, or lets nothing through. */
export interface Gate {
  readonly url: string
  /** Whether connections are cut, as if nobody were there. */
  shut: boolean
  close(): Promise<void>
}

/** Puts a gate before a server, on a free loopback port. */
export async function startGate({ target, onRequest, onAnswer }: GateOptions): Promise<Gate> {
  const agent = new Agent({ keepAlive: true })
  const pass = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (gate.shut) return void response.destroy()
    const { method = 'GET', url: path = '/', headers } = incoming
    const passing = { method, path, headers }
    const body = await collect(incoming)
    await onRequest?.(passing)
    const answer = await forward({ target, agent, passing, body })
    const { status, headers: given, body: text } = onAnswer?.(passing, answer) ?? answer
    const { 'transfer-encoding': _one, connection: _other, ...rest } = given
    response.writeHead(status, { ...rest, 'content-length': text.length }).end(text)
  }
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy())
  })
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, HOST, resolve)
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the gate is not on a port')
  const gate: Gate = {
    url: `http://${HOST}:${bound.port}`,
    shut: false,
    close: () =>
      new Promise((resolve) => {
        agent.destroy()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return gate
}

function forward(of: { target: string; agent: Agent; passing: Passing; body: Buffer }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method, path, headers } = of.passing
    const sent = request(new URL(path, of.target), { method, headers, agent: of.agent })
    sent.once('error', reject)
    sent.once('response', (response) => {
      const { statusCode: status = 0, headers: received } = response
      collect(response).then((body) => resolve({ status, headers: received, body }), reject)
    })
    sent.end(of.body)
  })
}

async function collect(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}
