import { type Stacked, watch } from './client.ts'
import { isOpen } from './sdk-error.ts'

const doubtedRequests = new WeakSet<object>()
const doubtedErrors = new WeakSet<object>()

/**
 * Makes a client remember of which failed requests an attempt may have been applied: one that got no answer, or a server
 * fault. The SDK shows only the last attempt, and that one may have been refused.
 */
export function watchDoubt(client: Stacked): void {
  watch(client, { each: 'attempt', name: 'Attempt' }, async (send, request) => {
    try {
      return await send()
    } catch (error) {
      if (isOpen(error)) doubtedRequests.add(request)
      throw error
    }
  })
  watch(client, { each: 'request', name: 'Request' }, async (send, request) => {
    try {
      return await send()
    } catch (error) {
      if (doubtedRequests.has(request) && typeof error === 'object' && error !== null) doubtedErrors.add(error)
      throw error
    }
  })
}

/** Remembers of an error that an attempt before it may have been applied. */
export function doubt<E extends Error>(error: E): E {
  doubtedErrors.add(error)
  return error
}

/** Whether a write that failed with this error may have been applied, or may still be. */
export function mayHaveLanded(error: unknown): boolean {
  return isOpen(error) || (typeof error === 'object' && error !== null && doubtedErrors.has(error))
}
