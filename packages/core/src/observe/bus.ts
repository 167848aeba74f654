import type { WarmEvent } from '../events.ts'
import { misuse } from '../lib/options.ts'

/** The name of the `node:diagnostics_channel` on which every event is published. */
export const CHANNEL = 'warmtoken'

/** What is known of any event. */
interface Told {
  readonly type: string
  readonly key?: string | undefined
}

/** What a hit in memory is counted in, without an event: a slot of the engine. */
export interface Counted {
  readonly key: string
  /** The running numbers of its source, once a report has counted one. */
  tally?: { memory: number }
}

/** Hands events to everyone who listens. */
export interface Bus<Event> {
  /** Hands an event to everyone. What a listener throws has no effect. */
  readonly emit: (event: Event) => void
  /** False when nobody would hear: then no event needs to be made. Asked with a slot, a report counts a hit in memory. */
  listening: (slot?: Counted) => boolean
  /** What users call their tokens, by key. */
  readonly names: Map<string, string>
  /** Gets every event, without counting as a listener. */
  watch?: (event: Event) => void
}

/** Makes the bus of one `createTokens` or `createSessions`. */
export function createBus<Event extends Told = WarmEvent>(listeners: readonly ((event: Event) => void)[]): Bus<Event> {
  if (typeof process === 'undefined') misuse('Workers', 'set "nodejs_compat"')
  const channel = process.getBuiltinModule('diagnostics_channel').channel(CHANNEL)
  const names = new Map<string, string>()
  const bus: Bus<Event> = {
    names,
    listening: () => listeners.length > 0 || channel.hasSubscribers,
    emit(event) {
      const name = names.get(event.key ?? '')
      const named = name ? { ...event, name } : event
      // A channel reports what its subscribers throw on its own; ours must not break a token either.
      channel.publish(named)
      bus.watch?.(named)
      for (const listener of listeners) {
        try {
          listener(named)
        } catch {
          // Documented for `onEvent`.
        }
      }
    },
  }
  return bus
}
