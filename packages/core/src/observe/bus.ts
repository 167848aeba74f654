import type { WarmEvent } from '../events.ts'

/** The name of the `node:diagnostics_channel` on which every event is published. */
export const CHANNEL = 'warmtoken'

/** Tells events to whoever listens. */
export interface Bus<Event> {
  /** Tells everybody. What a listener throws harms nothing. */
  readonly emit: (event: Event) => void
  /** False when nobody would hear: then no event needs to be made. */
  readonly listening: () => boolean
}

/** Makes the bus of one `createTokens` or `createSessions`. */
export function createBus<Event = WarmEvent>(listeners: readonly ((event: Event) => void)[]): Bus<Event> {
  const channel = process.getBuiltinModule('diagnostics_channel').channel(CHANNEL)
  return {
    listening: () => listeners.length > 0 || channel.hasSubscribers,
    emit(event) {
      // A channel reports what its subscribers throw by itself; ours must not break a token either.
      channel.publish(event)
      for (const listener of listeners) {
        try {
          listener(event)
        } catch {
          // Said in the contract of `onEvent`.
        }
      }
    },
  }
}
