import { publisher } from './composition.ts'

/** One further page of a push. */
export function handler(page: unknown): Promise<void> {
  return publisher.deliver(page, { signal: AbortSignal.timeout(25_000) })
}
