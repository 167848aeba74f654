import { SourceRefusedError, SourceUnavailableError } from '../../errors.ts'
import { asFields, type Fields, isToken } from '../../lib/parse.ts'
import { asText, parseJson } from './text.ts'

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
export async function ask(url: string, init: RequestInit): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(url, { ...init, redirect: 'manual' })
  } catch (error) {
    // The cause may name addresses with a secret in them, so it goes no further.
    const options = { code: 'SOURCE_UNREACHABLE', nothingDone: wasNeverSent(error) }
    throw new SourceUnavailableError('the issuer could not be reached', options)
  }
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel()
    throw new SourceUnavailableError(`the issuer answered with a redirect (${response.status})`, {
      code: 'SOURCE_REDIRECT',
    })
  }
  return { status: response.status, headers: response.headers, text: await readBounded(response) }
}

/** Codes of a `fetch` that found no one to connect to. After others, a closed connection above all, nobody knows. */
const NEVER_SENT: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']

function wasNeverSent(error: unknown): boolean {
  return NEVER_SENT.includes(asFields(asFields(error)?.['cause'])?.['code'])
}

async function readBounded(response: Response): Promise<string> {
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
export function jsonOf(answer: Answer): Fields {
  const fields = asFields(parseJson(answer.text))
  if (fields === undefined)
    throw new SourceUnavailableError(`the issuer answered ${answer.status} with something that is not a JSON object`, {
      code: 'BAD_ANSWER',
    })
  return fields
}

/** Throws for an answer that is a passing fault whatever its body says: 429 and 5xx. */
export function checkStatus({ status, headers }: Answer): void {
  if (status !== 429 && status < 500) return
  const options = { code: `HTTP_${status}`, throttled: status === 429, retryAfter: retryAfterOf(headers) }
  throw new SourceUnavailableError(`the issuer answered ${status}`, options)
}

/** `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in ms. */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const until = Date.parse(text)
  const now = Date.parse(headers.get('date') ?? '') || Date.now()
  return Number.isNaN(until) ? undefined : Math.max(0, until - now)
}

/** An error code fit to be shown: short and of plain characters. Anything else is not repeated. */
export function safeCode(code: unknown): string | undefined {
  const text = asText(code, 64)
  return text !== undefined && /^[\w.:-]+$/.test(text) ? text : undefined
}

/** A life in seconds, from an answer, in ms. Throws `SourceUnavailableError` that names the field. */
export function lifeOf(seconds: unknown, field: string, acceptText: boolean): number {
  const number = acceptText && typeof seconds === 'string' && /^\d{1,10}$/.test(seconds) ? Number(seconds) : seconds
  if (typeof number === 'number' && number > 0 && number <= MAX_LIFE_SECONDS) return number * 1_000
  throw new SourceUnavailableError(`the issuer's "${field}" is not a number of seconds from 1 to ${MAX_LIFE_SECONDS}`, {
    code: 'BAD_LIFE',
  })
}

/** The refusal of an issuer, by its error code only. */
export function refusal(status: number, code: string | undefined): SourceRefusedError {
  return new SourceRefusedError(`the issuer refused (${status}${code === undefined ? '' : `, ${code}`})`, {
    code: code ?? `HTTP_${status}`,
  })
}

/** Sends JSON to an issuer and reads the JSON object it answers, whatever the status below 500 but 429. */
export async function askJson(
  url: string,
  body: unknown,
  { signal, headers }: { readonly signal: AbortSignal; readonly headers?: { readonly [name: string]: string } },
): Promise<{ readonly answer: Answer; readonly fields: Fields }> {
  const answer = await ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', accept: 'application/json', ...headers },
    body: JSON.stringify(body),
    signal,
  })
  checkStatus(answer)
  return { answer, fields: jsonOf(answer) }
}

/** The token in a field of an answer. Throws `SourceUnavailableError` that names the field and shows nothing of it. */
export function tokenOf(fields: Fields, field: string): string {
  const value = fields[field]
  if (isToken(value)) return value
  throw new SourceUnavailableError(`the issuer's answer has no "${field}" of 1 to 65,536 printable characters`, {
    code: 'BAD_TOKEN',
  })
}

/** A secret fit to be sent. What a function gave may be anything; the error shows nothing of it. */
export function checkSecret(secret: unknown, option: string): string {
  if (typeof secret === 'string' && secret !== '') return secret
  throw new SourceRefusedError(`what option "${option}" gave is not a text, or an empty one`, { code: 'BAD_SECRET' })
}
