import type { Json } from '../contracts.ts'
import type { StoredSession, UserRecord } from './record.ts'

/** The server's time, as two bounds, in ms since 1970. */
export interface Interval {
  readonly earliest: number
  readonly latest: number
}

/** What a record says of a token. `missing`: the record does not hold it. */
export type Verdict =
  | {
      readonly outcome: 'accepted'
      readonly session: StoredSession
      /** What the session is accepted with: for a token within its grace, the data from before the rotation. */
      readonly data: Json | undefined
      /** Whether it is the session's current token, and not one that was replaced. */
      readonly current: boolean
      /** When it ends, unless the session is renewed. */
      readonly until: number
    }
  | { readonly outcome: 'refused'; readonly reason: 'idle' | 'absolute' | 'rotated' }
  | { readonly outcome: 'missing' }

/** Judges a token by its hash. Pure: the same in production, in tests and in the simulator. */
export function judge({ sessions }: UserRecord, { latest }: Interval, hash: string): Verdict {
  for (const session of sessions) {
    const { previous } = session
    const current = session.hash === hash
    if (!current && previous?.hash !== hash) continue
    const until = Math.min(session.idleUntil, session.absoluteUntil)
    // By the latest that the time can be: a session may end a little early, never late.
    if (latest >= session.absoluteUntil) return { outcome: 'refused', reason: 'absolute' }
    if (latest >= session.idleUntil) return { outcome: 'refused', reason: 'idle' }
    if (current) return { outcome: 'accepted', session, data: session.data, current, until }
    if (previous === undefined || latest >= previous.until) return { outcome: 'refused', reason: 'rotated' }
    return { outcome: 'accepted', session, data: previous.data, current, until: Math.min(until, previous.until) }
  }
  return { outcome: 'missing' }
}

/** Whether the idle end should be moved on. `idle` and `renewEvery` in ms. */
export function isRenewalDue(
  session: StoredSession,
  now: number,
  { idle, renewEvery }: { readonly idle: number; readonly renewEvery: number },
): boolean {
  // Once the idle end has reached the absolute end there is nothing to move.
  return session.idleUntil < session.absoluteUntil && session.idleUntil - now < idle - renewEvery
}
