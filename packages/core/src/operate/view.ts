/** What operators may see of a record: everything but the value. @module */

import type { Seen } from '../contracts.ts'
import { asFields, parseJson } from '../lib/parse.ts'
import { type Parsed, parseRecord, type WarmRecord } from '../record/record.ts'
import { isRejectPaused } from '../record/reject-pause.ts'

/** The code of a failure that an operator wrote: nobody asks the source until it ends. */
export const STOPPED = 'OPERATOR_STOP'

/** A key of this library: the readable part, `~`, and a hash; or that of a body, or of the index of a write-behind. Other keys are not ours. */
const KEY = /^[A-Za-z0-9%._:-]{1,512}~[0-9a-f]{40}$|^body~[0-9a-f]{32}$|^wbx~[0-9a-f]{40}-\d{1,2}$/
/** A text that `aesGcm` has sealed: the id of the key that sealed it stands in it. */
const SEALED = /^a1\.([A-Za-z0-9_-]{1,32})\./
/** How long a record without a chain is kept from the issue of its value, at most, in ms. Those with one: 400 days. */
const MAX_PLAIN_KEEP = 390 * 86_400_000

/** Why a record is not one of a value: the rest of the library knows it. */
const OTHER_KIND = 'another kind of record'

/** What is to be said about the value of a record. */
export type State = 'fresh' | 'due' | 'expired' | 'rejected' | 'empty' | 'sessions' | 'other' | 'sealed' | 'unreadable'

/** A record without its value. Instants are ISO 8601, lengths in seconds. */
export interface RecordView {
  readonly key: string
  readonly state: State
  /**
   * What else is the case: `body` (of a large value), `refreshing`, `cooling-down`, `stopped` (by an operator), `reject-paused`, `sign-in`, `exclusive`,
   * `damaged …`.
   */
  readonly notes: readonly string[]
  readonly version?: number
  readonly fingerprint?: string
  readonly issuedAt?: string
  readonly softExpiry?: string
  readonly hardExpiry?: string
  /** Until hard expiry. */
  readonly remaining?: number
  /** How the value is sealed. */
  readonly sealing?: string
  /** Length of the record, in bytes. */
  readonly bytes?: number
  readonly rejectedVersion?: number
  readonly epoch?: number
  readonly lease?: { readonly nonce: string; readonly acquiredAt: string; readonly endsAt: string }
  readonly failure?: {
    readonly kind: string
    readonly code: string
    readonly count: number
    readonly notBefore: string
  }
  /** While it lasts, no value is replaced because an API rejected it. */
  readonly rejectPause?: { readonly count: number; readonly until: string }
  readonly intent?: { readonly at: string; readonly tries: number; readonly dead: boolean }
  readonly refreshes?: readonly {
    readonly at: string
    readonly by: string
    readonly took: number
    readonly outcome: string
    readonly fingerprint: string
  }[]
}

/** Whether a key has the form that this library gives its keys. */
export function isOurs(key: string): boolean {
  return KEY.test(key)
}

/** What operators may see of what a store holds under a key. `undefined`: nothing. */
export function viewOf(key: string, { image, time }: Seen, wall: number): RecordView | undefined {
  if (image === undefined) return undefined
  const { body } = image
  const parsed = parseValueRecord(body, key)
  if (parsed.outcome === 'record') {
    const view = viewRecord(parsed.record, { now: time?.at ?? wall, damaged: parsed.damaged })
    return { ...view, bytes: Buffer.byteLength(body) }
  }
  const sealing = sealingOf(body)
  if (key.startsWith('session~')) return { key, state: 'sessions', notes: [], sealing }
  if (key.startsWith('body~'))
    return { key, state: SEALED.test(body) ? 'sealed' : 'other', notes: ['body'], bytes: Buffer.byteLength(body) }
  if (SEALED.test(body)) return { key, state: 'sealed', notes: [], sealing }
  if (parsed.reason === OTHER_KIND) return { key, state: 'other', notes: [] }
  return { key, state: 'unreadable', notes: [parsed.reason] }
}

/**
 * The record of a value in a text. Other records have the same first fields, such as the invalidations of a cache, tickets and
 * connections: read as one of a value, they would be empty, and a write would destroy them.
 */
export function parseValueRecord(body: string, key: string): Parsed {
  const parsed = parseRecord(body, key)
  if (parsed.outcome !== 'record' || 'epoch' in (asFields(parseJson(body)) ?? {})) return parsed
  return { outcome: 'not-a-record', reason: OTHER_KIND }
}

/** How a text is sealed, as far as that shows from outside. */
export function sealingOf(text: string): string {
  const id = SEALED.exec(text)?.[1]
  if (id !== undefined) return `aes-256-gcm, key ${id}`
  return parseJson(text) === undefined ? 'another codec' : 'plain text'
}

/** Whether an exclusive source uses the record, so that emptying it would lose a chain of refresh tokens. */
export function isExclusive({ exclusive, intent, keepUntil, value }: WarmRecord): boolean {
  if (exclusive === true || intent !== undefined) return true
  // Records of earlier releases have no mark, but are kept for more than a year.
  return value !== undefined && keepUntil - value.issuedAt > MAX_PLAIN_KEEP
}

interface At {
  /** The time on the store's server, about. */
  readonly now: number
  readonly damaged: readonly string[]
}

function viewRecord(record: WarmRecord, { now, damaged }: At): RecordView {
  const { key, value, lease, failure, intent, refreshes, rejected, epoch, rejectPause } = record
  const isCooling = failure !== undefined && now < failure.notBefore
  const isPaused = isRejectPaused(record, { earliest: now, latest: now })
  const notes = [
    ...(isHeld(record, now) ? ['refreshing'] : []),
    ...(isCooling ? [failure.code === STOPPED ? 'stopped' : 'cooling-down'] : []),
    ...(isPaused ? ['reject-paused'] : []),
    ...(intent?.dead === true ? ['sign-in'] : []),
    ...(isExclusive(record) ? ['exclusive'] : []),
    ...damaged.map((part) => `damaged ${part}`),
  ]
  return {
    key,
    state: stateOf(record, now),
    notes,
    ...(value && {
      version: value.version,
      fingerprint: value.fingerprint,
      issuedAt: iso(value.issuedAt),
      softExpiry: iso(value.softExpiry),
      hardExpiry: iso(value.hardExpiry),
      remaining: Math.max(0, Math.floor((value.hardExpiry - now) / 1_000)),
      sealing: sealingOf(value.sealed),
    }),
    epoch,
    ...(rejected > 0 && { rejectedVersion: rejected }),
    ...(lease && {
      // Enough to tell two holders apart.
      lease: {
        nonce: lease.nonce.slice(0, 8),
        acquiredAt: iso(lease.acquiredAt),
        endsAt: iso(lease.acquiredAt + lease.length),
      },
    }),
    ...(failure && {
      failure: { kind: failure.kind, code: failure.code, count: failure.count, notBefore: iso(failure.notBefore) },
    }),
    ...(isPaused && rejectPause && { rejectPause: { count: rejectPause.count, until: iso(rejectPause.until) } }),
    ...(intent && { intent: { at: iso(intent.at), tries: intent.tries, dead: intent.dead === true } }),
    refreshes: refreshes.map(([at, by, took, outcome, fingerprint]) => ({
      at: iso(at),
      by,
      took,
      outcome,
      fingerprint,
    })),
  }
}

/** Whether someone may still fetch under the lease. */
export function isHeld({ lease }: WarmRecord, now: number): boolean {
  return lease !== undefined && now <= lease.acquiredAt + lease.length
}

function stateOf({ value, rejected }: WarmRecord, now: number): State {
  if (value === undefined) return 'empty'
  if (now >= value.hardExpiry) return 'expired'
  if (value.version === rejected) return 'rejected'
  return now >= value.softExpiry ? 'due' : 'fresh'
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
