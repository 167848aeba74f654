import type { StoreForgetsEvent } from '../contracts.ts'

/** Why a request was not accepted. Only in events: an answer never says more than that the token is not valid. */
export type RefusalReason =
  /** No credentials were sent. */
  | 'absent'
  /** Not of the form of a token, or its checksum is wrong. */
  | 'malformed'
  /** No record holds it. */
  | 'unknown'
  /** Its user's record is newer than the token and no longer holds it. */
  | 'revoked'
  /** Not used for longer than `idle`. */
  | 'idle'
  /** Older than `absolute`. */
  | 'absolute'
  /** Replaced by a rotation, and the grace is over. */
  | 'rotated'
  /** A request by cookie that another site may have caused. */
  | 'csrf'
  /** The session is good and may not do this. */
  | 'scope'

/** Something that happened to sessions. `key` is that of the user's record, `id` that of a session; neither is secret. */
export type SessionEvent =
  /** A session was created; `evicted` others of the user ended because of the limit. */
  | { readonly type: 'session-created'; readonly key: string; readonly id: string; readonly evicted: number }
  /** A request was refused. `key` where the token named one. */
  | { readonly type: 'session-refused'; readonly reason: RefusalReason; readonly key: string | undefined }
  /** The idle end of a session was moved on. */
  | { readonly type: 'session-renewed'; readonly key: string; readonly id: string }
  /** A session has a new token. */
  | { readonly type: 'session-rotated'; readonly key: string; readonly id: string }
  /** So many sessions of a user were revoked; the store has acknowledged it. */
  | { readonly type: 'session-revoked'; readonly key: string; readonly count: number }
  /** The data of a user changed. */
  | { readonly type: 'session-updated'; readonly key: string }
  /** The store was asked for a record, and answered. */
  | { readonly type: 'session-read'; readonly key: string; readonly found: boolean }
  /** A request could not be judged: the ceiling of reads is reached. */
  | { readonly type: 'session-reads-limited'; readonly key: string }
  /** The store failed. `code` of the error. */
  | { readonly type: 'store-error'; readonly key: string; readonly operation: 'read' | 'swap'; readonly code: string }
  /** The store held something that is not a record of this user: it counts as absent. */
  | { readonly type: 'bad-record'; readonly key: string; readonly reason: string }
  /** Data in the record that the schema does not take: the session counts as absent. `path` in the data. */
  | { readonly type: 'bad-data'; readonly key: string; readonly path: string }
  /** The codec failed; the request cannot be judged. */
  | { readonly type: 'codec-error'; readonly key: string; readonly operation: 'seal' | 'open' }
  /** The store may lose a write that it acknowledged, so a revocation may be undone. Once, at construction. */
  | StoreForgetsEvent

/** Receives events. What it throws is ignored. */
export type SessionListener = (event: SessionEvent) => void
