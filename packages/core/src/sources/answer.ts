import { SourceRefusedError, SourceUnavailableError } from '../errors.ts'
import { asFields, asText, type Fields, parseJson } from '../parse.ts'

/** The largest answer of an issuer that is read, in bytes. */
export const MAX_ANSWER: number = 64 * 1024
/** The longest life that is believed, in seconds: ten years. */
const MAX_LIFE_SECONDS = 10 * 365 * 86_400

/** An issuer's answer, read whole and bounded. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/**
 * Sends a request to an issuer. A redirect is not followed (it would carry the secret elsewhere) and a body over 64 KB
 * is not read to its end. Rejects with `SourceUnavailableError`, whose text holds nothing of the answer.
 */
export const ask = async (url: string, init: RequestInit): Promise<Answer> => {
  let response: Response
  try {
    response = await fetch(url, { ...init, redirect: 'manual' })
  } catch {
    // The cause may name addresses with a secret in them, so it goes no further.
    throw new SourceUnavailableError('the issuer could not be reached', { code: 'SOURCE_UNREACHABLE' })
  }
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel()
    throw new SourceUnavailableError(`the issuer answered with a redirect (${response.status})`, {
      code: 'SOURCE_REDIRECT',
    })
  }
  return { status: response.status, headers: response.headers, text: await readBounded(response) }
}

const readBounded = async (response: Response): Promise<string> => {
  if (response.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of response.body) {
      size += chunk.byteLength
      if (size > MAX_ANSWER) break
      chunks.push(chunk)
    }
  } catch {
    throw new SourceUnavailableError('the answer of the issuer broke off', { code: 'SOURCE_BROKEN' })
  }
  if (size > MAX_ANSWER)
    throw new SourceUnavailableError(`the answer of the issuer is larger than ${MAX_ANSWER} bytes`, {
      code: 'SOURCE_TOO_LARGE',
    })
  return Buffer.concat(chunks).toString('utf8')
}

/** The answer as a JSON object. Throws `SourceUnavailableError` when it is none. */
export const jsonOf = (answer: Answer): Fields => {
  const fields = asFields(parseJson(answer.text))
  if (fields === undefined)
    throw new SourceUnavailableError(`the issuer answered ${answer.status} with something that is not a JSON object`, {
      code: 'BAD_ANSWER',
    })
  return fields
}

/** Throws for an answer that is a passing fault whatever its body says: 429 and 5xx. */
export const checkStatus = ({ status, headers }: Answer): void => {
  if (status !== 429 && status < 500) return
  const options = { code: `HTTP_${status}`, throttled: status === 429, retryAfter: retryAfterOf(headers) }
  throw new SourceUnavailableError(`the issuer answered ${status}`, options)
}

/** `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in ms. */
export const retryAfterOf = (headers: Headers): number | undefined => {
  const text = headers.get('retry-after')
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const until = Date.parse(text)
  const now = Date.parse(headers.get('date') ?? '') || Date.now()
  return Number.isNaN(until) ? undefined : Math.max(0, until - now)
}

/** An error code fit to be shown: short and of plain characters. Anything else is not repeated. */
export const safeCode = (code: unknown): string | undefined => {
  const text = asText(code, 64)
  return text !== undefined && /^[\w.:-]+$/.test(text) ? text : undefined
}

/** A life in seconds, from an answer, in ms. Throws `SourceUnavailableError` that names the field. */
export const lifeOf = (seconds: unknown, field: string, acceptText: boolean): number => {
  const number = acceptText && typeof seconds === 'string' && /^\d{1,10}$/.test(seconds) ? Number(seconds) : seconds
  if (typeof number === 'number' && number > 0 && number <= MAX_LIFE_SECONDS) return number * 1_000
  throw new SourceUnavailableError(`the issuer's "${field}" is not a number of seconds from 1 to ${MAX_LIFE_SECONDS}`, {
    code: 'BAD_LIFE',
  })
}

/** The refusal of an issuer, by its error code only. */
export const refusal = (status: number, code: string | undefined): SourceRefusedError =>
  new SourceRefusedError(`the issuer refused (${status}${code === undefined ? '' : `, ${code}`})`, {
    code: code ?? `HTTP_${status}`,
  })
