import type { Traits } from '../../contracts.ts'
import { NotReplayableError } from '../../errors.ts'
import type { Token } from '../token.ts'

/** How many redirects are followed: as many as the Fetch standard allows (HTTP-redirect fetch, step 7). */
const MAX_REDIRECTS = 20
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
/** What goes with a body (request-body-header names). */
const BODY_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']
/** What a browser, and Node, keep from another origin. */
const OWN_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'host']

/** A request of the caller's on which a source puts its tokens. */
export interface Attached {
  readonly input: string | URL | Request
  readonly init: RequestInit | undefined
  readonly attach: NonNullable<Traits['attach']>
  /** Whether the body can be sent a second time. */
  readonly replayable: boolean
  /** The key of the token, for errors. */
  readonly key: string
}

/** What came back, and whether the token was sent to where it came from. */
export interface Sent {
  readonly response: Response
  /** False after a redirect to another origin, and from there on. */
  readonly isHome: boolean
}

/** One request of a chain of redirects, without the token. */
interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  /** Whether the body goes with it. */
  readonly withBody: boolean
  /** Whether it still goes to where the caller requires the token. */
  readonly isHome: boolean
}

/** Where a redirect leads, and its status. */
interface Target {
  readonly url: URL
  readonly status: number
}

function networkError(why: string): TypeError {
  return new TypeError('fetch failed', { cause: new Error(why) })
}

/**
 * Sends a request with the token where the source puts it. `fetch` keeps the `authorization` header alone from another
 * origin, so redirects are followed here: within the origin with the token, beyond it, and from there on, without. The
 * answer shows no address with the token in it. Rejects like `fetch`, and with `NotReplayableError` when a redirect asks
 * for a body a second time that can be read only once.
 */
export async function fetchAttached(attached: Attached, token: Token): Promise<Sent> {
  const { input, init } = attached
  const request = input instanceof Request ? input : undefined
  const follow = (init?.redirect ?? request?.redirect ?? 'follow') === 'follow'
  let hop: Hop = {
    url: new URL(request?.url ?? String(input)),
    method: init?.method ?? request?.method ?? 'GET',
    headers: new Headers(init?.headers ?? request?.headers),
    withBody: true,
    isHome: true,
  }
  const first = hop
  for (let count = 0; ; count += 1) {
    const response = await send(attached, hop, token, { isFirst: hop === first, follow })
    const target = follow ? targetOf(response, hop.url, token) : undefined
    if (target === undefined) {
      const { href } = hop.url.href.includes(encodeURIComponent(token.value)) ? first.url : hop.url
      return { response: withAddress(response, href.replace(/#.*/, ''), count > 0), isHome: hop.isHome }
    }
    // Nobody reads it; an unread body would keep the connection.
    await response.body?.cancel()
    if (count === MAX_REDIRECTS) throw networkError('redirect count exceeded')
    hop = nextHop(attached, hop, { url: target, status: response.status })
  }
}

function send(
  { input, init, attach }: Attached,
  { url: clean, method, headers: plain, withBody, isHome }: Hop,
  token: Token,
  { isFirst, follow }: { readonly isFirst: boolean; readonly follow: boolean },
): Promise<Response> {
  const url = new URL(clean)
  const headers = new Headers(plain)
  if (isHome) attach({ url, headers }, { value: token.value, type: token.type })
  const sent: RequestInit = { ...init, headers, ...(follow && { redirect: 'manual' }) }
  if (!(input instanceof Request)) return fetch(url, { ...sent, method, ...(!withBody && { body: null }) })
  if (isFirst) return fetch(new Request(url, input), sent)
  const { signal = input.signal } = sent
  // Its body, if it had one, was read by the first request.
  return fetch(url, { ...sent, method, signal, body: withBody ? (sent.body ?? null) : null })
}

/** Where a redirect leads, `undefined` when the answer is none. What it repeats of the token is taken out. */
function targetOf({ status, headers }: Response, from: URL, { value }: Token): URL | undefined {
  const location = REDIRECTS.includes(status) ? headers.get('location') : null
  if (location === null) return undefined
  // Headers are read as Latin-1, and addresses beyond ASCII are sent as UTF-8.
  const text = Buffer.from(location, 'latin1').toString('utf8')
  const url = URL.canParse(text, from.href) ? new URL(text, from) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw networkError('the redirect is not to an http(s) URL')
  // An error of `fetch` would show them, and the token with them.
  if (url.username !== '' || url.password !== '') throw networkError('the redirect is to a URL with credentials')
  for (const [name, given] of [...url.searchParams]) if (given === value) url.searchParams.delete(name, given)
  return url
}

/** What the Fetch standard makes of a redirect (HTTP-redirect fetch, steps 11 to 13). */
function nextHop({ replayable, key }: Attached, hop: Hop, { url, status }: Target): Hop {
  if (status !== 303 && hop.withBody && !replayable) {
    const message = `the API redirected a request with the token of ${key}, and its body cannot be sent again`
    throw new NotReplayableError(message, { key })
  }
  const method = hop.method.toUpperCase()
  const becomesGet = status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST'
  const isAway = url.origin !== hop.url.origin
  const headers = new Headers(hop.headers)
  for (const name of [...(becomesGet ? BODY_HEADERS : []), ...(isAway ? OWN_HEADERS : [])]) headers.delete(name)
  return {
    url,
    method: becomesGet ? 'GET' : hop.method,
    headers,
    withBody: hop.withBody && !becomesGet,
    isHome: hop.isHome && !isAway,
  }
}

/** An answer shows the address that it came from; with the token in it, logging the answer would show the token. */
function withAddress(response: Response, address: string, redirected: boolean): Response {
  return Object.defineProperties(response, {
    url: { value: address },
    redirected: { value: redirected },
    clone: { value: () => withAddress(Response.prototype.clone.call(response), address, redirected) },
  })
}
