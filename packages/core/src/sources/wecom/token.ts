import type { Issued, TokenValue } from '../../contracts.ts'
import { type Answer, ask, checkStatus, jsonOf } from '../shared/answer.ts'
import { openSecret } from '../shared/credentials.ts'
import type { Secret } from '../shared/definition.ts'
import { type Passing, tokenIn } from '../shared/tencent-answer.ts'

/** One application of a company. */
interface Application {
  readonly baseUrl: string
  readonly corpId: string
  readonly corpSecret: Secret
}

/** The longest rest of a life that is waited out, in seconds; less is no use to anyone. */
const REST = 1
/** WeCom shuts out who asks too often for a minute at least. In ms. */
const MINUTE = 60_000

const PASSING: Passing = { '-1': {}, '45009': { retryAfter: () => MINUTE } }

/**
 * Asks for an application's token. One that is about to end is waited for to end, for until then the issuer repeats it:
 * its end cannot be met from this side without a moment in which there is no token.
 */
export async function requestCompanyToken(application: Application, signal: AbortSignal): Promise<Issued<TokenValue>> {
  const { baseUrl, corpId, corpSecret } = application
  const parameters = new URLSearchParams({
    corpid: corpId,
    corpsecret: await openSecret(corpSecret, 'corpSecret'),
  })
  // The secret is in the address: nothing may quote it. `ask` does not, and follows no redirect.
  const send = async (): Promise<Answer> => {
    const answer = await ask(`${baseUrl}/cgi-bin/gettoken?${parameters}`, { signal })
    checkStatus(answer)
    return answer
  }
  const first = await send()
  const left = jsonOf(first)['expires_in']
  if (left !== 0 && left !== REST) return read(first)
  await pause((left + 1) * 1_000, signal)
  return read(await send())
}

function read(answer: Answer): Issued<TokenValue> {
  return tokenIn(answer, jsonOf(answer), 'WECOM', PASSING)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
