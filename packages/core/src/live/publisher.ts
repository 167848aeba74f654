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
