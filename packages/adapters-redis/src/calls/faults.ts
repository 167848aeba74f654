import { asFields, isStoreFault, type StoreFault, storeFault } from '@warmtoken/core/adapter'

/** What to do about an answer of the server. */
export interface Remedy {
  /** How the answer begins. It is compared without what a client puts before it, and without the command. */
  readonly words: RegExp
  /** What is wrong and what to change. */
  readonly why: string
  readonly code: 'STORE_DENIED' | 'STORE_REFUSED' | 'STORE_UNAVAILABLE'
}

/** Whether a text is an answer of the server: Redis puts a word in capitals first. */
const ANSWER = /^[A-Z]{2,20}(?= )/
/** Errors of the scripts' own commands: Redis 6 and 7 say that the user may not run them in words of their own. */
const DENIED = /^NOPERM\b|^ERR ACL failure in script|^ERR The user executing the script/

const REMEDIES: readonly Remedy[] = [
  {
    words: DENIED,
    why: 'access denied; allow this user EVALSHA, EVAL, TIME, EXISTS, HMGET, HDEL, HSET, DEL and PEXPIREAT on its keys',
    code: 'STORE_DENIED',
  },
  {
    words: /^(NOAUTH|WRONGPASS|ERR AUTH|ERR invalid password)\b/,
    why: 'access denied; user and password must be those of this server',
    code: 'STORE_DENIED',
  },
  {
    words: /^READONLY\b/,
    why: 'the server is a replica (READONLY); after a failover this passes, otherwise give the address of the primary',
    code: 'STORE_UNAVAILABLE',
  },
  {
    words: /^OOM\b/,
    why: 'the memory of the server is full (OOM); raise its maxmemory',
    code: 'STORE_UNAVAILABLE',
  },
  {
    words: /^ERR (max (request|single record) size|Protocol error: invalid (multi)?bulk length|string exceeds)/i,
    why: 'the record is longer than the server accepts',
    code: 'STORE_REFUSED',
  },
  {
    words: /^ERR unknown command/,
    why: 'the server runs no scripts; it must know EVALSHA and EVAL',
    code: 'STORE_REFUSED',
  },
]

/**
 * Makes the faults of a store for whatever a client threw. The message of the error is not passed on: clients write the
 * whole command into it, and with that the record. `name` begins the messages; `own` are tried before what all Redis servers say.
 */
export function createFaults(name: string, own: readonly Remedy[] = []): (error: unknown) => StoreFault {
  const remedies = [...own, ...REMEDIES]
  return (thrown) => {
    if (isStoreFault(thrown)) return thrown
    const error = thrown instanceof Error ? thrown : new Error('not an error')
    const words = wordsOf(error)
    const known = remedies.find((remedy) => remedy.words.test(words))
    const { why, code } = known ?? { why: describe(error, words), code: 'STORE_UNAVAILABLE' }
    return storeFault(`${name}: ${why}`, { code, retryable: code === 'STORE_UNAVAILABLE' })
  }
}

/** The kind of an error that no operator can do anything about: its name, and the code of the server or the system. */
function describe({ name, cause, ...error }: Error, words: string): string {
  const system = asFields(error)?.['code'] ?? asFields(cause)?.['code']
  const code = ANSWER.exec(words)?.[0] ?? (typeof system === 'string' ? system.slice(0, 40) : undefined)
  return `${name}${code === undefined ? '' : ` (${code})`}`
}

/** What the server said: without a pipeline's words before it, and without the command, which holds the record. */
export function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  return (message.split(', command was: ')[0] ?? '').replace(/^Command (\d+ \[ \w+ \] )?failed: /, '')
}

/** Whether the server answered, so that nothing is left in doubt. */
export function isAnswer(error: unknown): boolean {
  return ANSWER.test(wordsOf(error))
}

/** Whether Redis does not know a script yet: nothing was done. */
export function isUnknownScript(error: unknown): boolean {
  return /^NOSCRIPT\b/.test(wordsOf(error))
}

/** Whether the server has become a replica, or always was one: nothing was done. */
export function isReadOnly(error: unknown): boolean {
  return /^READONLY\b/.test(wordsOf(error))
}

/** Whether the request or its answer is too large for the server, for a proxy before it, or for the client. */
export function isTooLarge(error: unknown): boolean {
  const { name, cause } = Object(error) as { readonly name?: unknown; readonly cause?: unknown }
  if (name === 'AnswerTooLong' || asFields(cause)?.['code'] === 'HTTP 413') return true
  return /^ERR max (request|response|single record) size/i.test(wordsOf(error))
}
