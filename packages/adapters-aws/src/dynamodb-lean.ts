import { serverTime } from './clock.ts'
import { doubt } from './doubt.ts'
import { understand } from './dynamodb-answer.ts'
import type { Credentials } from './dynamodb-credentials.ts'
import { failure, poster } from './dynamodb-exchange.ts'
import type { Send, Sent, Unmet } from './dynamodb-send.ts'
import { signerOf } from './dynamodb-sign.ts'
import { isOpen, isPassing, sdkError } from './sdk-error.ts'

/** As the settings of the SDK clients of this package: these are part of the protocol. */
const ATTEMPTS = 3
/** The pause before the next attempt, in ms: doubled each time, and spread. */
const FIRST_PAUSE = 25

/** What the SDK takes for a refusal that a wrong clock may have caused (`CLOCK_SKEW_ERROR_CODES` of `@smithy/core`). */
const OF_A_CLOCK: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'InvalidSignatureException',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
])

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(failure('AbortError', 'the call was aborted'))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** Where a table is found, and by what right. */
export interface LeanPlace {
  readonly region: string
  readonly endpoint: string
  readonly credentials: Credentials
}

/** Sends one operation, signed; again where only our clock was to blame for a refusal, and that once. */
function attemptsOn({ endpoint, region, credentials }: LeanPlace) {
  const url = new URL(endpoint)
  const post = poster(url)
  const { sign, correct } = signerOf(url, region, credentials)

  return async (operation: string, body: string, signal: AbortSignal): Promise<Sent | Unmet> => {
    const signed = await sign(operation, body, signal)
    const answer = await post(signed.headers, body, signal)
    try {
      return understand(answer)
    } catch (error) {
      const serverAt = OF_A_CLOCK.has(sdkError(error).name) ? serverTime(answer.headers['date'])?.at : undefined
      if (serverAt === undefined || !correct(signed, serverAt)) throw error
    }
    const { headers } = await sign(operation, body, signal)
    return understand(await post(headers, body, signal))
  }
}

/**
 * Sends by signed requests of our own, without the SDK: a new environment has its first answer some 35 ms sooner, for the
 * SDK takes that long to load.
 */
export function sendSigned(place: LeanPlace): Send {
  const attempt = attemptsOn(place)

  return async (operation, input, signal) => {
    const body = JSON.stringify(input)
    let isDoubted = false
    for (let count = 1; ; count += 1) {
      try {
        return await attempt(operation, body, signal)
      } catch (error) {
        const cause = error instanceof Error ? error : failure('Error', 'the request failed')
        isDoubted ||= isOpen(cause)
        if (!isPassing(cause) || count === ATTEMPTS || signal.aborted) throw isDoubted ? doubt(cause) : cause
        await pause(FIRST_PAUSE * 2 ** count * Math.random(), signal).catch((late: Error) => {
          throw isDoubted ? doubt(late) : late
        })
      }
    }
  }
}
