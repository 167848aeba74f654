/** How a record changes. All pure: each takes the record that is there now and gives the next. @module */

import type { Json } from '../contracts.ts'
import { type Interval, isRenewalDue, judge } from './judge.ts'
import type { StoredSession, UserRecord } from './record.ts'

/** How long sessions live, in ms. */
export interface Lifetimes {
  readonly idle: number
  readonly absolute: number
  readonly renewEvery: number
}

/** What a session is made of. */
export interface NewSession {
  readonly hash: string
  readonly id: string
  readonly data: Json | undefined
}

/**
 * The version that the next write of a record gets: the server's time, and always higher. By the earliest that the time
 * can be: a clock that steps, or a freeze, while the store is asked makes the latest run ahead by minutes, and a version
 * from the future counts as garbage.
 */
export function nextVersion(record: UserRecord | undefined, { earliest }: Interval): number {
  return Math.max((record?.version ?? 0) + 1, earliest)
}

/** The record without the sessions that have certainly ended. */
export function withoutEnded(record: UserRecord, { earliest }: Interval): UserRecord {
  const sessions = record.sessions.filter((one) => earliest < one.idleUntil && earliest < one.absoluteUntil)
  return sessions.length === record.sessions.length ? record : { ...record, sessions }
}

/** Adds a session behind the others; at the limit of `most`, the oldest go. */
export function addSession(
  record: UserRecord,
  { hash, id, data }: NewSession,
  { now, lifetimes, most }: { readonly now: Interval; readonly lifetimes: Lifetimes; readonly most: number },
): UserRecord {
  const { earliest } = now
  const absoluteUntil = earliest + lifetimes.absolute
  const idleUntil = Math.min(earliest + lifetimes.idle, absoluteUntil)
  const session = {
    id,
    hash,
    createdAt: earliest,
    seenAt: earliest,
    idleUntil,
    absoluteUntil,
    previous: undefined,
    data,
  }
  return { ...record, sessions: [...record.sessions.slice(Math.max(0, record.sessions.length - most + 1)), session] }
}

/** Moves the idle end of a session on; `undefined` when it is gone or was renewed already. */
export function renewSession(
  record: UserRecord,
  id: string,
  { now, lifetimes }: { readonly now: Interval; readonly lifetimes: Lifetimes },
): UserRecord | undefined {
  const session = record.sessions.find((one) => one.id === id)
  if (session === undefined || !isRenewalDue(session, now.earliest, lifetimes)) return undefined
  const idleUntil = Math.min(now.earliest + lifetimes.idle, session.absoluteUntil)
  return replaceSession(record, { ...session, seenAt: now.earliest, idleUntil })
}

/** Gives a session a new token. The old one is accepted for `grace` more ms, with the old data. */
export function rotateSession(
  record: UserRecord,
  old: string,
  next: { readonly hash: string; readonly data: Json | undefined; readonly grace: number; readonly now: Interval },
): UserRecord | undefined {
  const { hash, data, grace, now } = next
  const verdict = judge(record, now, old)
  // One that was replaced cannot rotate: a session never has two successors.
  if (verdict.outcome !== 'accepted' || !verdict.current) return undefined
  const { session } = verdict
  const previous = { hash: old, until: now.earliest + grace, data: session.data }
  return replaceSession(record, { ...session, hash, data, previous })
}

/** Takes sessions out: those of which `isRevoked` says so. `undefined` when there is none. */
export function removeSessions(
  record: UserRecord,
  isRevoked: (session: StoredSession) => boolean,
): UserRecord | undefined {
  const sessions = record.sessions.filter((one) => !isRevoked(one))
  return sessions.length === record.sessions.length ? undefined : { ...record, sessions }
}

function replaceSession(record: UserRecord, session: StoredSession): UserRecord {
  return { ...record, sessions: record.sessions.map((one) => (one.id === session.id ? session : one)) }
}
