import { createServer, type IncomingHttpHeaders } from 'node:http'

/** A request as the API saw it. */
export interface Received {
  readonly method: string
  /** The path with the query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is answered. */
export interface Answer {
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string
}

/** An API that answers as its script says and keeps what it was sent. */
export interface ScriptedApi {
  readonly url: string
  readonly received: Received[]
  script: (request: Received) => Answer
  close(): Promise<unknown>
}

/** Starts one on loopback. It answers 200 until its script is set. */
export async function startScriptedApi(): Promise<ScriptedApi> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = '', url: path = '', headers } = request
    const one: Received = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') }
    received.push(one)
    const { status = 200, headers: more = {}, body = 'answer' } = api.script(one)
    response.writeHead(status, { ...more }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const api: ScriptedApi = {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    received,
    script: () => ({}),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
  return api
}
