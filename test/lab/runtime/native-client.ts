// Stands for `rapid-client.node`, the compiled client of aws-lambda-ric, which requires a compiler and libcurl. It has the
// same three functions. `done` and `error` of the compiled client hold the thread until the answer is out; here they
// return at once, and `next` waits for them, so that the order on the wire is the same.
import { Agent, type IncomingMessage, request } from 'node:http'
import { moveClock } from './clock.ts'

const [host, port] = (process.env['AWS_LAMBDA_RUNTIME_API'] ?? '').split(':')
const ROOT = '/2018-06-01/runtime/invocation'
const agent = new Agent({ keepAlive: true })

/** What the runtime expects of `next`. */
interface Invocation {
  readonly bodyJson: string
  readonly headers: Readonly<Record<string, string | number>>
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface Sent {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

function send({ method, path, body = '', headers = {} }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) }
    const sent = request({ host, port, method, path: ROOT + path, agent, headers: { ...headers, ...length } })
    sent.once('error', reject)
    sent.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject)
      response.once('end', () => {
        const { statusCode: status = 0, headers: received } = response
        resolve({ status, headers: received, body: Buffer.concat(chunks).toString() })
      })
    })
    sent.end(body)
  })
}

/** Answers on their way out. */
const pending = new Set<Promise<unknown>>()

function post(path: string, body: string, headers: Readonly<Record<string, string>>): void {
  const posted = send({ method: 'POST', path, body, headers: { 'content-type': 'application/json', ...headers } })
  // The compiled client drops the outcome, too.
  const kept = posted.catch(() => undefined).finally(() => pending.delete(kept))
  pending.add(kept)
}

const HEADERS = [
  'aws-request-id',
  'trace-id',
  'invoked-function-arn',
  'client-context',
  'cognito-identity',
  'aws-tenant-id',
]

/** The headers that the compiled client hands on, in its form: the deadline as a number. */
function headersOf(received: IncomingMessage['headers']): Invocation['headers'] {
  const headers: Record<string, string | number> = {}
  for (const name of HEADERS.map((short) => `lambda-runtime-${short}`)) {
    const value = received[name]
    if (typeof value === 'string') headers[name] = value
  }
  return { ...headers, 'lambda-runtime-deadline-ms': Number(received['lambda-runtime-deadline-ms']) }
}

/** Resolves to the next invocation of this thread. */
export async function next(): Promise<Invocation> {
  await Promise.all(pending)
  const { status, headers, body } = await send({ method: 'GET', path: '/next' })
  if (status !== 200) throw new Error(`Failed to get next invocation, error ${status}`)
  const shift = headers['warmtoken-lab-clock']
  if (typeof shift === 'string') moveClock(Number(shift))
  return { bodyJson: body, headers: headersOf(headers) }
}

/** Sends the answer of an invocation. */
export function done(id: string, body: string): void {
  post(`/${id}/response`, body, {})
}

/** Sends the error of an invocation. */
export function error(id: string, body: string, cause: string): void {
  post(`/${id}/error`, body, { 'lambda-runtime-function-xray-error-cause': cause })
}
