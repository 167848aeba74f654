/**
 * The Middy middleware that makes browsers and CDNs the outermost tier of a data cache.
 *
 * @module
 */

import type { MiddlewareObj } from '@middy/core'
import {
  type CacheAnswer,
  type CachedValue,
  type CacheRequest,
  type HeaderFields,
  headersOf304,
  markAnswer,
} from '../http-cache/answer.ts'
import { checkOptions, flagRule, misuse, type Rule, textRule } from '../lib/options.ts'
import { asFields, type Fields, matches } from '../lib/parse.ts'

export type { CachedValue } from '../http-cache/answer.ts'

/** How {@link httpCache} works. */
export interface HttpCacheOptions {
  /**
   * Whether shared caches, such as CloudFront, may keep answers and give them to everyone, also those to requests with an
   * `authorization` header. Default false: only the browser that asked.
   */
  readonly public?: boolean
  /** Request headers that an answer depends on, such as `accept-language`. Default none. */
  readonly vary?: readonly string[]
  /** A part of every ETag: change it when the same value is written in another way. Default none. */
  readonly version?: string
  /** Whether to send an `age`, where the value says how old it is. Default false. */
  readonly age?: boolean
}

/** What a handler returns: an answer, and what is known of the value in it. */
export type WithCached<R> = R & {
  /** What `inspect` of a resource resolved to. It is taken off the answer. */
  readonly cached?: CachedValue | undefined
}

/** The middleware that {@link httpCache} makes. */
export type HttpCacheMiddleware = MiddlewareObj<unknown, unknown>

const varyRule: Rule = [
  'a list of names of headers',
  (value) => Array.isArray(value) && value.every((name) => matches(name, /^[!#$%&'*+.^`|~\w-]+$/)),
]
const RULES = { public: flagRule, vary: varyRule, version: textRule, age: flagRule }
const MS_FIELDS = ['fresh', 'usable'] as const

/**
 * Gives answers to GET and HEAD `cache-control`, `etag` and `vary` from the life of the value in them, and answers 304 where
 * the caller has it already. An answer that sets a cookie, and an error, become `no-store`. Headers that the handler has set
 * stay. Throws `TypeError` at wiring for wrong options, and for a `cached` that is no inspection.
 *
 * @example
 * ```ts
 * export const handler = middy()
 *   .use(httpCache({ public: true }))
 *   .handler(async ({ pathParameters: { id } }) => {
 *     const body = JSON.stringify(await project.get({ id }))
 *     return { statusCode: 200, body, cached: await project.inspect({ id }) }
 *   })
 * ```
 */
export function httpCache(options: HttpCacheOptions = {}): HttpCacheMiddleware {
  const { public: isPublic = false, vary = [], version = '', age = false } = checkOptions('httpCache', options, RULES)
  const lowered = vary.map((name) => name.toLowerCase())
  const marking = { isPublic, vary: lowered, version, age }

  const finish = (request: { readonly event: unknown; response?: unknown }): void => {
    const given = asFields(request.response)
    if (given === undefined || !('statusCode' in given || 'cached' in given)) return
    const { cached, ...response } = given
    const answer = readAnswer(response, cached)
    const { headers, notModified } = markAnswer(readRequest(request.event), answer, marking)
    request.response = notModified
      ? { statusCode: 304, ...placeHeaders(response, headersOf304({ ...answer.headers, ...headers })), body: '' }
      : { ...response, ...placeHeaders(response, headers, true) }
  }

  return { after: finish, onError: finish } as HttpCacheMiddleware
}

/** Headers as the handler wrote them. */
function own(response: Fields): Fields {
  return asFields(response['headers']) ?? {}
}

/** The headers where the answer has its own: a load balancer with several values for each takes these alone. */
function placeHeaders(response: Fields, headers: Fields, isAdded = false): Fields {
  const several = asFields(response['multiValueHeaders'])
  if (several === undefined || response['headers'] !== undefined)
    return { headers: { ...(isAdded && own(response)), ...headers } }
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
  return { multiValueHeaders: { ...(isAdded && several), ...lists } }
}

function readAnswer(response: Fields, cached: unknown): CacheAnswer {
  const several = asFields(response['multiValueHeaders'])
  const headers = lowerCase({ ...several, ...own(response) })
  const cookies = response['cookies']
  return {
    status: Number(response['statusCode'] ?? 200),
    headers,
    setsCookie: headers['set-cookie'] !== undefined || (Array.isArray(cookies) && cookies.length > 0),
    cached: readCached(cached),
  }
}

function readCached(cached: unknown): CachedValue | undefined {
  if (cached === undefined) return undefined
  const fields = asFields(cached)
  const isGood =
    MS_FIELDS.every((name) => typeof fields?.[name] === 'number') && matches(fields?.['fingerprint'], /^[\w-]{1,64}$/)
  if (!isGood) misuse('httpCache', 'the field "cached" must be what inspect() of a resource resolves to, or undefined')
  return cached as CachedValue
}

function lowerCase(headers: Fields): HeaderFields {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), String(value)]],
    ),
  )
}

/** Events of REST and HTTP APIs, function URLs and load balancers. */
function readRequest(event: unknown): CacheRequest {
  const fields = asFields(event)
  const http = asFields(asFields(fields?.['requestContext'])?.['http'])
  const headers = lowerCase({ ...asFields(fields?.['multiValueHeaders']), ...asFields(fields?.['headers']) })
  return { method: String(fields?.['httpMethod'] ?? http?.['method'] ?? ''), header: (name) => headers[name] }
}
