/**
 * The Middy middleware that lets a request in by its session.
 *
 * @module
 */

import type { MiddlewareObj } from '@middy/core'
import type { Context } from 'aws-lambda'
import { WarmTokenError } from '../../errors.ts'
import { checkOptions, flagRule, functionRule, misuse, type Rule, shaped } from '../../lib/options.ts'
import { asFields, matches } from '../../lib/parse.ts'
import { cookieNameRule, DEFAULT_NAME } from '../../sessions/cookie.ts'
import { findCredentials } from '../../sessions/credentials.ts'
import { isForged } from '../../sessions/csrf.ts'
import type { RefusalReason } from '../../sessions/events.ts'
import { type IncomingRequest, readRequest } from '../../sessions/request.ts'
import type { TokenVerifier } from '../../sessions/verifier.ts'
import { type Answer, createAnswers } from './answers.ts'

import { createInternal, type InternalOptions } from './internal.ts'
import { isPlainPath, matchRoutes, patternsRule } from './routes.ts'

export { type CookieOptions, clearedCookie, sessionCookie } from '../../sessions/cookie.ts'
export type { TokenVerifier } from '../../sessions/verifier.ts'
export type { InternalOptions } from './internal.ts'

/** Whether a session may use a route. */
export type Need<S> = (session: S) => boolean | Promise<boolean>

/** How {@link authenticate} works. Everything has a default. */
export interface AuthenticateOptions<S> {
  /** Routes that need no session, such as `GET /health` or `/public/*`: as the gateway decided. Default: none. */
  readonly open?: readonly string[]
  /** Routes for callers that are no users. Default: none. */
  readonly internal?: InternalOptions
  /** What a session needs to use a route: `{ 'POST /admin/*': (session) => … }`. All that match must say `true`. Default: nothing. */
  readonly needs?: { readonly [route: string]: Need<S> }
  /** The name of the cookie, or `false` to take only `authorization: Bearer`. Default `__Host-session`. */
  readonly cookie?: string | false
  /** Other sites whose requests by cookie are taken, such as `https://app.example.com`. Default: none. */
  readonly origins?: readonly string[]
  /** The realm that answers name. Default `api`. */
  readonly realm?: string
  /** Whether every request reads the store, so that a revocation holds at once. Default false. Sessions only. */
  readonly fresh?: boolean
}

/** The same, for a handler all of whose routes need a session. */
export type ClosedOptions<S> = Omit<AuthenticateOptions<S>, 'open' | 'internal'>

/** The middleware that {@link authenticate} makes. */
export type AuthenticateMiddleware<S> = MiddlewareObj<unknown, unknown, Error, Context & { readonly session: S }>

const originsRule: Rule = [
  'a list of origins such as "https://app.example.com"',
  (value) => Array.isArray(value) && value.every((one) => typeof one === 'string' && URL.parse(one)?.origin === one),
]
const RULES = {
  open: patternsRule,
  internal: ['{ routes, iam, secret, header }', (value: unknown) => asFields(value) !== undefined] as const,
  needs: [
    'functions by route',
    (value: unknown) => Object.values(asFields(value) ?? { none: 0 }).every((one) => functionRule[1](one)),
  ] as const,
  cookie: ['the name of a cookie, or false', (value: unknown) => value === false || cookieNameRule[1](value)] as const,
  origins: originsRule,
  realm: [
    '1 to 100 printable characters without quotes',
    (value: unknown) => matches(value, /^[ !#-[\]-~]{1,100}$/),
  ] as const,
  fresh: flagRule,
}
const [, isVerifier] = shaped('peek', 'verify')
/** Kept of the remaining time for the answer to get out, in ms. */
const MARGIN = 300
/** The longest wait for work in progress, in ms. */
const MOST_SETTLE = 1_000

/**
 * Lets a request in by the session of its bearer token or cookie, and puts it on the context as `session`. Answers 401, 403
 * or 400 as RFC 6750 says, and 503 where the store is needed and cannot tell; the reason is in events only. A request by
 * cookie that changes something must come from this site. Renewals in progress are finished after the handler. Throws
 * `TypeError` at wiring for wrong arguments.
 *
 * @example
 * ```ts
 * export const handler = middy()
 *   .use(authenticate(sessions, { needs: { 'POST /admin/*': ({ user }) => user.roles.includes('admin') } }))
 *   .handler(async (event, { session }) => ({ statusCode: 200, body: session.userId }))
 * ```
 */
export function authenticate<S>(verifier: TokenVerifier<S>, options?: ClosedOptions<S>): AuthenticateMiddleware<S>
export function authenticate<S>(
  verifier: TokenVerifier<S>,
  options: AuthenticateOptions<S>,
): AuthenticateMiddleware<S | undefined>
export function authenticate<S>(
  verifier: TokenVerifier<S>,
  options: AuthenticateOptions<S> = {},
): AuthenticateMiddleware<S | undefined> {
  if (!isVerifier(verifier)) misuse('authenticate', 'give the sessions first, as in authenticate(sessions, { … })')
  const given = checkOptions('authenticate', options, RULES)
  const { cookie = DEFAULT_NAME, origins = [], realm = 'api', fresh = false } = given
  const answers = createAnswers(realm)
  const isOpen = matchRoutes(given.open ?? [])
  const internal = createInternal(given.internal)
  const needs = Object.entries(given.needs ?? {}).map(([route, need]) => ({ isRoute: matchRoutes([route]), need }))

  const refuse = (reason: RefusalReason, answer: Answer): Answer => {
    verifier.emit?.({ type: 'session-refused', reason, key: undefined })
    return answer
  }

  /** What keeps a session from its route, if anything does. */
  const missing = (request: IncomingRequest, session: S): Answer | undefined | Promise<Answer | undefined> => {
    if (needs.length === 0) return undefined
    // A path that two routers may read in two ways could lead past a need.
    if (request.route === undefined && !isPlainPath(request.path)) return refuse('malformed', answers.invalidRequest)
    const mine = needs.filter(({ isRoute }) => isRoute(request))
    return Promise.all(mine.map(({ need }) => need(session))).then((met) =>
      met.every((one) => one === true) ? undefined : refuse('scope', answers.insufficientScope),
    )
  }

  const admit = (
    request: IncomingRequest,
    session: S,
    context: object,
  ): Answer | undefined | Promise<Answer | undefined> => {
    Object.assign(context, { session })
    return missing(request, session)
  }

  const verify = async (request: IncomingRequest, token: string, context: object): Promise<Answer | undefined> => {
    let session: S | undefined
    try {
      session = await verifier.verify(token, { fresh })
    } catch (error) {
      if (error instanceof WarmTokenError) return answers.unavailable
      throw error
    }
    // The verifier has emitted the reason.
    return session === undefined ? answers.invalidToken : admit(request, session, context)
  }

  const check = (request: IncomingRequest, context: object): Answer | undefined | Promise<Answer | undefined> => {
    if (isOpen(request)) return undefined
    if (internal?.isRoute(request) === true) return admitInternal(request)
    const found = findCredentials(request, cookie)
    if (found.outcome === 'none') return refuse('absent', answers.absent)
    if (found.outcome === 'invalid') return refuse('malformed', answers.invalidRequest)
    if (found.by === 'cookie' && isForged(request, origins)) return refuse('csrf', answers.forbidden)
    const session = fresh ? undefined : verifier.peek(found.token)
    return session === undefined ? verify(request, found.token, context) : admit(request, session, context)
  }

  const admitInternal = async (request: IncomingRequest): Promise<Answer | undefined> =>
    (await internal?.admits(request)) === true ? undefined : refuse('absent', answers.absent)

  const finish = ({ context }: { readonly context: Partial<Context> }): Promise<void> | undefined => {
    if (verifier.busy !== true) return undefined
    const left = Number(context.getRemainingTimeInMillis?.() ?? MOST_SETTLE + MARGIN) - MARGIN
    return verifier.settle?.({ timeout: Math.max(0, Math.min(left, MOST_SETTLE)) })
  }

  return {
    before: ({ event, context }) => check(readRequest(event), context),
    after: finish,
    onError: finish,
  } as AuthenticateMiddleware<S | undefined>
}
