import { systemRuntime } from '../lib/runtime.ts'
import { sleep } from '../lib/timing.ts'

/** The pause before the repeat, in ms: a connection that a freeze killed is replaced at once. */
const REPEAT_AFTER = 20

const ambiguous = new WeakSet<object>()

/**
 * Remembers that a write may have been applied although it failed with this error: an attempt before it got no answer. A
 * swap that fails so must resolve to `unknown`, whatever the last attempt said. Returns the error.
 */
export function markAmbiguous<E>(error: E): E {
  if (typeof error === 'object' && error !== null) ambiguous.add(error)
  return error
}

/** Whether {@link markAmbiguous} was told of this error. */
export function mayHaveBeenApplied(error: unknown): boolean {
  return typeof error === 'object' && error !== null && ambiguous.has(error)
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
 * idempotent in its tag. Whatever the second attempt fails with is marked as ambiguous, since the first may have been applied.
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
    return await attempt()
  } catch (error) {
    throw markAmbiguous(error)
  }
}
