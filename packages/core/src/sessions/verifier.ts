import type { SessionEvent } from './events.ts'

/** Decides whose token it is: sessions, or foreign JWTs. `S`: what a handler is given of it. */
export interface TokenVerifier<S> {
  /** What memory alone can accept; `undefined` says nothing. */
  peek(token: string): S | undefined
  /** Resolves to `undefined` for a token that is not good. Rejects when it cannot tell. `fresh`: asks in any case. */
  verify(token: string, options?: { readonly fresh?: boolean }): Promise<S | undefined>
  /** Whether work is in progress that should end before the environment freezes. */
  readonly busy?: boolean
  /** Waits for it. */
  settle?(options: { readonly timeout: number }): Promise<void>
  /** Emits an event to the listeners. */
  emit?(event: SessionEvent): void
}
