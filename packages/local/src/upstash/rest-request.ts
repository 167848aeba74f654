import { parseTarget } from '../http/parse-target.ts'
import type { Command } from './reply.ts'
import { RestError } from './rest-error.ts'

/** What a request to the REST API asks for. */
export type RestRequest =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'pipeline' | 'multi-exec'; readonly commands: readonly Command[] }
  | { readonly kind: 'subscribe'; readonly channel: Buffer }

/** Raw request as it came over HTTP. */
export interface RestInput {
  readonly method: string
  readonly url: string
  readonly accept: string
  readonly body: Buffer
}

/** Reads a request; throws RestError 400 or 405 for one that makes no sense. */
export function parseRest(input: RestInput): RestRequest {
  if (!['GET', 'HEAD', 'POST', 'PUT'].includes(input.method)) throw new RestError(405, 'ERR method not allowed')
  const { path, query } = parseTarget(input.url)
  const segments = path.split('/').filter((segment) => segment !== '')
  if (segments.length === 0) return { kind: 'command', command: parseCommand(parseJson(input.body)) }
  const [first = '', second] = segments
  if (segments.length === 1 && (first === 'pipeline' || first === 'multi-exec')) {
    return { kind: first, commands: parseCommands(parseJson(input.body)) }
  }
  if (first.toLowerCase() === 'subscribe' && second !== undefined && input.accept.includes('text/event-stream')) {
    return { kind: 'subscribe', channel: decode(second) }
  }
  return { kind: 'command', command: pathCommand(segments, query, input.body) }
}

/** The `_token` query parameter, or undefined. */
export function queryToken(url: string): string | undefined {
  return new URLSearchParams(parseTarget(url).query).get('_token') ?? undefined
}

/** `POST /set/key?EX=100` with a body: the path, then the body, then the query make up the command. */
function pathCommand(segments: readonly string[], query: string, body: Buffer): Command {
  const options = [...new URLSearchParams(query)]
    .filter(([name]) => name !== '_token')
    .flatMap(([name, value]) => (value === '' ? [name] : [name, value]))
  return [...segments.map(decode), ...(body.length > 0 ? [body] : []), ...options.map((word) => Buffer.from(word))]
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new RestError(400, 'ERR failed to parse the request: the body is not JSON')
  }
}

function parseCommands(json: unknown): readonly Command[] {
  if (!Array.isArray(json) || json.length === 0) throw new RestError(400, 'ERR empty pipeline request')
  return json.map(parseCommand)
}

function parseCommand(json: unknown): Command {
  if (!Array.isArray(json) || json.length === 0) {
    throw new RestError(400, 'ERR failed to parse the request: a command is a JSON array that is not empty')
  }
  return json.map((word: unknown) => {
    if (typeof word === 'string' || typeof word === 'number' || typeof word === 'boolean')
      return Buffer.from(String(word))
    throw new RestError(400, 'ERR failed to parse the request: arguments are strings, numbers or booleans')
  })
}

function decode(segment: string): Buffer {
  try {
    return Buffer.from(decodeURIComponent(segment))
  } catch {
    throw new RestError(400, 'ERR failed to parse the request: the path is not percent-encoded')
  }
}
