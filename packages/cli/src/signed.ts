/** Requests to a function URL or an HTTP API behind IAM, signed with the credentials that the AWS SDK finds. @module */

import type { AdminAnswer } from '@warmtoken/core/admin'
import { EXIT, OperatorError } from './exit.ts'
import type { Answering, Payload } from './serve.ts'

/** How long one request may take, in ms: a little longer than a function behind a gateway. */
const TIMEOUT = 35_000
/** The longest answer, in bytes: a function answers no more. */
const MAX_ANSWER = 6 * 1_048_576
/** What an admin function reads of a request. The browser's own word on where it came from is among it. */
const HEADERS = ['accept', 'content-type', 'origin', 'sec-fetch-site']
/** What the browser must be told. Node has undone the compression. */
const ANSWERED = [
  'cache-control',
  'content-security-policy',
  'content-type',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'referrer-policy',
  'x-content-type-options',
  'x-frame-options',
]

/** Forwards requests to an admin function. Throws for an address that cannot be one. */
export async function forwardSigned(address: string, region: string | undefined): Promise<Answering> {
  const target = targetOf(address, region)
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  // Any client of the SDK has the signer, with the credentials that the SDK finds.
  const client = new DynamoDBClient({ region: target.region })
  return async (payload) => {
    const url = new URL(target.url)
    // The page may name its files by the whole path.
    const isWhole = payload.rawPath.startsWith(`${target.folder}/`)
    url.pathname = isWhole ? payload.rawPath : `${target.folder}${payload.rawPath}`
    url.search = queryOf(payload)
    const signer = await client.config.signer()
    const method = payload.requestContext.http.method
    const signed = await signer
      .sign(
        {
          method,
          protocol: url.protocol,
          hostname: url.hostname,
          path: url.pathname,
          query: payload.queryStringParameters,
          headers: { ...chosen(payload), host: url.host },
          ...(method === 'POST' && { body: payload.body }),
        },
        { signingService: target.service, signingRegion: target.region },
      )
      .catch(() => undefined)
    if (signed === undefined) return problem(403, 'No AWS credentials were found to sign requests with.')
    return ask(url, { method, headers: signed.headers, ...(method === 'POST' && { body: payload.body }) })
  }
}

async function ask(url: URL, init: RequestInit): Promise<AdminAnswer> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) })
    const body = await response.text()
    if (body.length > MAX_ANSWER) throw new RangeError('the answer is too long')
    const headers = ANSWERED.flatMap((name) => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    return { statusCode: response.status, headers: Object.fromEntries(headers), body }
  } catch {
    return problem(502, `The admin function at ${url.origin} does not answer.`)
  }
}

function problem(statusCode: number, message: string): AdminAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { statusCode, headers, body: JSON.stringify({ error: 'unavailable', message }) }
}

/** The query as it is signed: a space as %20, and not as the plus sign that browsers send. */
function queryOf({ queryStringParameters }: Payload): string {
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  return Object.entries(queryStringParameters)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&')
}

interface Target {
  readonly url: URL
  /** The path of the function, without a slash at its end. */
  readonly folder: string
  readonly service: string
  readonly region: string
}

function targetOf(address: string, region: string | undefined): Target {
  const url = URL.parse(address)
  const isLocal = url?.hostname === '127.0.0.1' || url?.hostname === 'localhost'
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)))
    throw new OperatorError('--url must be the https address of an admin function', EXIT.usage)
  const [, service, found] =
    /\.(lambda-url|execute-api)\.([a-z0-9-]+)\.(?:on\.aws|amazonaws\.com)/.exec(url.hostname) ?? []
  const known = region ?? found
  if (known === undefined) throw new OperatorError('--url with a name of your own requires --region', EXIT.usage)
  return {
    url,
    folder: url.pathname.replace(/\/+$/, ''),
    service: service === 'execute-api' ? service : 'lambda',
    region: known,
  }
}

function chosen({ headers }: Payload): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HEADERS.includes(name)))
}
