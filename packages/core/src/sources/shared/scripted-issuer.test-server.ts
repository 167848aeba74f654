import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'

/** A request as the issuer got it. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: URLSearchParams
  /** The body as it came. */
  readonly text: string
}

/** Answers one request; what it does with the response is the test's affair. */
export type Script = (response: ServerResponse, received: Received) => void

/** An issuer whose answers a test chooses. */
export interface ScriptedIssuer {
  readonly url: string
  /** All requests so far, oldest first. */
  readonly received: readonly Received[]
  close(): Promise<void>
}

/** Starts a real HTTP server on a free loopback port that answers every request by the script. */
export async function startScriptedIssuer(script: Script): Promise<ScriptedIssuer> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = '', url: path = '', headers } = request
    const text = Buffer.concat(chunks).toString('utf8')
    const one = { method, path, headers, body: new URLSearchParams(text), text }
    received.push(one)
    script(response, one)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen')
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A script that answers with JSON, or with the text as it is. */
export function answer(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Script {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}
