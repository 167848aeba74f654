import type { Issued, TokenValue } from '../../contracts.ts'
import { SourceRefusedError, SourceUnavailableError } from '../../errors.ts'
import type { Fields } from '../../lib/parse.ts'
import { type Answer, isSuccess, refusal, requireLifetime, tokenOf } from './answer.ts'

/** Error codes that may pass on their own; `retryAfter` in ms where the issuer asks for patience. */
export type Passing = { readonly [errcode: string]: { readonly retryAfter?: (answer: Answer) => number } }

/**
 * The token in an answer of WeChat or WeCom. `errcode` is the error, with HTTP 200. Throws a typed error whose code is
 * the issuer's behind a prefix: `WECHAT_40013`. Nothing else of the answer is shown.
 */
export function tokenIn(answer: Answer, fields: Fields, prefix: string, passing: Passing): Issued<TokenValue> {
  const { errcode = 0 } = fields
  if (!Number.isSafeInteger(errcode))
    throw new SourceUnavailableError('the issuer\'s "errcode" is not a whole number', { code: 'BAD_ANSWER' })
  if (errcode !== 0) throw errorOf(String(errcode), answer, prefix, passing)
  if (!isSuccess(answer)) throw refusal(answer.status, undefined)
  const value = tokenOf(fields, 'access_token')
  return { value: { value, type: 'Bearer' }, lifetime: requireLifetime(fields, 'expires_in') }
}

function errorOf(
  errcode: string,
  answer: Answer,
  prefix: string,
  passing: Passing,
): SourceRefusedError | SourceUnavailableError {
  const code = `${prefix}_${errcode}`
  if (!Object.hasOwn(passing, errcode)) return new SourceRefusedError(`the issuer refused (${code})`, { code })
  const retryAfter = passing[errcode]?.retryAfter?.(answer)
  return new SourceUnavailableError(`the issuer answered ${code}`, {
    code,
    retryAfter,
    throttled: retryAfter !== undefined,
  })
}
