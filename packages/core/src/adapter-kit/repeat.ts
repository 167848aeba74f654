import type { StoreFault } from '../contracts.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { sleep } from '../lib/timing.ts'
import { storeFault } from './fault.ts'

/** The pause before the repeat, in ms: a connection that a freeze killed is replaced at once. */
const REPEAT_AFTER = 20

const ambiguous = new WeakSet<object>()

/**
 * Remembers of an error, or of an answer that is an object, that an attempt before it got no answer, so that the write may have been
 * applied. A swap that fails so, or meets the write of another, must resolve to `unknown`. Returns what it was given.
 */
export function markAmbiguous<R>(result: R): R {
  if (typeof result === 'object' && result !== null) ambiguous.add(result)
  return result
}

/** Whether {@link markAmbiguous} was given this error or answer. */
export function mayHaveBeenApplied(result: unknown): boolean {
  return typeof result === 'object' && result !== null && ambiguous.has(result)
}

/** The cause of an `unknown` swap: an attempt got no answer, and its repeat met the write of another, which may have followed it. */
export function overtaken(): StoreFault {
  const message = 'an attempt got no answer, and another write has followed'
  return storeFault(message, { code: 'STORE_UNAVAILABLE', retryable: true })
}

/** How {@link repeatOnce} repeats. */
export interface RepeatOptions {
  /** Ends the call. An aborted call is not repeated. */
  readonly signal: AbortSignal
  /** Whether this error means that no answer came, so that the request may or may not have been applied. */
  readonly isUnanswered: (error: unknown) => boolean
  /** The pause before the repeat, in ms. Default 20. */
  readonly pause?: number
}

/**
 * Makes a request, and once more when no answer came. Only for requests that may be applied twice, as a swap may: it is
 * idempotent in its tag. Whatever the second attempt answers or fails with is marked as ambiguous, since the first may have been
 * applied: a conflict that it meets may be a write that has followed.
 */
export async function repeatOnce<T>(
  attempt: () => Promise<T>,
  { signal, isUnanswered, pause = REPEAT_AFTER }: RepeatOptions,
): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (!isUnanswered(error)) throw error
    await sleep(systemRuntime, pause, signal)
    if (signal.aborted) throw markAmbiguous(error)
  }
  try {
    return markAmbiguous(await attempt())
  } catch (error) {
    throw markAmbiguous(error)
  }
}
