import type { Issued, TokenValue } from '../../contracts.ts'
import { SourceUnavailableError } from '../../errors.ts'
import { asFields, type Fields, isTokenType, parseJson } from '../../lib/parse.ts'
import {
  type Answer,
  checkStatus,
  dateOf,
  fieldsOf,
  isNothing,
  isSuccess,
  jsonOf,
  lifetimeOf,
  refusal,
  safeCode,
  tokenOf,
} from '../shared/answer.ts'
import type { TokenReading } from './options.ts'

/** Error codes of RFC 6749 §5.2 and others that may pass on their own. */
const PASSING = ['temporarily_unavailable', 'server_error', 'slow_down']
/** The lifetime of a token whose issuer does not state it, in ms. */
const USUAL_LIFETIME = 300_000
/** The `Date` header is cut to a whole second, so the answer may be younger by almost one, in ms. */
const DATE_PRECISION = 1_000

/** How an answer is read. */
export interface Reading extends TokenReading {
  /** Take a token type that is not a word for `Bearer`: the answer has spent what cannot be spent twice. */
  readonly lenient?: boolean
  /** Whether the token must be bound to a key (DPoP). */
  readonly bound?: boolean
  /** The issuer's time where an answer does not state it, in ms since 1970. */
  readonly serverTime?: number | undefined
}

/** A token, and the fields of the answer that it came in. */
export interface TokenAnswer {
  readonly issued: Issued<TokenValue>
  /** Untrusted. */
  readonly fields: Fields
}

/** The token in an answer. Errors also come with status 200, so the body is looked at first. */
export function readToken(answer: Answer, reading: Reading): TokenAnswer {
  checkStatus(answer)
  const fields = isSuccess(answer) ? jsonOf(answer) : fieldsOf(answer)
  if (!isSuccess(answer) || !isNothing(fields['error'])) {
    const code = safeCode(fields['error'])
    if (code !== undefined && PASSING.includes(code))
      throw new SourceUnavailableError(`the issuer answered ${code}`, { code })
    throw refusal(answer.status, code)
  }
  const value = tokenOf(fields, reading.tokenField ?? 'access_token')
  const type = schemeOf(fields['token_type'], reading)
  return { issued: { value: { value, type }, ...readLifetime(answer, fields, { ...reading, value }) }, fields }
}

/** RFC 6749 §7.1: the type is case-insensitive; APIs are not always. */
const WRITTEN: { readonly [type: string]: string } = { bearer: 'Bearer', dpop: 'DPoP' }
/** Words for a bearer token that no API takes as a scheme: Apigee's, those of gateways, and "not applicable" (RFC 8693). */
const BEARER_WORDS = ['', 'bearertoken', 'accesstoken', 'jwt', 'na']

/** The scheme for the `authorization` header. */
function schemeOf(given: unknown, { scheme, tokenField = 'access_token', lenient, bound }: Reading): string {
  const type = isNothing(given) ? '' : typeof given === 'string' ? given.trim() : undefined
  // RFC 9449 §5: a client that requires a bound token must not take one that is not.
  if (bound && type?.toLowerCase() !== 'dpop')
    throw new SourceUnavailableError('the issuer gave a token that is not bound to the key', { code: 'BAD_TOKEN' })
  if (scheme !== undefined) return scheme
  // The type describes the access token.
  if (tokenField !== 'access_token') return 'Bearer'
  if (type !== undefined && BEARER_WORDS.includes(type.toLowerCase().replace(/[^a-z]/g, ''))) return 'Bearer'
  if (isTokenType(type)) return WRITTEN[type.toLowerCase()] ?? type
  if (lenient) return 'Bearer'
  throw new SourceUnavailableError('the issuer\'s "token_type" is not a word; set option "scheme"', {
    code: 'BAD_TOKEN',
  })
}

/** How long the token lives: by its own `exp` where it is not the access token, else by `expires_in`, else by the option. */
function readLifetime(
  answer: Answer,
  fields: Fields,
  { lifetime, maxLifetime, tokenField = 'access_token', serverTime, value }: Reading & { readonly value: string },
): { readonly lifetime: number; readonly assumed?: string } {
  const expiry = tokenField === 'access_token' ? undefined : expiryOf(value)
  if (expiry !== undefined) {
    const now = dateOf(answer) ?? serverTime ?? Date.now()
    const left = lifetimeOf((expiry - now - DATE_PRECISION) / 1_000, maxLifetime)
    if (left !== undefined) return { lifetime: left }
    throw new SourceUnavailableError(`the issuer's "${tokenField}" has expired by its "exp"`, { code: 'BAD_LIFE' })
  }
  const stated = lifetimeOf(fields['expires_in'], maxLifetime)
  if (stated !== undefined) return { lifetime: stated }
  return lifetime === undefined ? { lifetime: USUAL_LIFETIME, assumed: 'lifetime' } : { lifetime }
}

/** The `exp` of a JWT, in ms since 1970; `undefined` of any other token. It is not verified: the issuer just sent it. */
function expiryOf(token: string): number | undefined {
  const [, payload = ''] = token.split('.')
  const exp = asFields(parseJson(Buffer.from(payload, 'base64url').toString('utf8')))?.['exp']
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1_000 : undefined
}
