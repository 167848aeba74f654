/**
 * The record of one user: every session of theirs in one text, so that one conditional write changes the list and one
 * read decides about a token.
 *
 * @module
 */

import type { Json } from '../contracts.ts'
import { WarmTokenError } from '../errors.ts'
import { asFields, asText, asTime, type Fields, matches, parseJson } from '../lib/parse.ts'

/** Another form of the record has another number, and counts as absent. */
const SCHEMA = 1
/** The longest text of a record, in bytes, before it is sealed. */
const MAX_BYTES = 65_536
/** The longest text that is opened, in characters: sealed, and in base64. */
export const MAX_BODY = 131_072
/** Most sessions of one user. */
export const MAX_SESSIONS = 50
/** Bytes of JSON that one session's data may take. */
export const MAX_DATA = 1_024
/** Bytes of JSON that a user's data may take. */
export const MAX_USER_DATA = 4_096
/** Characters of a user's id. */
export const MAX_USER_ID = 256
/** How far a version may lie ahead of the server's clock, in ms. Beyond, nobody wrote it by the rules. */
export const MAX_AHEAD = 60_000
/** How long a record is kept after its last session has ended, in ms. */
const KEEP_AFTER = 86_400_000

/** A token that a rotation replaced. */
export interface Replaced {
  readonly hash: string
  /** Until then it is accepted. */
  readonly until: number
  /** What it was accepted with. */
  readonly data: Json | undefined
}

/** One session as the record has it. Instants are on the server's clock. */
export interface StoredSession {
  /** For lists and revocation: 16 characters of the hash of its first token. */
  readonly id: string
  /** Base64url of the SHA-256 of its token. */
  readonly hash: string
  readonly createdAt: number
  /** When it was last seen, as exactly as renewals are apart. */
  readonly seenAt: number
  readonly idleUntil: number
  readonly absoluteUntil: number
  readonly previous: Replaced | undefined
  readonly data: Json | undefined
}

/** Everything about one user. */
export interface UserRecord {
  readonly userId: string
  /** Rises with each write and is a time of the server, so that it does not restart when the record was deleted. */
  readonly version: number
  /** What all sessions of the user share, such as roles. */
  readonly user: Json | undefined
  readonly sessions: readonly StoredSession[]
}

/** The text of a record. Throws when it is too long. */
export function printRecord({ userId, version, user, sessions }: UserRecord): string {
  const text = JSON.stringify({ schema: SCHEMA, userId, version, user, sessions: sessions.map(printSession) })
  if (Buffer.byteLength(text) <= MAX_BYTES) return text
  throw new WarmTokenError(`the sessions of this user take more than ${MAX_BYTES} bytes; keep less data in each`, {
    code: 'SESSIONS_TOO_LARGE',
    retryable: false,
  })
}

/** Until when the store must keep a record. `now`: the latest that the server's time can be. */
export function keepUntilOf({ sessions }: UserRecord, now: number): number {
  return Math.max(now, ...sessions.map(({ absoluteUntil }) => absoluteUntil)) + KEEP_AFTER
}

/** The record in a text of the store, or why it is none. `now`: the latest that the server's time can be. */
export function parseRecord(text: string, now: number): UserRecord | string {
  const fields = text.length > MAX_BYTES ? undefined : asFields(parseJson(text))
  if (fields === undefined) return 'no JSON object'
  if (fields['schema'] !== SCHEMA) return 'another schema'
  const userId = asText(fields['userId'], MAX_USER_ID)
  const version = asTime(fields['version'])
  const list = fields['sessions']
  if (userId === undefined || version === undefined || !Array.isArray(list) || list.length > MAX_SESSIONS)
    return 'a field is missing or wrong'
  if (version > now + MAX_AHEAD) return 'a version from the future'
  const sessions = list.map((one) => parseSession(asFields(one)))
  if (!sessions.every((one) => one !== undefined)) return 'a session is wrong'
  return { userId, version, user: fields['user'] as Json | undefined, sessions }
}

function printSession({ id, hash, createdAt, seenAt, idleUntil, absoluteUntil, previous, data }: StoredSession): Json {
  const p = previous && {
    h: previous.hash,
    u: previous.until,
    ...(previous.data !== undefined && { d: previous.data }),
  }
  return {
    n: id,
    h: hash,
    c: createdAt,
    s: seenAt,
    i: idleUntil,
    a: absoluteUntil,
    ...(p && { p }),
    ...(data !== undefined && { d: data }),
  }
}

function parseSession(fields: Fields | undefined): StoredSession | undefined {
  if (fields === undefined) return undefined
  const { n: id, h: hash, d: data } = fields
  const [createdAt, seenAt, idleUntil, absoluteUntil] = ['c', 's', 'i', 'a'].map((name) => asTime(fields[name]))
  const previous = fields['p'] === undefined ? undefined : parseReplaced(asFields(fields['p']))
  if (!isId(id) || !isHash(hash) || (fields['p'] !== undefined && previous === undefined)) return undefined
  if (createdAt === undefined || seenAt === undefined || idleUntil === undefined || absoluteUntil === undefined)
    return undefined
  return { id, hash, createdAt, seenAt, idleUntil, absoluteUntil, previous, data: data as Json | undefined }
}

function parseReplaced(fields: Fields | undefined): Replaced | undefined {
  const until = asTime(fields?.['u'])
  const hash = fields?.['h']
  return until === undefined || !isHash(hash) ? undefined : { hash, until, data: fields?.['d'] as Json | undefined }
}

function isHash(value: unknown): value is string {
  return matches(value, /^[A-Za-z0-9_-]{43}$/)
}

/** Whether it may be the id of a session. */
export function isId(value: unknown): value is string {
  return matches(value, /^[A-Za-z0-9_-]{16}$/)
}
