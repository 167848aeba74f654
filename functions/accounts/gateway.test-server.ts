import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A handler as Lambda calls it. */
export type Handler = (event: never, context: never) => Promise<unknown>

interface Answer {
  readonly statusCode?: number
  readonly headers?: Readonly<Record<string, string | number | boolean>>
  readonly cookies?: readonly string[]
  readonly body?: string
}

/** Serves handlers by route, as an HTTP API does: `GET /devices`, `DELETE /devices/{id}`. Everything else is 404. */
export async function startGateway(routes: { readonly [route: string]: Handler }) {
  const server = createServer(async (request, response) => {
    const method = request.method ?? ''
    const path = (request.url ?? '').split('?')[0] ?? ''
    const [route, handler] = Object.entries(routes).find(([one]) => isRoute(one, method, path)) ?? []
    if (route === undefined || handler === undefined) return response.writeHead(404).end()
    const event = await eventOf(request, { route, method, path })
    try {
      const answer = (await handler(event as never, { getRemainingTimeInMillis: () => 10_000 } as never)) as Answer
      for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, String(value))
      if (answer.cookies) response.setHeader('set-cookie', [...answer.cookies])
      return response.writeHead(answer.statusCode ?? 200).end(answer.body)
    } catch (error) {
      return response.writeHead(500).end(String(error))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function isRoute(route: string, method: string, path: string): boolean {
  const [wanted, template = ''] = route.split(' ')
  return wanted === method && new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path)
}

async function eventOf(
  request: IncomingMessage,
  { route, method, path }: { readonly route: string; readonly method: string; readonly path: string },
) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { cookie, ...headers } = request.headers
  return {
    version: '2.0',
    routeKey: route,
    rawPath: path,
    headers,
    ...(cookie !== undefined && { cookies: cookie.split('; ') }),
    pathParameters: { id: path.split('/').at(-1) },
    requestContext: { http: { method, path, sourceIp: request.socket.remoteAddress ?? '' }, stage: '$default' },
    body: Buffer.concat(chunks).toString(),
    isBase64Encoded: false,
  }
}
