import type { Issued, TokenValue } from '../../contracts.ts'
import { SourceUnavailableError } from '../../errors.ts'
import {
  askJson,
  isNothing,
  isSuccess,
  refusal,
  requireLifetime,
  retryAfterOf,
  safeCode,
  tokenOf,
} from '../shared/answer.ts'
import { openSecret } from '../shared/credentials.ts'
import type { Secret } from '../shared/definition.ts'

/** An application and where its issuer is. */
interface Application {
  readonly baseUrl: string
  readonly appKey: string
  readonly appSecret: Secret
}

/** `Forbidden.AccessDenied.QpsLimitForApi` and others alike, with HTTP 403. */
const TOO_OFTEN = /^Forbidden\.AccessDenied\.QpsLimit/

/** Asks for the token of an application. Rejects with a typed error that shows nothing of the answer but its code. */
export async function requestDingTalkToken(
  { baseUrl, appKey, appSecret }: Application,
  signal: AbortSignal,
): Promise<Issued<TokenValue>> {
  const body = { appKey, appSecret: await openSecret(appSecret, 'appSecret') }
  const { answer, fields } = await askJson(`${baseUrl}/v1.0/oauth2/accessToken`, body, { signal })
  const { code: given } = fields
  if (!isNothing(given) || !isSuccess(answer)) {
    const code = safeCode(typeof given === 'number' ? String(given) : given)
    if (code !== undefined && TOO_OFTEN.test(code)) {
      const retryAfter = retryAfterOf(answer.headers)
      throw new SourceUnavailableError(`the issuer answered ${code}`, { code, throttled: true, retryAfter })
    }
    throw refusal(answer.status, code)
  }
  return {
    value: { value: tokenOf(fields, 'accessToken'), type: 'Bearer' },
    lifetime: requireLifetime(fields, 'expireIn'),
  }
}
