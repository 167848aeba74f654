import type { StoreFault } from '@warmtoken/core'

/** What Redis and Upstash say to somebody who may not; the remedy is the same. */
const DENIED = /^(NOPERM|NOAUTH|WRONGPASS|Unauthorized)\b/i
/** Requests that no repeat can make succeed. */
const REFUSED = /^ERR max (request|single record) size/i
/** The words that Redis puts first: they hold nothing of what was sent. */
const CODE = /^[A-Z]{2,20}\b/

/** What the server said: without the pipeline's words before it, and without the command, which holds the record. */
function wordsOf(message: string): string {
  return (message.split(', command was: ')[0] ?? '').replace(/^Command (\d+ \[ \w+ \] )?failed: /, '')
}

/**
 * The fault for whatever the client threw. Its own message is not passed on: the client writes the whole command into
 * it, and with that the record.
 */
export function storeFault(error: unknown): StoreFault {
  const { name, message, cause } = error instanceof Error ? error : new Error('not an error')
  const words = wordsOf(message)
  if (DENIED.test(words)) {
    const text = 'Upstash: access denied; the token must be that of this database and be allowed EVAL and EVALSHA'
    return fault(text, 'STORE_DENIED')
  }
  if (REFUSED.test(words)) return fault('Upstash: the record is longer than the database takes', 'STORE_REFUSED')
  if (name === 'UrlError') return fault('Upstash: the option "url" is no URL', 'STORE_REFUSED')
  if (name === 'TokenError')
    return fault('Upstash: the option "token" holds a character that no token has', 'STORE_REFUSED')
  // The system's own word: of our connections, or of what `fetch` failed for.
  const { code: system } = (name === 'NetworkError' ? error : (cause ?? {})) as { readonly code?: unknown }
  const said = (name === 'UpstashError' && CODE.exec(words)?.[0]) || (typeof system === 'string' ? system : undefined)
  return fault(`Upstash: ${name}${said === undefined ? '' : ` (${said})`}`, 'STORE_UNAVAILABLE')
}

/** An error of a name that tells what failed. */
export function failure(name: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name })
}

const doubted = new WeakSet<object>()

/** Remembers of an error that an attempt before it got no answer: what was asked may have been done, whatever this one says. */
export function doubt<E>(error: E): E {
  if (typeof error === 'object' && error !== null) doubted.add(error)
  return error
}

/** Whether what was asked may have been done all the same. */
export function isDoubted(error: unknown): boolean {
  return typeof error === 'object' && error !== null && doubted.has(error)
}

/** Whether Redis does not know a script yet: nothing was done. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && /^NOSCRIPT\b/.test(wordsOf(error.message))
}

/** An answer that is none of ours: what was cut short, or made up by an abort. */
export function unreadable(): StoreFault {
  return fault('Upstash: the answer makes no sense', 'STORE_UNAVAILABLE')
}

function fault(message: string, code: string): StoreFault {
  return Object.assign(new Error(message), { name: 'StoreFault', code, retryable: code === 'STORE_UNAVAILABLE' })
}
