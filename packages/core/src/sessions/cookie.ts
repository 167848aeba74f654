import { parseCookie, stringifySetCookie } from 'cookie'
import { checkOptions, oneOf, type Rule } from '../lib/options.ts'
import { matches } from '../lib/parse.ts'

/** How the cookie of a session is set. */
export interface CookieOptions {
  /**
   * Its name. Default `__Host-session`: with this prefix a browser takes it only over https (and on localhost), only from
   * this exact host, and for all its paths.
   */
  readonly name?: string
  /** Which requests from other sites carry it. Default `lax`: those that follow a link. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
}

/** The name unless another is given. */
export const DEFAULT_NAME = '__Host-session'

/** A cookie's name: a token of RFC 6265 §4.1.1. */
export const cookieNameRule: Rule = ['the name of a cookie', (value) => matches(value, /^[\w!#$%&'*+\-.^`|~]{1,100}$/)]

const RULES = { name: cookieNameRule, sameSite: oneOf('lax', 'strict', 'none') }

/** What {@link sessionCookie} takes: what `create` and `rotate` resolve to. */
export interface CookieToken {
  readonly token: { readonly value: string }
  /** In ms. */
  readonly maxAge: number
}

/**
 * The value of a `set-cookie` header that gives a new session to a browser: `Path=/; Secure; HttpOnly; SameSite=Lax`, for
 * as long as the session can live. Throws `TypeError` that names a wrong option.
 *
 * @example
 * ```ts
 * const created = await sessions.create('user-1')
 * return { statusCode: 204, cookies: [sessionCookie(created)] }
 * ```
 */
export function sessionCookie({ token, maxAge }: CookieToken, options: CookieOptions = {}): string {
  return print(token.value, Math.floor(maxAge / 1_000), options)
}

/** The value of a `set-cookie` header that removes the cookie, with the options that it was set with. */
export function clearedCookie(options: CookieOptions = {}): string {
  return print('', 0, options)
}

function print(value: string, maxAge: number, options: CookieOptions): string {
  const { name = DEFAULT_NAME, sameSite = 'lax' } = checkOptions('sessionCookie', options, RULES)
  return stringifySetCookie({ name, value, maxAge, sameSite, path: '/', secure: true, httpOnly: true })
}

/** All values that were sent under a name; `pairs` are each `name=value`. */
export function cookieValues(pairs: readonly string[], name: string): readonly string[] {
  return pairs.flatMap((pair) => parseCookie(pair)[name] ?? [])
}
