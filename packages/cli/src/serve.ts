/** Serves a handler of a function URL on this machine, for this machine alone. @module */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AdminAnswer } from '@warmtoken/core/admin'
import { OperatorError } from './exit.ts'

/** The longest body of a request, in bytes. */
const MAX_BODY = 16_384
/** Names of this machine: another one may have been bound to 127.0.0.1 by a page that wants in. */
const LOCAL_HOST = /^(localhost|127\.0\.0\.1)(:\d{1,5})?$/i

/** A request in payload format 2.0, as far as the admin function reads it. */
export interface Payload {
  readonly version: '2.0'
  readonly rawPath: string
  readonly queryStringParameters: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly requestContext: { readonly http: { readonly method: string; readonly sourceIp: string } }
  readonly body: string
}

/** Answers a request. */
export type Answering = (payload: Payload) => Promise<AdminAnswer>

/** Serves until the signal aborts. Resolves to the address once it listens; `closed` resolves at the end. */
export async function serveLocally(
  answer: Answering,
  port: number,
  signal: AbortSignal,
): Promise<{ readonly url: string; readonly closed: Promise<unknown> }> {
  const server = createServer((request, response) => {
    respond(answer, request, response).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  const listening = once(server, 'listening')
  await listening.catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new OperatorError(`port ${port} is in use; name another by --port`) : error
  })
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}/`
  const closed = once(server, 'close')
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  if (signal.aborted) close()
  signal.addEventListener('abort', close, { once: true })
  return { url, closed }
}

async function respond(answer: Answering, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { host = '' } = request.headers
  if (!LOCAL_HOST.test(host)) return void response.writeHead(403).end()
  const body = await readBody(request)
  if (body === undefined) return void response.writeHead(413, { connection: 'close' }).end()
  const url = new URL(request.url ?? '/', 'http://localhost')
  const headers = Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(',')] as const)
  const {
    statusCode,
    headers: given,
    body: text,
    isBase64Encoded,
  } = await answer({
    version: '2.0',
    rawPath: url.pathname,
    queryStringParameters: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(headers),
    requestContext: {
      http: { method: request.method ?? 'GET', sourceIp: request.socket.remoteAddress ?? '' },
    },
    body,
  })
  response.writeHead(statusCode, given)
  response.end(isBase64Encoded === true ? Buffer.from(text, 'base64') : text)
}

/** `undefined`: it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > MAX_BODY) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}
