import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'

/** The longest body of a function URL, in bytes. */
const MAX_BODY = 6 * 1024 * 1024

type StreamHandler = (event: object, response: Writable, context: object) => Promise<void>

interface Head {
  readonly statusCode?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Where the head of an answer waits until its first part. */
const heads = new WeakMap<Writable, (head: Head) => void>()

// What the runtime defines for functions that stream.
Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: StreamHandler) => handler,
    HttpResponseStream: {
      from(response: Writable, head: Head) {
        heads.get(response)?.(head)
        return response
      },
    },
  },
})

const { file, port } = workerData as { readonly file: string; readonly port: number }
const { handler } = (await import(pathToFileURL(file).href)) as { readonly handler: StreamHandler }

function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > MAX_BODY) resolve(undefined)
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // As the gateway does for `cors: true`.
  response.setHeader('access-control-allow-origin', '*')
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { 'access-control-allow-headers': '*', 'access-control-allow-methods': '*' }).end()
    return
  }
  const body = await bodyOf(request)
  if (body === undefined) {
    response.writeHead(413).end()
    return
  }
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      response.write(chunk, done)
    },
    final(done) {
      response.end(done)
    },
  })
  heads.set(stream, ({ statusCode = 200, headers = {} }) => response.writeHead(statusCode, headers).flushHeaders())
  // AWS does not end a function whose viewer has left; here it costs nothing to.
  response.on('close', () => stream.destroy())
  const { method, url = '/', headers } = request
  const event = {
    version: '2.0',
    rawPath: url,
    headers,
    body,
    isBase64Encoded: false,
    requestContext: { http: { method } },
  }
  await handler(event, stream, { getRemainingTimeInMillis: () => 75_000 })
}

createServer((request, response) => {
  answer(request, response).catch(() => response.destroy())
}).listen(port, '127.0.0.1', () => parentPort?.postMessage('ready'))
