/**
 * A loader for a data cache that obeys the caching headers of the API that it asks.
 *
 * @module
 */

import type { Json } from '../contracts.ts'
import type { KeepOptions, Kept, LoadContext } from '../data/types.ts'
import { SourceRefusedError, SourceUnavailableError } from '../errors.ts'
import { checkOptions, countRule, flagRule, functionRule, misuse } from '../lib/options.ts'
import { asFields, asText, isTime, parseJson } from '../lib/parse.ts'

/** The longest validator that is sent back, in characters. */
const MAX_VALIDATOR = 400
/** A Retry-After in seconds, or as a date. */
const SECONDS = /^\d{1,9}$/

/** What a `Headers` object is made of. */
export type HeaderList = ConstructorParameters<typeof Headers>[0]

/** How {@link fromHttp} asks. */
export interface FromHttpOptions<P, V> {
  /** Headers of the request, or a function that returns them: called for each load, so it may hold a token. Default none. */
  readonly headers?: HeaderList | ((params: P) => HeaderList | Promise<HeaderList>)
  /** Makes the value of the body. Default: JSON. What it throws counts as a bad answer. */
  readonly parse?: (text: string) => V
  /** Whether several users share what is kept: an answer marked `private`, or to a request with `authorization`, is not kept then. Default true. */
  readonly shared?: boolean
  /** The largest body, in bytes. Default 5 MB. */
  readonly maxBytes?: number
  /** Default: the global `fetch`. That of a token handle adds its token. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/** The part of a loader's context that is used. */
export interface HttpLoadContext<V> extends Pick<LoadContext<unknown>, 'signal' | 'unchanged'> {
  readonly previous: { readonly mark: string | undefined } | undefined
  keep(value: V, options?: KeepOptions): Kept<V>
  skip(value: V): Kept<V>
}

/** A loader for `cache.use({ load })`. */
export type HttpLoader<P, V> = (params: P, context: HttpLoadContext<V>) => Promise<V | Kept<V> | undefined>

const RULES = {
  headers: [
    'headers, or a function that returns them',
    (value: unknown) => typeof value === 'object' || typeof value === 'function',
  ] as const,
  parse: functionRule,
  shared: flagRule,
  maxBytes: countRule,
  fetch: functionRule,
}

/**
 * A loader that asks an API: its Cache-Control decides how long the value lives, its ETag or Last-Modified goes back with the
 * next load, and a 304 renews the value. What must not be stored is returned and kept nowhere; 404 and 410 mean that there is
 * no value. Without Cache-Control and Expires, the resource's own `fresh` and `usable` hold. Throws `TypeError` for wrong
 * options.
 *
 * @example
 * ```ts
 * const project = cache.use({ key: 'project:{id}', fresh: 60_000, load: fromHttp('https://api.example.com/projects/{id}') })
 * ```
 */
export function fromHttp<P = Readonly<Record<string, string | number>>, V = Json>(
  url: string | ((params: P) => string | URL),
  options: FromHttpOptions<P, V> = {},
): HttpLoader<P, V> {
  const given = checkOptions('fromHttp', options, RULES)
  const { headers = {}, shared = true, maxBytes = 5_000_000, parse = parseBody<V>, fetch: ask = fetch } = given
  if (typeof url !== 'function' && !URL.canParse(url))
    misuse('fromHttp', 'give an absolute URL, or a function that returns one')

  return async (params, context) => {
    const { livesOf } = await import('./upstream.ts')
    const address = String(typeof url === 'function' ? url(params) : fill(url, params))
    const sent = new Headers(typeof headers === 'function' ? await headers(params) : headers)
    const { previous } = context
    for (const [name, value] of Object.entries(validatorsOf(previous?.mark))) sent.set(name, value)
    const response = await ask(address, { headers: sent, signal: context.signal }).catch((cause: unknown) =>
      throwUnreachable(cause, context.signal),
    )
    const lives = livesOf({ url: address, headers: sent }, response, shared)
    if (response.status === 304 && previous !== undefined) {
      await response.body?.cancel()
      return lives.outcome === 'told' ? context.unchanged(lives.lives) : context.unchanged()
    }
    if (response.status === 404 || response.status === 410) {
      await response.body?.cancel()
      return undefined
    }
    if (!response.ok) throw await refusalOf(response)
    const value = parseWith(parse, await readText(response, maxBytes))
    if (lives.outcome === 'not-kept') return context.skip(value)
    const mark = markOf(response.headers)
    return context.keep(value, { ...(lives.outcome === 'told' && lives.lives), ...(mark !== undefined && { mark }) })
  }
}

/** The address with its parameters, each percent-encoded. */
function fill(template: string, params: unknown): string {
  return template.replaceAll(
    /\{(\w+)\}|%7B(\w+)%7D/gi,
    (_all, plain: string | undefined, encoded: string | undefined) => {
      const name = plain ?? encoded ?? ''
      const value = asFields(params)?.[name]
      if (typeof value !== 'string' && typeof value !== 'number')
        misuse('fromHttp', `the parameter "${name}" is missing`)
      return encodeURIComponent(value)
    },
  )
}

/** What goes back to the API with the next load. */
function markOf(headers: Headers): string | undefined {
  const etag = asText(headers.get('etag'), MAX_VALIDATOR)
  const modified = asText(headers.get('last-modified'), MAX_VALIDATOR)
  return etag === undefined && modified === undefined ? undefined : JSON.stringify({ etag, modified })
}

function validatorsOf(mark: string | undefined): { readonly [name: string]: string } {
  const fields = mark === undefined ? undefined : asFields(parseJson(mark))
  const etag = asText(fields?.['etag'], MAX_VALIDATOR)
  const modified = asText(fields?.['modified'], MAX_VALIDATOR)
  // RFC 9110 §13.1.3: where there is an entity tag, the date is for old caches alone.
  return { ...(etag && { 'if-none-match': etag }), ...(modified && { 'if-modified-since': modified }) }
}

function parseBody<V>(text: string): V {
  return JSON.parse(text) as V
}

function parseWith<V>(parse: (text: string) => V, text: string): V {
  try {
    return parse(text)
  } catch {
    // What a parser throws may quote the text.
    throw new SourceUnavailableError('the body of the answer cannot be parsed', { code: 'BAD_ANSWER' })
  }
}

async function readText({ body }: Response, maxBytes: number): Promise<string> {
  if (body === null) return ''
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    // Leaving the loop cancels the body.
    if (bytes > maxBytes)
      throw new SourceUnavailableError(`the answer is larger than ${maxBytes} bytes; raise "maxBytes"`, {
        code: 'SOURCE_TOO_LARGE',
      })
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

async function refusalOf(response: Response): Promise<Error> {
  const { status, headers } = response
  await response.body?.cancel()
  const code = `HTTP_${status}`
  const message = `the API answered ${status}`
  if (status < 500 && status !== 429 && status !== 408) return new SourceRefusedError(message, { code })
  const after = headers.get('retry-after') ?? ''
  const ms = SECONDS.test(after) ? Number(after) * 1_000 : Date.parse(after) - Date.now()
  return new SourceUnavailableError(message, {
    code,
    throttled: status === 429,
    ...(isTime(ms) && { retryAfter: ms }),
  })
}

/** What `fetch` throws may quote a URL with a secret in it: only the code of the system is shown. */
function throwUnreachable(cause: unknown, signal: AbortSignal): never {
  signal.throwIfAborted()
  const systemCode = asText(asFields(asFields(cause)?.['cause'])?.['code'], 64)
  throw new SourceUnavailableError('the API cannot be reached', {
    code: 'SOURCE_UNREACHABLE',
    ...(systemCode !== undefined && { systemCode }),
  })
}
