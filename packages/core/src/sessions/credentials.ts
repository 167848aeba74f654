import { cookieValues } from './cookie.ts'
import type { IncomingRequest } from './request.ts'

/** The longest header that is looked at, in characters; of cookies, all together. */
const MAX_HEADER = 8_192

/** What a request brought. `invalid`: more than one credential, or a header that is too long (RFC 6750 §3.1). */
export type Credentials =
  | { readonly outcome: 'none' }
  | { readonly outcome: 'token'; readonly token: string; readonly by: 'header' | 'cookie' }
  | { readonly outcome: 'invalid' }

/** Finds the token in a request: `authorization: Bearer …`, or the cookie. `cookie`: its name, `false` for none. */
export function findCredentials(request: IncomingRequest, cookie: string | false): Credentials {
  const headers = request.headers('authorization')
  const pairs = cookie === false ? [] : request.cookies
  const isLong = headers.some((one) => one.length > MAX_HEADER) || lengthOf(pairs) > MAX_HEADER
  // Gateways join a header that was sent twice by a comma, which no token holds.
  if (isLong || headers.length > 1 || headers[0]?.includes(',') === true) return { outcome: 'invalid' }
  const bearer = /^Bearer +(\S.*)$/i.exec(headers[0] ?? '')?.[1]?.trimEnd()
  const cookies = cookie === false ? [] : cookieValues(pairs, cookie).filter((value) => value !== '')
  if (cookies.length + (bearer === undefined ? 0 : 1) > 1) return { outcome: 'invalid' }
  if (bearer !== undefined) return { outcome: 'token', token: bearer, by: 'header' }
  const [value] = cookies
  return value === undefined ? { outcome: 'none' } : { outcome: 'token', token: value, by: 'cookie' }
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0)
}
