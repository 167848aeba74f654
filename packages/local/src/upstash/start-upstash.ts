import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { ListenOptions, LocalServer } from '../http/listen.ts'
import { listen } from '../http/listen.ts'
import { BodyAbortedError, BodyTooLargeError, readBody } from '../http/read-body.ts'
import { refuseMalformed } from '../http/refuse-malformed.ts'
import { streamMessages } from './event-stream.ts'
import { createMemoryRedis } from './memory/memory-redis.ts'
import type { RedisBackend } from './redis-backend.ts'
import { refuseCommand } from './refused-commands.ts'
import type { Command } from './reply.ts'
import { isError } from './reply.ts'
import type { RedisAddress } from './resp/resp-connection.ts'
import { createServerRedis } from './resp/server-redis.ts'
import { toRest } from './rest-answer.ts'
import { RestError } from './rest-error.ts'
import type { RestRequest } from './rest-request.ts'
import { parseRest, queryToken } from './rest-request.ts'

/** Options of {@link startUpstash}. */
export interface UpstashOptions extends ListenOptions {
  /** Bearer token that requests must bring; default `local-token`. */
  readonly token?: string
  /** Real Redis server to put behind the REST API; default an in-memory one. Unreachable, it makes answers 503. */
  readonly redis?: RedisAddress
  /** Longest request body in bytes; longer ones get a 413. Default 10 MiB. */
  readonly maxBodyBytes?: number
  /** Clock of the in-memory Redis in ms; default the real one. */
  readonly now?: () => number
}

/** A running REST API. */
export interface UpstashServer extends LocalServer {
  /** The bearer token it takes. */
  readonly token: string
}

/** Clients send it back to read their own writes; with one copy of the data its content does not matter. */
const SYNC_TOKEN = randomBytes(12).toString('base64')

interface Front {
  readonly backend: RedisBackend
  readonly token: string
  readonly maxBodyBytes: number
}

/**
 * Starts a server that speaks Upstash's REST API, over memory or over a real Redis.
 *
 * @example
 * const upstash = await startUpstash()
 * const redis = new Redis({ url: upstash.url, token: upstash.token })
 */
export async function startUpstash(options: UpstashOptions = {}): Promise<UpstashServer> {
  const { token = 'local-token', maxBodyBytes = 10 * 1024 * 1024, now = Date.now } = options
  const backend = options.redis ? createServerRedis(options.redis) : createMemoryRedis(now)
  const front: Front = { backend, token, maxBodyBytes }
  const server = createServer((request, response) => {
    handle(front, request, response)
      .catch((error: unknown) => sendError(response, error))
      .catch(() => response.destroy())
  })
  refuseMalformed(server)
  const listening = await listen(server, options)
  return {
    ...listening,
    token,
    close: async () => {
      await listening.close()
      backend.close()
    },
  }
}

async function handle(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request, front.maxBodyBytes)
  const { method = 'GET', url = '/', headers } = request
  if (!authorized(front.token, headers.authorization, url)) {
    throw new RestError(401, 'WRONGPASS invalid or missing auth token')
  }
  const wanted = parseRest({ method, url, accept: headers.accept ?? '', body })
  if (wanted.kind === 'subscribe') {
    await streamMessages(response, { backend: front.backend, channel: wanted.channel })
    return
  }
  const base64 = headers['upstash-encoding']?.toString().toLowerCase() === 'base64'
  sendJson(response, await perform(front.backend, wanted, base64))
}

async function perform(
  backend: RedisBackend,
  wanted: Exclude<RestRequest, { kind: 'subscribe' }>,
  base64: boolean,
): Promise<{ readonly status: number; readonly json: unknown }> {
  if (wanted.kind === 'command') {
    refuseCommand(wanted.command)
    const result = toRest(await backend.execute(wanted.command), base64)
    return { status: 'error' in result ? 400 : 200, json: result }
  }
  for (const command of wanted.commands) refuseCommand(command)
  if (wanted.kind === 'pipeline') return { status: 200, json: await pipeline(backend, wanted.commands, base64) }
  const replies = await backend.transaction(wanted.commands)
  if (isError(replies)) return { status: 400, json: { error: replies.error } }
  return { status: 200, json: replies.map((reply) => toRest(reply, base64)) }
}

async function pipeline(backend: RedisBackend, commands: readonly Command[], base64: boolean): Promise<unknown> {
  const results = []
  for (const command of commands) results.push(toRest(await backend.execute(command), base64))
  return results
}

function authorized(token: string, authorization: string | undefined, url: string): boolean {
  const given = /^Bearer\s+(.+)$/i.exec(authorization ?? '')?.[1] ?? queryToken(url)
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(token)]
  return one.length === other.length && timingSafeEqual(one, other)
}

function sendJson(
  response: ServerResponse,
  { status, json }: { readonly status: number; readonly json: unknown },
): void {
  const body = JSON.stringify(json)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'upstash-sync-token': SYNC_TOKEN,
  })
  response.end(body)
}

function sendError(response: ServerResponse, error: unknown): void {
  if (error instanceof BodyAbortedError || response.headersSent) {
    response.destroy()
    return
  }
  if (error instanceof RestError) sendJson(response, { status: error.status, json: { error: error.message } })
  else if (error instanceof BodyTooLargeError)
    sendJson(response, { status: 413, json: { error: `ERR ${error.message}` } })
  else {
    const reason = error instanceof Error ? error.message : 'unknown error'
    sendJson(response, { status: 503, json: { error: `ERR the Redis behind the REST API failed: ${reason}` } })
  }
}
