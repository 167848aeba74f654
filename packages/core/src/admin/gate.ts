/** Who may come in: callers that IAM has let through, or this machine; and no request that another site has caused. @module */

import { asFields, asText, type Fields, matches, parseJson } from '../lib/parse.ts'
import { isForged } from '../sessions/csrf.ts'
import { type IncomingRequest, readRequest } from '../sessions/request.ts'
import { type AdminAnswer, refusal } from './answers.ts'

/** The longest body of a request, in characters. */
const MAX_BODY = 4_096
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/
/** Names of this machine: any other name in `host` may be one that an attacker has bound to 127.0.0.1. */
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

/** Where requests must come from. */
export type Access = 'iam' | 'loopback'

/** A request that was let in. */
export interface Admitted {
  readonly outcome: 'admitted'
  readonly request: IncomingRequest
  /** The value of a parameter of the query. */
  readonly query: (name: string) => string | undefined
  /** Who asks: the ARN of the caller, or what the options say for this machine. */
  readonly operator: string
  readonly encodings: string
  /** What stands before the path for the client: the stage of an HTTP API, such as `/dev`. */
  readonly stage: string
}

/** A request that was let in, or the answer that refuses it. */
export type Admission = Admitted | { readonly outcome: 'refused'; readonly answer: AdminAnswer }

/** Lets a request in, or refuses it. Nothing in the event is trusted but what the gateway has put there. */
export function admit(event: unknown, access: Access, localOperator: string): Admission {
  const request = readRequest(event)
  const operator = access === 'iam' ? request.userArn : isLocal(event, request) ? localOperator : undefined
  if (!operator) return refused(refusal(403, 'forbidden', REASONS[access]))
  if (!['GET', 'HEAD', 'POST'].includes(request.method))
    return refused(refusal(405, 'method', 'Use GET to read and POST to change.'))
  const isOwn = request.headers('sec-fetch-site').every((site) => ['same-origin', 'none'].includes(site))
  // Reading needs no more, for the browser shows the answer to no other site.
  if (request.method === 'POST' && (!isOwn || isForged(request, [])))
    return refused(refusal(403, 'forbidden', 'The request was caused by another site.'))
  const encodings = request.headers('accept-encoding').join(',')
  const parameters = asFields(asFields(event)?.['queryStringParameters'])
  const query = (name: string): string | undefined => asText(parameters?.[name], MAX_BODY)
  const raw = asText(asFields(event)?.['rawPath'], MAX_BODY) ?? request.path
  const stage = raw.slice(0, raw.length - request.path.length)
  return { outcome: 'admitted', request, query, operator, encodings, stage }
}

/** The JSON body of a request that changes something, or the answer that refuses it. */
export function readBody(
  event: unknown,
  request: IncomingRequest,
):
  | { readonly outcome: 'read'; readonly fields: Fields }
  | { readonly outcome: 'refused'; readonly answer: AdminAnswer } {
  // A form of another site cannot send this type without asking first, and nobody answers that it may.
  const [type, ...more] = request.headers('content-type')
  if (!matches(type, /^application\/json\s*(;|$)/i) || more.length > 0)
    return refused(refusal(415, 'content-type', 'Send application/json.'))
  const { body, isBase64Encoded } = asFields(event) ?? {}
  const text = typeof body === 'string' ? body : ''
  if (text.length > MAX_BODY) return refused(refusal(413, 'body', `The body must have at most ${MAX_BODY} characters.`))
  const fields = asFields(parseJson(isBase64Encoded === true ? Buffer.from(text, 'base64').toString() : text))
  return fields === undefined
    ? refused(refusal(400, 'body', 'The body must be a JSON object.'))
    : { outcome: 'read', fields }
}

const REASONS: { readonly [A in Access]: string } = {
  iam: 'The admin function takes only requests that IAM has let through: set the authorizer of its route or function URL to AWS_IAM.',
  loopback: 'The admin function takes only requests of this machine, by the address 127.0.0.1 or the name localhost.',
}

function isLocal(event: unknown, request: IncomingRequest): boolean {
  const context = asFields(asFields(event)?.['requestContext'])
  const address = asFields(context?.['http'])?.['sourceIp'] ?? asFields(context?.['identity'])?.['sourceIp']
  const hosts = request.headers('host')
  return matches(address, LOOPBACK) && hosts.length === 1 && matches(hosts[0], LOCAL_HOST)
}

function refused(answer: AdminAnswer): { readonly outcome: 'refused'; readonly answer: AdminAnswer } {
  return { outcome: 'refused', answer }
}
