import type { SessionEvent } from './events.ts'

/** What tells whose a token is: sessions, or foreign JWTs. `S`: what a handler is given of it. */
export interface TokenVerifier<S> {
  /** What memory alone can accept; `undefined` says nothing. */
  peek(token: string): S | undefined
  /** Resolves to `undefined` for a token that is not good. Rejects when it cannot tell. `fresh`: asks in any case. */
  verify(token: string, options?: { readonly fresh?: boolean }): Promise<S | undefined>
  /** Whether something is under way that should be finished before the environment freezes. */
  readonly busy?: boolean
  /** Finishes it. */
  settle?(options: { readonly timeout: number }): Promise<void>
  /** Tells the listeners. */
  emit?(event: SessionEvent): void
}
