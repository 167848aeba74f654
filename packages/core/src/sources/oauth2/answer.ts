import type { Issued, TokenValue } from '../../contracts.ts'
import { SourceUnavailableError } from '../../errors.ts'
import { asFields, type Fields, isTokenType } from '../../lib/parse.ts'
import { type Answer, checkStatus, jsonOf, lifeOf, refusal, safeCode, tokenOf } from '../shared/answer.ts'
import { parseJson } from '../shared/text.ts'

/** Error codes of RFC 6749 §5.2 and others that may pass by themselves. */
const PASSING = ['temporarily_unavailable', 'server_error', 'slow_down']
/** The life of a token whose issuer does not tell it, in ms. */
const USUAL_LIFE = 300_000
/** RFC 6749 §7.1: the type is case-insensitive; APIs are not always. */
const WRITTEN: { readonly [type: string]: string } = { bearer: 'Bearer', dpop: 'DPoP' }

/** How an answer is read. */
export interface Reading {
  /** The life of a token whose issuer does not tell it, in ms. */
  readonly lifetime?: number | undefined
  /** Accept `expires_in` as text. */
  readonly acceptStringLife?: boolean | undefined
  /**
   * Forgive a missing type and a life that makes no sense: the answer has spent what cannot be spent twice, so it must
   * not be thrown away for its small print.
   */
  readonly lenient?: boolean
}

/** A token, and the fields of the answer that it came in. */
export interface TokenAnswer {
  readonly issued: Issued<TokenValue>
  /** Untrusted. */
  readonly fields: Fields
}

/** The fields of an answer, of an error too; empty when it is no JSON object. */
export function fieldsOf(answer: Answer): Fields {
  return asFields(parseJson(answer.text)) ?? {}
}

/** The token in an answer. Errors also come with status 200, so the body is asked first. */
export function readToken(answer: Answer, reading: Reading): TokenAnswer {
  checkStatus(answer)
  const fields = answer.status === 200 ? jsonOf(answer) : fieldsOf(answer)
  const code = safeCode(fields['error'])
  if (fields['error'] !== undefined || answer.status !== 200) {
    if (code !== undefined && PASSING.includes(code))
      throw new SourceUnavailableError(`the issuer answered ${code}`, { code })
    throw refusal(answer.status, code)
  }
  const value = tokenOf(fields, 'access_token')
  const given = fields['token_type']
  const type = reading.lenient && !isTokenType(given) ? 'Bearer' : given
  if (!isTokenType(type))
    throw new SourceUnavailableError('the issuer\'s answer has no "token_type"', { code: 'BAD_TOKEN' })
  const written = WRITTEN[type.toLowerCase()] ?? type
  return { issued: { value: { value, type: written }, lifetime: readLife(fields['expires_in'], reading) }, fields }
}

function readLife(seconds: unknown, { lifetime = USUAL_LIFE, acceptStringLife = false, lenient }: Reading): number {
  if (seconds === undefined) return lifetime
  try {
    return lifeOf(seconds, 'expires_in', acceptStringLife || lenient === true)
  } catch (error) {
    if (lenient) return lifetime
    throw error
  }
}
