import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** The largest answer that Lambda accepts, in bytes. */
const MAX_PAYLOAD = 6 * 1024 * 1024
const ROOT = '/2018-06-01/runtime'
const ACCOUNT = '123456789012'

/** One invocation on its way to the runtime. */
export interface Delivery {
  readonly requestId: string
  readonly event: unknown
  /** When it must be over, in ms since 1970 on the clock of the environment. */
  readonly deadline: number
  /** By how much the clock of the environment is ahead of the system's, in ms; left out where it cannot be moved. */
  readonly clock: number | undefined
}

/** What the runtime reports. */
export interface RuntimeReports {
  /** A thread of it waits for work. */
  onNext(): void
  /** A handler has answered. */
  onAnswer(requestId: string, body: string): void
  /** A handler has failed. */
  onError(requestId: string, body: string): void
  /** The function could not be loaded. */
  onInitError(body: string): void
}

/** The Runtime API of one process: the HTTP interface that Lambda documents. */
export interface RuntimeApi {
  /** `host:port`, as `AWS_LAMBDA_RUNTIME_API` has it. */
  readonly address: string
  /** How many threads wait for work. */
  waiting(): number
  /** Hands an invocation to the thread that has waited longest, or to the next one that asks. */
  deliver(delivery: Delivery): void
  close(): Promise<void>
}

/** Starts the Runtime API on a free loopback port. */
export async function startRuntimeApi(reports: RuntimeReports): Promise<RuntimeApi> {
  const queue: Delivery[] = []
  const waiting: ServerResponse[] = []

  const pump = (): void => {
    while (queue.length > 0 && waiting.length > 0) {
      const [delivery, response] = [queue.shift(), waiting.shift()]
      if (delivery !== undefined && response !== undefined) answerNext(response, delivery)
    }
  }

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').slice(ROOT.length)
    if (request.method === 'GET' && path === '/invocation/next') {
      waiting.push(response)
      response.once('close', () => {
        const at = waiting.indexOf(response)
        if (at >= 0) waiting.splice(at, 1)
      })
      reports.onNext()
      return pump()
    }
    const body = await readBody(request)
    if (body === undefined) return accept(response, 413)
    const [, id = '', what] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? []
    // First the report, then the receipt: the runtime asks for work again as soon as it has it.
    if (path === '/init/error') reports.onInitError(body)
    else if (what === 'error' || request.trailers['lambda-runtime-function-error-type']) reports.onError(id, body)
    else if (what === 'response') reports.onAnswer(id, body)
    else return accept(response, 404)
    accept(response, 202)
  }

  const server = createServer((request, response) => {
    route(request, response).catch(() => response.destroy())
  })
  // Between two invocations a connection rests for as long as the environment is frozen.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, timeout: 0 })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the Runtime API is not on a port')
  return {
    address: `127.0.0.1:${bound.port}`,
    waiting: () => waiting.length,
    deliver(delivery) {
      queue.push(delivery)
      pump()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answerNext(response: ServerResponse, { requestId, event, deadline, clock }: Delivery): void {
  const trace = requestId.replaceAll('-', '')
  response.writeHead(200, {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': requestId,
    'lambda-runtime-deadline-ms': String(deadline),
    'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:${ACCOUNT}:function:lab`,
    'lambda-runtime-trace-id': `Root=1-${trace.slice(0, 8)}-${trace.slice(8)};Sampled=0`,
    ...(clock !== undefined && { 'warmtoken-lab-clock': String(clock) }),
  })
  response.end(JSON.stringify(event ?? null))
}

function accept(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end('{"status":"OK"}')
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= MAX_PAYLOAD) chunks.push(chunk)
  }
  return size > MAX_PAYLOAD ? undefined : Buffer.concat(chunks).toString()
}
