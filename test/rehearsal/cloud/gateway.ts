import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { DEPLOYER, REGION } from './account.ts'
import { type Answer, type Service, ServiceError } from './service.ts'
import { faultOf, readClaim, type SignedRequest } from './signature.ts'

/** One call that the gateway has seen. */
export interface SeenCall {
  readonly service: string
  readonly operation: string
  readonly status: number
}

/** What stands behind the gateway. */
export interface Backends {
  /** By the name that a signature has for it. */
  readonly services: ReadonlyMap<string, Service>
  /** Where S3 is; its requests are passed on as they are, for it verifies signatures itself. */
  readonly s3: URL
  /** Receives each call. */
  readonly seen: (call: SeenCall) => void
}

/** The one address of the stand-in: it tells by the signature which service a request is for. */
export function createGateway(backends: Backends): Server {
  return createServer((incoming, response) => {
    handle(incoming, response, backends).catch((error: unknown) => {
      const told = error instanceof ServiceError ? error : new ServiceError('InternalFailure', String(error), 500)
      send(response, refusal(told))
    })
  })
}

async function handle(incoming: IncomingMessage, response: ServerResponse, backends: Backends): Promise<void> {
  const { method = 'GET', url: target = '/' } = incoming
  const request = { method, target, headers: headersOf(incoming), body: await buffer(incoming) }
  const { service, region } = readClaim(request) ?? {}
  if (service === 's3') return passOn(request, incoming, response, backends)
  const fault = service === undefined ? 'the request is not signed' : faultOf(request, DEPLOYER)
  const played = backends.services.get(service ?? '')
  const call = { ...request, path: target.split('?')[0] ?? '/', body: request.body.toString('utf8') }
  const operation = played?.operationOf(call) ?? `${method} ${target}`
  const answer = await choose()
  backends.seen({ service: service ?? 'unsigned', operation, status: answer.status })
  send(response, answer)

  async function choose(): Promise<Answer> {
    const isJson = JSON_SERVICES.includes(service ?? '')
    const refuse = isJson ? jsonRefusal : refusal
    const badly = isJson ? 'InvalidSignatureException' : 'SignatureDoesNotMatch'
    if (fault !== undefined) return refuse(new ServiceError(badly, fault, 403))
    if (region !== REGION) return refuse(new ServiceError(badly, `not ${REGION}: ${region}`, 403))
    const found = await played?.answer(operation, call)
    return found ?? refuse(new ServiceError('NotRehearsed', `${service}: ${operation} is not played here`, 501))
  }
}

/** Header for header, because the signature covers the host that was asked. */
function passOn(
  { method, target, body }: SignedRequest,
  incoming: IncomingMessage,
  response: ServerResponse,
  { s3, seen }: Backends,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = incoming.rawHeaders
    const outgoing = httpRequest({ host: s3.hostname, port: s3.port, method, path: target, headers, setHost: false })
    outgoing.on('error', reject)
    outgoing.on('response', (answer) => {
      const { statusCode: status = 502 } = answer
      seen({ service: 's3', operation: s3Operation(method, target), status })
      response.writeHead(status, answer.rawHeaders)
      answer.pipe(response).on('close', resolve)
    })
    outgoing.end(body)
  })
}

/** What an S3 request does, told by method and whether it names an object; enough to tell reads from writes. */
function s3Operation(method: string, target: string): string {
  const isObject = /^\/[^/?]+\/[^?]/.test(target)
  if (method === 'POST' && /[?&]delete\b/.test(target)) return 'DeleteObjects'
  return `${{ GET: isObject ? 'Get' : 'List', HEAD: 'Head', PUT: 'Put', DELETE: 'Delete' }[method] ?? method}${isObject ? 'Object' : 'Bucket'}`
}

function headersOf({ headers }: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

/** Services whose clients read errors in JSON. */
const JSON_SERVICES: readonly string[] = ['lambda', 'ecr']

function jsonRefusal({ code, message, status }: ServiceError): Answer {
  return { status, contentType: 'application/json', body: JSON.stringify({ __type: code, message }) }
}

function refusal({ code, message, status }: ServiceError): Answer {
  return {
    status,
    contentType: 'text/xml',
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  }
}

function send(response: ServerResponse, { status, contentType, body }: Answer): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body)
}
