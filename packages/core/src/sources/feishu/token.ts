import type { Issued, TokenValue } from '../../contracts.ts'
import { SourceRefusedError, SourceUnavailableError } from '../../errors.ts'
import type { Fields } from '../../lib/parse.ts'
import {
  type Answer,
  ask,
  checkStatus,
  isSuccess,
  jsonOf,
  refusal,
  requireLifetime,
  retryAfterOf,
  tokenOf,
} from '../shared/answer.ts'
import { openSecret } from '../shared/credentials.ts'
import type { Secret } from '../shared/definition.ts'

/** An app and where its issuer is. */
export interface FeishuApp {
  readonly baseUrl: string
  readonly appId: string
  readonly appSecret: Secret
}

/** The field of an answer that holds the token; also the name of its endpoint. */
export type TokenField = 'tenant_access_token' | 'app_access_token'

/** What one fetch sends with every request. The secret is read once for all of them. */
export interface Conversation {
  readonly baseUrl: string
  readonly credentials: { readonly app_id: string; readonly app_secret: string }
  readonly signal: AbortSignal
}

/** "request trigger frequency limit". Older endpoints send it with HTTP 400 (page "Rate limits" of the platform). */
const TOO_OFTEN = 99991400
/** The app ticket is not valid, or no longer. */
export const TICKET_REFUSED = 10012
/** Internal errors, by the platform's list of generic codes. */
const PASSING: readonly unknown[] = [TICKET_REFUSED, 1500, 1503, 1551, 1557, 2200, 55001]

/** Begins a fetch. Rejects with `SourceRefusedError` when the secret is none. */
export async function converse({ baseUrl, appId, appSecret }: FeishuApp, signal: AbortSignal): Promise<Conversation> {
  return {
    baseUrl,
    credentials: { app_id: appId, app_secret: await openSecret(appSecret, 'appSecret') },
    signal,
  }
}

/**
 * Sends one request to the issuer, and resolves to its answer when that is a success. Rejects with a typed error whose
 * code is the issuer's behind a prefix, `FEISHU_10014`; nothing else of the answer is shown.
 */
export async function post({ baseUrl, signal }: Conversation, path: string, body: unknown): Promise<Fields> {
  const answer = await ask(`${baseUrl}/open-apis/auth/v3/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', accept: 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  if (answer.status === 429) throw tooOften(answer, 'HTTP_429')
  checkStatus(answer)
  const fields = jsonOf(answer)
  const { code } = fields
  if (!Number.isSafeInteger(code))
    throw new SourceUnavailableError('the issuer\'s "code" is not a whole number', { code: 'BAD_ANSWER' })
  if (code !== 0) throw errorOf(code, answer)
  if (!isSuccess(answer)) throw refusal(answer.status, undefined)
  return fields
}

function errorOf(code: unknown, answer: Answer): SourceRefusedError | SourceUnavailableError {
  const name = codeOf(code)
  if (code === TOO_OFTEN) return tooOften(answer, name)
  if (PASSING.includes(code)) return new SourceUnavailableError(`the issuer answered ${name}`, { code: name })
  return new SourceRefusedError(`the issuer refused (${name})`, { code: name })
}

/** The code of an error, as it is shown. */
export function codeOf(code: unknown): string {
  return `FEISHU_${code}`
}

/** Besides `Retry-After` the platform has a header of its own, in seconds. */
function tooOften({ headers }: Answer, code: string): SourceUnavailableError {
  const reset = headers.get('x-ogw-ratelimit-reset') ?? ''
  const retryAfter = retryAfterOf(headers) ?? (/^\d{1,9}$/.test(reset) ? Number(reset) * 1_000 : undefined)
  return new SourceUnavailableError(`the issuer answered ${code}`, { code, throttled: true, retryAfter })
}

/** The token in an answer, with its life. */
export function issuedIn(fields: Fields, field: TokenField): Issued<TokenValue> {
  return {
    value: { value: tokenOf(fields, field), type: 'Bearer' },
    lifetime: requireLifetime(fields, 'expire'),
  }
}

/** Asks for a token of your own app. */
export async function requestInternalToken(
  app: FeishuApp,
  field: TokenField,
  signal: AbortSignal,
): Promise<Issued<TokenValue>> {
  const conversation = await converse(app, signal)
  return issuedIn(await post(conversation, `${field}/internal`, conversation.credentials), field)
}
