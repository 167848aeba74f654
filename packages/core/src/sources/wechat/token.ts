import type { FetchRequest, Issued, TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { type Answer, ask, askJson, checkStatus, dateOf, jsonOf } from '../shared/answer.ts'
import { openSecret } from '../shared/credentials.ts'
import type { Secret } from '../shared/definition.ts'
import { type Passing, tokenIn } from '../shared/tencent-answer.ts'

/** The account, as both requests need it. */
interface Account {
  readonly baseUrl: string
  readonly appId: string
  readonly secret: Secret
}

/** An hour and a minute, in ms. */
const HOUR = 3_600_000
const MINUTE = 60_000
/** WeChat counts its days in China, UTC+8 all the year. */
const DAY = 24 * HOUR
const CHINA = 8 * HOUR

/** The quota of the day is over until midnight, unless someone clears it: so a look each hour. */
function untilQuota(answer: Answer): number {
  const now = dateOf(answer) ?? Date.now()
  return Math.min(HOUR, DAY - ((now + CHINA) % DAY))
}

const PASSING: Passing = {
  '-1': {},
  '45009': { retryAfter: untilQuota },
  '45011': { retryAfter: () => MINUTE },
}

/** Asks for the stable token; for another one when the API refused the one that comes. */
export async function requestStableToken(
  { baseUrl, appId, secret }: Account,
  { rejected, signal }: Pick<FetchRequest<undefined>, 'rejected' | 'signal'>,
): Promise<Issued<TokenValue>> {
  const account = {
    grant_type: 'client_credential',
    appid: appId,
    secret: await openSecret(secret, 'secret'),
  }
  const send = async (more: { readonly force_refresh?: true }): Promise<Issued<TokenValue>> => {
    const { answer, fields } = await askJson(`${baseUrl}/cgi-bin/stable_token`, { ...account, ...more }, { signal })
    return tokenIn(answer, fields, 'WECHAT', PASSING)
  }
  const issued = await send({})
  // Forcing is allowed twenty times a day, so never before the plain way has failed.
  if (rejected === undefined || fingerprint(issued.value.value) !== rejected) return issued
  return send({ force_refresh: true })
}

/** Asks for a token by the older call, which replaces the one before. */
export async function requestReplacingToken(
  { baseUrl, appId, secret }: Account,
  { signal }: Pick<FetchRequest<undefined>, 'signal'>,
): Promise<Issued<TokenValue>> {
  const parameters = new URLSearchParams({
    grant_type: 'client_credential',
    appid: appId,
    secret: await openSecret(secret, 'secret'),
  })
  // The secret is in the address: nothing may quote it. `ask` does not, and follows no redirect.
  const answer = await ask(`${baseUrl}/cgi-bin/token?${parameters}`, { signal })
  checkStatus(answer)
  return tokenIn(answer, jsonOf(answer), 'WECHAT', PASSING)
}
