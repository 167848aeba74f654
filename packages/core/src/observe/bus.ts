import { builtin } from '../builtin.ts'
import type { Listener } from '../contracts.ts'

/** The name of the `node:diagnostics_channel` on which every event is published. */
export const CHANNEL = 'warmtoken'

/** Tells events to whoever listens. */
export interface Bus {
  /** Tells everybody. What a listener throws harms nothing. */
  readonly emit: Listener
  /** False when nobody would hear: then no event needs to be made. */
  readonly listening: () => boolean
}

/** Makes the bus of one `createTokens`. */
export const createBus = (onEvent: Listener | undefined): Bus => {
  const channel = builtin('diagnostics_channel').channel(CHANNEL)
  return {
    listening: () => onEvent !== undefined || channel.hasSubscribers,
    emit(event) {
      // A channel reports what its subscribers throw by itself; ours must not break a token either.
      if (channel.hasSubscribers) channel.publish(event)
      if (onEvent === undefined) return
      try {
        onEvent(event)
      } catch {
        // Said in the contract of `onEvent`.
      }
    },
  }
}
