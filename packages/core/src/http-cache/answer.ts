/** What an HTTP answer says about caching, from what is known of the value in it. Pure. @module */

import fresh from 'fresh'
import { fingerprint } from '../lib/hash.ts'

/** What is known of the value that an answer shows: what `inspect` of a data resource resolves to. Durations are in ms. */
export interface CachedValue {
  /** Until a refresh is due; 0 when it is stale. */
  readonly fresh: number
  /** Until it must not be served. */
  readonly usable: number
  /** Tells values apart. */
  readonly fingerprint: string
  /** Whether it is remembered that there is no value. Default false. */
  readonly none?: boolean
  /** How old it is; needed for the option `age` alone. */
  readonly age?: number
}

/** How answers are marked. */
export interface MarkOptions {
  readonly isPublic: boolean
  readonly vary: readonly string[]
  readonly version: string
  readonly age: boolean
}

/** Headers by names in small letters. */
export type HeaderFields = { readonly [name: string]: string }

/** A request, as far as caching asks. */
export interface CacheRequest {
  readonly method: string
  /** The value of a header by its name in small letters; `undefined` when it is absent. */
  header(name: string): string | undefined
}

/** An answer, as far as caching asks. */
export interface CacheAnswer {
  readonly status: number
  readonly headers: HeaderFields
  /** Whether it sets a cookie in whatever way. */
  readonly setsCookie: boolean
  readonly cached: CachedValue | undefined
}

/** What to do to an answer: which headers it gets, and whether it is sent without a body as 304. */
export interface Marked {
  readonly headers: HeaderFields
  readonly notModified: boolean
}

const NOTHING: Marked = { headers: {}, notModified: false }
/** Headers that a 304 repeats, beside those that it gets here (RFC 9110 §15.4.5). */
const REPEATED = ['cache-control', 'content-location', 'date', 'etag', 'expires', 'vary']

/** Marks an answer. Headers that the handler has set stay as they are. */
export function markAnswer(request: CacheRequest, answer: CacheAnswer, options: MarkOptions): Marked {
  const { status, headers, setsCookie, cached } = answer
  const isSafe = request.method === 'GET' || request.method === 'HEAD'
  const isGood = status >= 200 && status < 300 && status !== 206
  const isAbsent = status === 404 && cached?.none === true
  const isError = status >= 400 && !isAbsent
  // A cookie is for one caller, and what is wrong now may be right in a second.
  if (setsCookie || isError) return { headers: withOwn({ 'cache-control': 'no-store' }, headers), notModified: false }
  if (cached === undefined || !isSafe || !(isGood || isAbsent)) return NOTHING
  const marks = {
    'cache-control': cacheControl(cached, options),
    etag: etagOf(request, cached, options),
    ...(options.age && cached.age !== undefined && { age: `${seconds(cached.age)}` }),
  }
  const vary = joinVary(headers['vary'], options.vary)
  const all = { ...withOwn(marks, headers), ...(vary !== '' && { vary }) }
  const notModified = isGood && isNotModified(request, { ...headers, ...all })
  return { headers: all, notModified }
}

/** The headers that stay on a 304. */
export function headersOf304(headers: HeaderFields): HeaderFields {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => REPEATED.includes(name)))
}

function withOwn(marks: HeaderFields, own: HeaderFields): HeaderFields {
  return Object.fromEntries(Object.entries(marks).filter(([name]) => own[name] === undefined))
}

/** The fresh time that is left, and how long it may be served stale after that: rounded down, so that no cache serves it longer. */
function cacheControl({ fresh: left, usable, age = 0 }: CachedValue, options: MarkOptions): string {
  // With an Age, max-age counts from the beginning (RFC 9111 §4.2). Without one, caches count from the answer.
  const maxAge = seconds(left) + (options.age ? seconds(age) : 0)
  const stale = Math.max(0, seconds(usable) - seconds(left))
  const rest = stale > 0 ? `, stale-while-revalidate=${stale}, stale-if-error=${stale}` : ''
  return `${options.isPublic ? 'public' : 'private'}, max-age=${maxAge}${rest}`
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1_000))
}

/** Weak: equal values are written the same way but not to the byte. Answers that vary differ in it. */
function etagOf(request: CacheRequest, { fingerprint: value }: CachedValue, { vary, version }: MarkOptions): string {
  const varying = vary.map((name) => request.header(name) ?? null)
  const rest = vary.length === 0 && version === '' ? '' : `-${fingerprint(JSON.stringify([version, varying]))}`
  return `W/"${value}${rest}"`
}

function joinVary(own: string | undefined, more: readonly string[]): string {
  const names = [...(own?.split(',') ?? []), ...more].map((name) => name.trim()).filter((name) => name !== '')
  const known = new Map(names.map((name) => [name.toLowerCase(), name]))
  return known.has('*') ? '*' : [...known.values()].join(', ')
}

/** RFC 9110 §13.2.2: If-None-Match goes before If-Modified-Since; weak comparison. */
function isNotModified(request: CacheRequest, headers: HeaderFields): boolean {
  const asked = ['if-none-match', 'if-modified-since', 'cache-control'] as const
  const conditions = asked.flatMap((name) => {
    const value = request.header(name)
    return value === undefined ? [] : [[name, value.trim()] as const]
  })
  return fresh(Object.fromEntries(conditions), headers)
}
