import { SourceRefusedError, SourceUnavailableError } from '../../errors.ts'
import { asFields, asText, type Fields, isToken, parseJson } from '../../lib/parse.ts'
import { systemCodeOf } from '../../lib/system-code.ts'

/** The largest answer of an issuer that is read, in bytes. */
export const MAX_ANSWER: number = 64 * 1024
/** The longest lifetime of a token unless an option says otherwise, in ms: 400 days. */
const MAX_LIFETIME = 400 * 86_400_000

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
    // The cause may name addresses with a secret in them, so only its code and the host are shown.
    const systemCode = systemCodeOf(error)
    throw new SourceUnavailableError(
      `the issuer at ${new URL(url).host} could not be reached${systemCode === undefined ? '' : ` (${systemCode})`}`,
      { code: 'SOURCE_UNREACHABLE', systemCode, nothingDone: wasNeverSent(error) },
    )
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

/** The fields of an answer, whatever its status; empty when it is not a JSON object. A byte order mark is skipped. */
export function fieldsOf({ text }: Answer): Fields {
  return asFields(parseJson(text.replace(/^\uFEFF/, ''))) ?? {}
}

/** The answer as a JSON object. Throws `SourceUnavailableError` when it is none. */
export function jsonOf(answer: Answer): Fields {
  const fields = asFields(parseJson(answer.text.replace(/^\uFEFF/, '')))
  if (fields !== undefined) return fields
  throw new SourceUnavailableError(
    isHtml(answer)
      ? `the issuer answered ${answer.status} with HTML instead of JSON; check the address, and what stands before it`
      : `the issuer answered ${answer.status} with something that is not a JSON object`,
    { code: 'BAD_ANSWER' },
  )
}

/** Whether a web page came instead of an answer, as a firewall or a proxy sends it. */
function isHtml({ headers, text }: Answer): boolean {
  return /\bhtml\b/i.test(headers.get('content-type') ?? '') || /^\s*<(!doctype|html)\b/i.test(text)
}

/** The longest text of others in a message, in characters. */
const MAX_SHOWN = 200

/** Text from outside as a message may show it: without control and formatting characters, and bounded. */
export function printable(text: string): string {
  const clean = text.slice(0, MAX_SHOWN).replace(/\p{C}/gu, '?')
  return text.length > MAX_SHOWN ? `${clean}…` : clean
}

/** Whether a field says nothing: many issuers send `null`, `false` or an empty text where there is no error. */
export function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === false
}

/** Whether the issuer took the request: any 2xx. */
export function isSuccess({ status }: Answer): boolean {
  return status >= 200 && status < 300
}

/** Statuses below 500 that pass on their own: request timeout, too early, too many requests. */
const PASSING_STATUSES: readonly number[] = [408, 425, 429]
/** With these a page in HTML still is the issuer's own word: many servers send one for wrong credentials or addresses. */
const FINAL_AS_HTML: readonly number[] = [401, 404]

/** Throws for an answer that is a passing fault whatever its body says: 408, 425, 429, 5xx, or a firewall's page. */
export function checkStatus(answer: Answer): void {
  const { status, headers } = answer
  const isBlocked = status >= 400 && isHtml(answer) && !FINAL_AS_HTML.includes(status)
  if (!PASSING_STATUSES.includes(status) && status < 500 && !isBlocked) return
  const options = { code: `HTTP_${status}`, throttled: status === 429, retryAfter: retryAfterOf(headers) }
  const what = isBlocked ? `${status} with HTML: a firewall or proxy may have answered in its place` : String(status)
  throw new SourceUnavailableError(`the issuer answered ${what}`, options)
}

/** `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in ms. */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const until = Date.parse(text)
  const now = dateOf({ headers }) ?? Date.now()
  return Number.isNaN(until) ? undefined : Math.max(0, until - now)
}

/** An error code fit to be shown: short and of plain characters. Anything else is not repeated. */
export function safeCode(code: unknown): string | undefined {
  const text = asText(code, 64)
  return text !== undefined && /^[\w.:-]+$/.test(text) ? text : undefined
}

/** A lifetime in seconds as number or digits, in ms and at most `max`; `undefined` when it is missing, 0 or no number. */
export function lifetimeOf(seconds: unknown, max: number = MAX_LIFETIME): number | undefined {
  const text = typeof seconds === 'string' ? seconds.trim() : ''
  const number = /^\d{1,20}(\.\d{1,9})?$/.test(text) ? Number(text) : seconds
  return typeof number === 'number' && number > 0 ? Math.min(number * 1_000, max) : undefined
}

/** The lifetime of a token whose issuer always states one. Throws `SourceUnavailableError` that names the field. */
export function requireLifetime(fields: Fields, field: string): number {
  const lifetime = lifetimeOf(fields[field])
  if (lifetime !== undefined) return lifetime
  throw new SourceUnavailableError(`the issuer's "${field}" is not a number of seconds above 0`, { code: 'BAD_LIFE' })
}

/** The instant of the issuer's `Date` header, in ms since 1970; cut to a whole second. */
export function dateOf({ headers }: Pick<Answer, 'headers'>): number | undefined {
  return Date.parse(headers.get('date') ?? '') || undefined
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
