import {
  type Answer,
  abortable,
  asFields,
  createPost,
  markAmbiguous,
  type PostOptions,
  parseJson,
  parseServerDate,
  pause,
} from '@warmtoken/core/adapter'
import { isAmbiguous, isRepeated, sdkError } from '../shared/sdk-error.ts'
import { type AwsCredentials, sign } from '../shared/sigv4.ts'
import type { Item, Output, Reply, Send } from './operations.ts'
import type { DynamoDBStoreOptions } from './options.ts'

/** Credentials, or a function that returns them. */
export type Credentials = NonNullable<DynamoDBStoreOptions['credentials']>

/** Where a table is found, by what right and by which way. */
export interface HttpsPlace extends Pick<PostOptions, 'agent'> {
  readonly region: string
  readonly endpoint: string
  readonly credentials: Credentials
}

/** The attempts at one request, as in the settings of the SDK clients of this package: they are part of the protocol. */
const ATTEMPTS = 3
/** The pause before the second attempt is at most twice this, in ms; it doubles with each attempt. */
const FIRST_PAUSE = 25
/** 16 MB, the most that DynamoDB sends for a batch, and some more. */
const MAX_ANSWER = 17 * 1024 * 1024
const POST = { connectTimeout: 300, answerTimeout: 800, maxAnswer: MAX_ANSWER } as const

/**
 * Sends by our own signed requests, without the SDK: a new environment has its first answer in half the time, because the
 * SDK takes some 35 ms to load. It repeats what the SDK repeats, and an answer that is broken or cannot be read.
 */
export function sendByHttps(place: HttpsPlace): Send {
  const attempt = makeAttempt(place)

  return async (operation, input, signal) => {
    const body = JSON.stringify(input)
    let isOpen = false
    for (let count = 1; ; count += 1) {
      try {
        const reply = await attempt(operation, body, signal)
        return reply.outcome === 'unmet' ? { ...reply, isOpen } : reply
      } catch (error) {
        isOpen ||= isAmbiguous(error)
        const cause = isOpen ? markAmbiguous(error) : error
        if (count === ATTEMPTS || signal.aborted || !(isRepeated(error) || isBroken(error))) throw cause
        await pause(FIRST_PAUSE * 2 ** count * Math.random(), signal)
      }
    }
  }
}

/** Whether the answer did not come whole, or was not DynamoDB's. A repeat is harmless: a swap is idempotent in its tag. */
function isBroken(error: unknown): boolean {
  return /^Answer(Broken|Unreadable|NotJson)$/.test(sdkError(error).name)
}

/** Errors that a wrong clock may cause (`CLOCK_SKEW_ERROR_CODES` of @smithy/core 3.41). A test compares the list. */
const OF_A_CLOCK: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'AuthFailure',
  'InvalidSignatureException',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
])

/** Whether a wrong clock may have caused this error. */
export function isOfClock(error: unknown): boolean {
  return OF_A_CLOCK.has(sdkError(error).name)
}

/** From this difference on, the SDK blames the clock, in ms. AWS accepts a signature for five minutes. */
const MIN_SKEW = 240_000

/** Sends one operation once; once more when only our clock was to blame for a refusal. */
function makeAttempt({ endpoint, region, credentials, agent }: HttpsPlace) {
  const url = new URL(endpoint)
  const { host, pathname: path } = url
  const post = createPost(url, { ...POST, agent })
  /** By how much the server's clock is ahead of ours, in ms, as far as it is known. */
  let lead = 0

  const send = async (operation: string, body: string, signal: AbortSignal) => {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    }
    const current = await abortable(currentOf(credentials), signal)
    const signedWith = lead
    const at = Date.now() + signedWith
    const signed = sign({ host, path, region, service: 'dynamodb', headers, body, at }, current)
    return { answer: await post({ path, headers: signed, body }, signal), signedWith }
  }

  return async (operation: string, body: string, signal: AbortSignal): Promise<Reply> => {
    const { answer, signedWith } = await send(operation, body, signal)
    try {
      return replyOf(answer)
    } catch (error) {
      const serverAt = isOfClock(error) ? parseServerDate(answer.headers.date)?.at : undefined
      const seen = serverAt === undefined ? undefined : serverAt - Date.now()
      // Compared with the clock that signed this request: another request may have corrected it since.
      if (seen === undefined || Math.abs(seen - signedWith) < MIN_SKEW) throw error
      lead = seen
    }
    return replyOf((await send(operation, body, signal)).answer)
  }
}

/** The credentials of this moment. Rejects as the SDK does when there are none. */
export async function currentOf(credentials: Credentials): Promise<AwsCredentials> {
  const current = typeof credentials === 'function' ? await credentials() : credentials
  if (current === undefined) throw failure('CredentialsProviderError', 'there are no credentials')
  return current
}

/** What an answer says. Throws an error in the form of the SDK's. */
function replyOf({ status, headers, text }: Answer): Reply {
  const fields = asFields(parseJson(text))
  const time = parseServerDate(headers.date)
  // A status below 400 says nothing about an answer that cannot be read.
  if (fields === undefined) throw failure('AnswerNotJson', '', status >= 400 ? status : undefined)
  if (status === 200) return { outcome: 'done', output: fields as Output, time }
  const type = String(fields['__type'] ?? `HTTP ${status}`)
  const name = type.slice(type.lastIndexOf('#') + 1)
  if (name === 'ConditionalCheckFailedException') return { outcome: 'unmet', item: fields['Item'] as Item, time }
  const message = String(fields['message'] ?? fields['Message'] ?? '')
  throw failure(/^[\w ]{1,100}$/.test(name) ? name : 'Error', message, status)
}

function failure(name: string, message: string, status?: number): Error {
  return Object.assign(new Error(message), {
    name,
    ...(status !== undefined && { $metadata: { httpStatusCode: status } }),
  })
}
