import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { ListenOptions, LocalServer } from '../http/listen.ts'
import { listen } from '../http/listen.ts'
import { BodyAbortedError, BodyTooLargeError, readBody } from '../http/read-body.ts'
import { refuseMalformed } from '../http/refuse-malformed.ts'
import type { S3Credentials } from './authenticate.ts'
import { authenticate } from './authenticate.ts'
import type { Buckets, Surroundings } from './buckets.ts'
import { createBucket } from './buckets.ts'
import { receiveBody } from './receive-body.ts'
import { perform } from './route.ts'
import { errorDocument, S3Error, statusOf } from './s3-error.ts'
import type { S3Answer, S3Head } from './s3-request.ts'
import { parseHead } from './s3-request.ts'

/** The key pair every local server takes unless told otherwise. */
export const LOCAL_CREDENTIALS: S3Credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' }

/** What an {@link S3Options.onRequest} hook is shown. */
export interface S3HookRequest {
  readonly method: string
  /** Empty for a request to the service itself. */
  readonly bucket: string
  /** Empty for a request to a bucket. */
  readonly key: string
  /** Values by lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  /** Decoded parameters in the order received. */
  readonly query: readonly (readonly [string, string])[]
}

/** An error a hook answers with instead of the server, e.g. `{ status: 503, code: 'SlowDown' }`. */
export interface S3HookAnswer {
  /** HTTP status. */
  readonly status: number
  /** S3 error code, e.g. `ConditionalRequestConflict` (409) or `SlowDown` (503). */
  readonly code: string
}

/** Options of {@link startS3}. */
export interface S3Options extends ListenOptions {
  /** Names of buckets that exist from the start; default none. Starting throws for a name S3 would not take. */
  readonly buckets?: readonly string[]
  /** Key pairs whose signatures are accepted; default {@link LOCAL_CREDENTIALS}. */
  readonly credentials?: readonly S3Credentials[]
  /** Longest request body in bytes, framing included; longer ones get `EntityTooLarge`. Default 16 MiB. */
  readonly maxBodyBytes?: number
  /** Ignores the conditions of writes and deletions, as some S3-compatibles do. Default false. */
  readonly ignoreConditions?: boolean
  /** Server clock in ms, seen in `Date` and `Last-Modified` and used to judge signatures; default the real one. */
  readonly now?: () => number
  /**
   * Called for every verified request before it is applied. What it returns is sent instead, and nothing is applied;
   * undefined lets the request pass. What it throws becomes a 500 `InternalError`.
   */
  readonly onRequest?: (request: S3HookRequest) => S3HookAnswer | undefined | Promise<S3HookAnswer | undefined>
}

/**
 * Starts an in-memory stand-in for Amazon S3 that honors conditional writes and verifies signatures and checksums.
 *
 * @example
 * const s3 = await startS3({ buckets: ['tokens'] })
 * const client = new S3Client({ endpoint: s3.url, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
 */
export async function startS3(options: S3Options = {}): Promise<LocalServer> {
  const { credentials = [LOCAL_CREDENTIALS], maxBodyBytes = 16 * 1024 * 1024, now = Date.now } = options
  const buckets: Buckets = new Map()
  for (const name of options.buckets ?? []) createBucket(buckets, name, now())
  const surroundings: Surroundings = { buckets, now, ignoreConditions: options.ignoreConditions ?? false }

  const answer = async (request: IncomingMessage, id: string): Promise<S3Answer> => {
    // Read first: an answer sent while the client is still writing would be lost in a connection reset.
    const raw = await readBody(request, maxBodyBytes)
    const head = parseHead(request)
    const authentication = authenticate(head, { credentials, now: now() })
    const received = receiveBody(head, raw, authentication)
    const hooked = await options.onRequest?.(head)
    if (hooked) return hookedAnswer(hooked, head, id)
    return perform({ ...head, ...received }, surroundings)
  }

  const server = createServer((request, response) => {
    const id = randomBytes(8).toString('hex').toUpperCase()
    answer(request, id)
      .catch((error: unknown) => errorAnswer(error, request, id))
      .then((result) => send(request, response, { ...result, sentAt: now(), id }))
      .catch(() => response.destroy())
  })
  refuseMalformed(server)
  return await listen(server, options)
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body = '', sentAt, id }: S3Answer & { readonly sentAt: number; readonly id: string },
): void {
  const document: Record<string, string> =
    typeof body === 'string' && body !== '' ? { 'content-type': 'application/xml' } : {}
  response.writeHead(status, {
    ...document,
    ...headers,
    ...(status === 204 || status === 304 ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    date: new Date(sentAt).toUTCString(),
    'x-amz-request-id': id,
    server: 'warmtoken-local',
  })
  response.end(request.method === 'HEAD' || status === 304 ? undefined : body)
}

function errorAnswer(error: unknown, request: IncomingMessage, id: string): S3Answer {
  if (error instanceof BodyAbortedError) throw error
  const known = toS3Error(error)
  const body = errorDocument({
    code: known.code,
    message: known.message,
    details: known.details,
    resource: request.url ?? '/',
    requestId: id,
  })
  return { status: statusOf(known.code), body }
}

function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error
  if (error instanceof BodyTooLargeError) return new S3Error('EntityTooLarge', error.message)
  return new S3Error('InternalError', error instanceof Error ? error.message : 'Unknown error')
}

function hookedAnswer({ status, code }: S3HookAnswer, head: S3Head, id: string): S3Answer {
  const message = `Injected by the onRequest hook: ${code}`
  return { status, body: errorDocument({ code, message, resource: head.path, requestId: id }) }
}
