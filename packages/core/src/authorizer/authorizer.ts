/**
 * Lambda authorizers for API Gateway. Bad credentials are answered by a refusal, which the gateway makes a 403, and never by
 * an error. Where the store is needed and cannot answer they throw: a 500, so that an outage signs nobody out. The time
 * to a revocation is `recheck` plus the TTL of the gateway's cache: always write the TTL down, because REST APIs cache for
 * 300 s when it is left out.
 *
 * @module
 */

import { checkOptions, misuse, type Rule, shaped } from '../lib/options.ts'
import { asFields, isTime } from '../lib/parse.ts'
import { cookieNameRule, DEFAULT_NAME } from '../sessions/cookie.ts'
import { findCredentials } from '../sessions/credentials.ts'
import { isForged } from '../sessions/csrf.ts'
import type { RefusalReason } from '../sessions/events.ts'
import { readRequest } from '../sessions/request.ts'
import type { TokenVerifier } from '../sessions/verifier.ts'
import type { Tickets } from './tickets.ts'

export { createTickets, type Tickets, type TicketsOptions } from './tickets.ts'

/** What a function behind the gateway gets of the caller: the gateway passes flat texts only. */
export interface AuthorizerContext {
  /** The id of the user, or the subject of a JWT. */
  readonly user: string
  /** The id of the session, or the id of a JWT. */
  readonly session: string
  /** Everything about it, as JSON. */
  readonly data: string
}

/** The answer of an authorizer with simple responses. */
export interface SimpleAnswer {
  readonly isAuthorized: boolean
  readonly context?: AuthorizerContext
}

/** The answer of an authorizer with a policy. */
export interface PolicyAnswer {
  readonly principalId: string
  readonly policyDocument: {
    readonly Version: '2012-10-17'
    readonly Statement: readonly [
      { readonly Action: 'execute-api:Invoke'; readonly Effect: 'Allow' | 'Deny'; readonly Resource: string },
    ]
  }
  readonly context?: AuthorizerContext
}

/** How an authorizer works. */
export interface AuthorizerOptions {
  /** The name of the cookie, or `false` to take only `authorization: Bearer`. Default `__Host-session`. */
  readonly cookie?: string | false
  /** Other sites whose requests by cookie are taken. Default: none. */
  readonly origins?: readonly string[]
}

/** How {@link restAuthorizer} works. */
export interface RestAuthorizerOptions extends AuthorizerOptions {
  /**
   * The TTL that the gateway is configured with, in seconds. Default 0. With a TTL the policy covers the whole stage, because
   * one for a single method would deny the next: check roles in the functions then.
   */
  readonly ttl?: number
}

/** How {@link webSocketAuthorizer} works. */
export interface WebSocketAuthorizerOptions {
  /** The parameter of the query string that holds the ticket. Default `ticket`. */
  readonly parameter?: string
}

const RULES = {
  cookie: ['the name of a cookie, or false', (value: unknown) => value === false || cookieNameRule[1](value)] as Rule,
  origins: [
    'a list of origins such as "https://app.example.com"',
    (value: unknown) => Array.isArray(value) && value.every((one) => URL.parse(String(one))?.origin === one),
  ] as Rule,
}
const ttlRule: Rule = ['0 to 3600, in seconds', (value) => isTime(value) && value <= 3_600]
const [, isVerifier] = shaped('peek', 'verify')
const [, isTickets] = shaped('redeem')

/** An authorizer of an HTTP API: `payloadVersion: '2.0'`, `enableSimpleResponses: true`. */
export function httpAuthorizer<S>(
  verifier: TokenVerifier<S>,
  options: AuthorizerOptions = {},
): (event: unknown) => Promise<SimpleAnswer> {
  const judge = createJudge('httpAuthorizer', verifier, checkOptions('httpAuthorizer', options, RULES))
  return async (event) => {
    const session = await judge(event)
    return session === undefined ? { isAuthorized: false } : { isAuthorized: true, context: contextOf(session) }
  }
}

/** An authorizer of a REST API, of type `request` or `token`. */
export function restAuthorizer<S>(
  verifier: TokenVerifier<S>,
  options: RestAuthorizerOptions = {},
): (event: unknown) => Promise<PolicyAnswer> {
  const { ttl = 0, ...more } = checkOptions('restAuthorizer', options, { ...RULES, ttl: ttlRule })
  const judge = createJudge('restAuthorizer', verifier, more)
  return async (event) => {
    const arn = arnOf(event)
    // `arn:…:api/stage/METHOD/path`
    const resource = ttl > 0 ? `${arn.split('/', 2).join('/')}/*` : arn
    return policy(await judge(event), resource)
  }
}

/** An authorizer of `$connect` of a WebSocket API: spends the ticket in the query string. */
export function webSocketAuthorizer<Data, User>(
  tickets: Pick<Tickets<Data, User>, 'redeem'>,
  options: WebSocketAuthorizerOptions = {},
): (event: unknown) => Promise<PolicyAnswer> {
  if (!isTickets(tickets)) misuse('webSocketAuthorizer', 'give what createTickets returned')
  const parameterRule: Rule = ['the name of a parameter', (value) => /^[\w-]{1,40}$/.test(String(value))]
  const { parameter = 'ticket' } = checkOptions('webSocketAuthorizer', options, { parameter: parameterRule })
  return async (event) => {
    const ticket = asFields(asFields(event)?.['queryStringParameters'])?.[parameter]
    return policy(await tickets.redeem(ticket), arnOf(event))
  }
}

/** Decides about a request. */
function createJudge<S>(
  where: string,
  verifier: TokenVerifier<S>,
  { cookie = DEFAULT_NAME, origins = [] }: AuthorizerOptions,
): (event: unknown) => Promise<S | undefined> {
  if (!isVerifier(verifier)) misuse(where, 'give the sessions first')
  const refuse = (reason: RefusalReason): undefined => {
    verifier.emit?.({ type: 'session-refused', reason, key: undefined })
    return undefined
  }

  return async (event) => {
    const request = readRequest(withToken(event))
    const found = findCredentials(request, cookie)
    if (found.outcome === 'none') return refuse('absent')
    if (found.outcome === 'invalid') return refuse('malformed')
    if (found.by === 'cookie' && isForged(request, origins)) return refuse('csrf')
    const session = verifier.peek(found.token) ?? (await verifier.verify(found.token))
    // An authorizer has nothing after it: what is in progress must end here.
    if (verifier.busy === true) await verifier.settle?.({ timeout: 1_000 })
    return session
  }
}

/** An authorizer of type `token` gets the header alone. */
function withToken(event: unknown): unknown {
  const fields = asFields(event)
  const token = fields?.['authorizationToken']
  return fields?.['type'] === 'TOKEN' ? { headers: { authorization: token } } : event
}

function arnOf(event: unknown): string {
  const arn = asFields(event)?.['methodArn']
  return typeof arn === 'string' ? arn : misuse('authorizer', 'the event has no "methodArn"; use it as an authorizer')
}

function policy(session: unknown, resource: string): PolicyAnswer {
  const isGood = session !== undefined
  const context = isGood ? contextOf(session) : undefined
  return {
    principalId: context?.user ?? 'anonymous',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: isGood ? 'Allow' : 'Deny', Resource: resource }],
    },
    ...(context && { context }),
  }
}

/** Of a session, or of the claims of a JWT. */
function contextOf(session: unknown): AuthorizerContext {
  const fields = asFields(session) ?? {}
  const { userId, id, user, data } = fields
  if (typeof userId === 'string') return { user: userId, session: String(id), data: JSON.stringify({ user, data }) }
  return { user: String(fields['sub'] ?? ''), session: String(fields['jti'] ?? ''), data: JSON.stringify(fields) }
}
