import { asFields, asText } from '../lib/parse.ts'
import type { LiveEvent } from './event.ts'

/**
 * Brings events to those who are awake: over API Gateway, AppSync Events, Redis, or an engine of your own. At least once, in
 * any order.
 */
export interface Publisher {
  /** For events and errors: `websocket`, `appsync`, … */
  readonly name: string
  /**
   * Resolves when all events were handed on. Rejects when some may not have been: they are sent again, as far as something
   * repeats them. An error with a list `unsent` names those of the events; without it, all of them are meant.
   */
  publish(events: readonly LiveEvent[], options: { readonly signal: AbortSignal }): Promise<void>
}

/**
 * Publishes by several publishers at once, such as to sockets and on a channel. Rejects when one of them does, after all have
 * ended, with an `AggregateError`: `code` is that of the first, and `unsent` names the events that one of them did not send.
 */
export function publishToAll(...publishers: readonly Publisher[]): Publisher {
  return {
    name: publishers.map(({ name }) => name).join('+'),
    async publish(events, options) {
      const ended = await Promise.allSettled(publishers.map((publisher) => publisher.publish(events, options)))
      const failed = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
      if (failed.length === 0) return
      const unsent = new Set(failed.flatMap((error) => unsentOf(error, events)))
      throw Object.assign(new AggregateError(failed, `${failed.length} of ${publishers.length} publishers failed`), {
        code: asText(asFields(failed[0])?.['code'], 64) ?? 'PUBLISH_FAILED',
        unsent: events.filter((event) => unsent.has(event)),
      })
    },
  }
}

/** The events that an error of a publisher names as not sent; all of them where it names none. */
export function unsentOf(error: unknown, events: readonly LiveEvent[]): readonly LiveEvent[] {
  const unsent = asFields(error)?.['unsent']
  const named = Array.isArray(unsent) ? events.filter((event) => unsent.includes(event)) : []
  return named.length > 0 ? named : events
}

/** Something that happened to live events. */
export type LiveNotice =
  /** So many events were published directly, in the background. */
  | { readonly type: 'live-published'; readonly publisher: string; readonly count: number }
  /** Direct publishing failed. The stream repeats the events where there is one. `code` of the error, or its name. */
  | { readonly type: 'live-failed'; readonly publisher: string; readonly count: number; readonly code: string }
  /** A frame was given up after three refusals for its rate. Clients repair it when they next ask for versions. */
  | { readonly type: 'live-dropped'; readonly count: number }
  /** A connection was gone and has been forgotten. */
  | { readonly type: 'live-gone'; readonly count: number }
  /** A connection was closed by the server, and why. */
  | { readonly type: 'live-closed'; readonly code: string }

/** Receives notices. What it throws is ignored. */
export type LiveListener = (notice: LiveNotice) => void
