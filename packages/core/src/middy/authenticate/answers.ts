/** The answers of RFC 6750. The body repeats the code, because REST APIs rename the header `www-authenticate`. @module */

/** An answer in the form that HTTP APIs, REST APIs and function URLs all take. */
export interface Answer {
  readonly statusCode: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** When to ask again after an answer 503, in seconds. */
const RETRY_AFTER = 1

/** The answers of one realm. */
export interface Answers {
  /** Nothing was sent: no error code then (§3.1). */
  readonly absent: Answer
  /** More than one credential, or one that is too long. */
  readonly invalidRequest: Answer
  /** The token is not good, for whatever reason. */
  readonly invalidToken: Answer
  /** The session may not do this. */
  readonly insufficientScope: Answer
  /** The request may come from another site. */
  readonly forbidden: Answer
  /** It cannot be told now. No cookie is touched. */
  readonly unavailable: Answer
}

/** Makes the answers of a realm. */
export function createAnswers(realm: string): Answers {
  const challenge = (statusCode: number, code?: string): Answer => {
    const error = code === undefined ? '' : `, error="${code}"`
    return answer(statusCode, code ?? 'unauthorized', { 'www-authenticate': `Bearer realm="${realm}"${error}` })
  }
  return {
    absent: challenge(401),
    invalidRequest: challenge(400, 'invalid_request'),
    invalidToken: challenge(401, 'invalid_token'),
    insufficientScope: challenge(403, 'insufficient_scope'),
    forbidden: answer(403, 'forbidden'),
    unavailable: answer(503, 'temporarily_unavailable', { 'retry-after': String(RETRY_AFTER) }),
  }
}

function answer(statusCode: number, error: string, headers: Answer['headers'] = {}): Answer {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ error }),
  }
}
