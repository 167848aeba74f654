import type { Runtime } from '../contracts.ts'
import { StoreError } from '../errors.ts'
import { asLine } from '../lib/line.ts'
import { asFields, matches } from '../lib/parse.ts'
import { withDeadline } from '../lib/timing.ts'

/** The longest text of a fault that is passed on, in characters. */
const MAX_MESSAGE = 500
/** The code of a store's fault, whose message shows nothing of what was stored. */
const STORE_CODE = /^STORE_[A-Z_]{1,57}$/

/** What is asked, and within which time. */
export interface RequestOptions {
  readonly runtime: Runtime
  /** Within how long, in ms. */
  readonly timeout: number
  /** Ends the request too. */
  readonly signal?: AbortSignal
  /** What it is about, for the error: `the subscribers on dynamodb`. */
  readonly what: string
  readonly key?: string
}

/** Makes one request. Rejects with a `StoreError` that has the code and the remedy of what failed. */
export async function request<T>(
  { runtime, timeout, signal, what, key = 'live' }: RequestOptions,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timed = await withDeadline(runtime, { ms: timeout, signal, patient: true }, call)
  if (timed.outcome === 'done') return timed.value
  if (timed.outcome !== 'failed')
    throw new StoreError(`${what}: no answer within ${timeout} ms`, { key, retryable: true, code: 'STORE_TIMEOUT' })
  const { code, message, retryable } = asFields(timed.cause) ?? {}
  // Any other error may quote what was sent.
  const isFault = matches(code, STORE_CODE)
  throw new StoreError(`${what}: ${(isFault && asLine(message, MAX_MESSAGE)) || 'the request failed'}`, {
    key,
    ...(isFault && { code: String(code) }),
    retryable: !isFault || retryable === true,
    cause: timed.cause,
  })
}
