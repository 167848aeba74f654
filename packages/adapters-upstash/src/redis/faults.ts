import type { StoreFault } from '@warmtoken/core/adapter'
import { asFields, isStoreFault, markAmbiguous, mayHaveBeenApplied, storeFault } from '@warmtoken/core/adapter'

/** What Redis and Upstash say to someone who may not; the remedy is the same. */
const DENIED = /^(NOPERM|NOAUTH|WRONGPASS|Unauthorized)\b/i
/** Requests that no repeat can make succeed. */
const REFUSED = /^ERR max (request|single record) size/i
/** The word that Redis puts first: it holds nothing of what was sent. */
const CODE = /^[A-Z]{2,20}\b/

/**
 * The fault for whatever the client threw, ambiguous where that was. The message of the error is not passed on: the client
 * writes the whole command into it, and with that the record.
 */
export function upstashFault(error: unknown): StoreFault {
  if (isStoreFault(error)) return error
  const fault = faultOf(error instanceof Error ? error : new Error('not an error'))
  return mayHaveBeenApplied(error) ? markAmbiguous(fault) : fault
}

function faultOf(error: Error): StoreFault {
  const { name, message, cause } = error
  const words = wordsOf(message)
  if (DENIED.test(words))
    return fault(
      'access denied; the token must be that of this database and be allowed EVAL and EVALSHA',
      'STORE_DENIED',
    )
  if (REFUSED.test(words)) return fault('the record is longer than the database accepts', 'STORE_REFUSED')
  if (name === 'RequestRefused')
    return fault('the option "token" holds a character that a token cannot have', 'STORE_REFUSED')
  if (name === 'RequestUnsupported')
    return fault(
      'this runtime has only a part of node:https; set "client" to a Redis of @upstash/redis',
      'STORE_REFUSED',
    )
  // The system's own code: that of our request, or what `fetch` failed with.
  const system = asFields(name === 'NetworkError' ? error : cause)?.['code']
  const said = (name === 'UpstashError' && CODE.exec(words)?.[0]) || (typeof system === 'string' ? system : undefined)
  return fault(`${name}${said === undefined ? '' : ` (${said})`}`, 'STORE_UNAVAILABLE')
}

/** What the server said: without the pipeline's words before it, and without the command, which holds the record. */
function wordsOf(message: string): string {
  return (message.split(', command was: ')[0] ?? '').replace(/^Command (\d+ \[ \w+ \] )?failed: /, '')
}

/** Whether Redis does not know a script yet: nothing was done. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && /^NOSCRIPT\b/.test(wordsOf(error.message))
}

/** The fault of an answer that no script of ours gives: it was cut short, or made up by an abort. */
export function unreadable(): StoreFault {
  return fault('the answer makes no sense', 'STORE_UNAVAILABLE')
}

function fault(why: string, code: string): StoreFault {
  return storeFault(`Upstash: ${why}`, { code, retryable: code === 'STORE_UNAVAILABLE' })
}
