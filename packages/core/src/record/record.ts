import type { Entry, FailureKind } from '../contracts.ts'
import { asLine } from '../lib/line.ts'
import { asFields, asText, asTime, type Fields, matches, parseJson } from '../lib/parse.ts'

export { asLine }

/** The version of the record's format. A record in another format cannot be read. */
export const SCHEMA = 1
/** The longest name, mark or fingerprint that is accepted, in characters. */
export const MAX_NAME = 200
/** What a fingerprint may be made of: it is shown in events. */
const FINGERPRINT = /^[\x20-\x7e]{0,200}$/
/** The longest record that is parsed, in characters. */
export const MAX_RECORD_LENGTH: number = 4 * 1024 * 1024
/** How many refreshes a record remembers, for operators. */
export const MAX_REFRESHES = 10
/** The largest version or epoch. A larger one is damage; after it, counting starts again from the time. */
export const MAX_NUMBER: number = 2 ** 52
/** The largest count of failures or tries that is kept. */
const MAX_COUNT = 1_000_000

const FAILURE_KINDS: readonly string[] = ['refused', 'throttled', 'unavailable'] satisfies FailureKind[]

/** The published value, sealed, with its instants. */
export interface PublishedValue extends Omit<Entry<unknown>, 'value'> {
  /** The value's text as the codec sealed it. */
  readonly sealed: string
  /** The nonce of the lease under which it was published. */
  readonly publisher: string
}

/** The short, expiring right of one environment to fetch. Its fencing token is the record's epoch. */
export interface Lease {
  /** Unique mark of one acquire. */
  readonly nonce: string
  /** Upper bound of the server's time when it was asked for. */
  readonly acquiredAt: number
  /** How long it lasts, in ms. */
  readonly length: number
}

/** Why the last fetch failed, and until when nobody tries again. */
export interface Failure {
  /** Failures in a row. */
  readonly count: number
  /** What went wrong. */
  readonly kind: FailureKind
  /** The issuer's error code or this library's; never its text. */
  readonly code: string
  /** No fetch before that instant. */
  readonly notBefore: number
  /** Fingerprint of the secret that was refused. In the stored text it is named `secret`. */
  readonly secretFingerprint?: string
}

/** Written ahead for an exclusive source: which refresh token is about to be spent, and by whom. */
export interface Intent {
  /** The nonce of the lease. */
  readonly nonce: string
  /** Fingerprint of the refresh token. */
  readonly fingerprint: string
  /** When it was first meant to be spent. */
  readonly at: number
  /** How many holders set out to spend it and never reported back. */
  readonly tries: number
  /** The issuer has said that it cannot be spent any more. */
  readonly dead?: boolean
}

/** While it lasts, no value is replaced because an API refused it. See `reject-pause.ts`. */
export interface RejectPause {
  /** How many values in a row were refused soon after they were given. */
  readonly count: number
  /** When it ends. */
  readonly until: number
}

/** One refresh, for operators: when, by which environment, how long it took in ms, how it ended, the new fingerprint. */
export type Refresh = readonly [at: number, by: string, took: number, outcome: string, fingerprint: string]

/** What a store holds for a key: value, lease and failure in one record, so that one read returns all and one swap changes all. */
export interface WarmRecord {
  /** The key it belongs to: a record copied to another key is not accepted. */
  readonly key: string
  /** Rises with every acquire. */
  readonly epoch: number
  /** The version that an API refused; 0 for none. */
  readonly rejected: number
  /** Until when the backend must keep the record. */
  readonly keepUntil: number
  /** The published value. */
  readonly value?: PublishedValue
  /** Who may fetch now. */
  readonly lease?: Lease
  /** The last failure, gone with the next success. */
  readonly failure?: Failure
  /** An exclusive fetch that has started. */
  readonly intent?: Intent
  /** An exclusive source has used the record: who empties it may lose a chain. Set by the first acquire, for operators. */
  readonly exclusive?: true
  /** How far the mint budget is used up, as an instant; see `engine/time/mint-budget.ts`. */
  readonly budget?: number
  /** Until when no refusal of an API replaces the value. Releases that do not know it drop it. */
  readonly rejectPause?: RejectPause
  /** The last refreshes, newest last. */
  readonly refreshes: readonly Refresh[]
}

/** The record of a key for which nothing is stored. */
export function emptyRecord(key: string): WarmRecord {
  return { key, epoch: 0, rejected: 0, keepUntil: 0, refreshes: [] }
}

/** The record as text. */
export function printRecord(record: WarmRecord): string {
  const { failure, ...rest } = record
  return JSON.stringify({ schema: SCHEMA, ...rest, ...(failure && { failure: printFailure(failure) }) })
}

/** A part of a record that is there and cannot be read. */
export type Damage =
  | 'epoch'
  | 'rejected'
  | 'keepUntil'
  | 'value'
  | 'times'
  | 'lease'
  | 'failure'
  | 'intent'
  | 'budget'
  | 'rejectPause'

/** A parsed record with what was left out of it, or why the text is not one: a fixed phrase. */
export type Parsed =
  | { readonly outcome: 'record'; readonly record: WarmRecord; readonly damaged: readonly Damage[] }
  | { readonly outcome: 'not-a-record'; readonly reason: string }

/**
 * The record in an untrusted text. It must be one for this key. Each part is parsed on its own, so that damage to one does
 * not cost another. A value whose times are damaged counts as expired: what continues from it still can.
 */
export function parseRecord(body: string, key: string): Parsed {
  if (body.length > MAX_RECORD_LENGTH) return notARecord('too long')
  const fields = asFields(parseJson(body))
  if (fields === undefined) return notARecord('not JSON')
  if (fields['schema'] !== SCHEMA) return notARecord('another schema')
  if (fields['key'] !== key) return notARecord('another key')
  const damaged: Damage[] = []
  const read = <T>(name: Damage, part: unknown, parse: (part: unknown) => T | undefined): T | undefined => {
    const parsed = part === undefined ? undefined : parse(part)
    if (part !== undefined && parsed === undefined) damaged.push(name)
    return parsed
  }
  const required = (name: 'epoch' | 'rejected', part: unknown): number => read(name, part ?? null, asNumber) ?? 0
  const value = read('value', fields['value'], parseValue)
  if (value?.hardExpiry === 0 && asFields(fields['value'])?.['hardExpiry'] !== 0) damaged.push('times')
  const lease = read('lease', fields['lease'], parseLease)
  const failure = read('failure', fields['failure'], parseFailure)
  const intent = read('intent', fields['intent'], parseIntent)
  const budget = read('budget', fields['budget'], asTime)
  const rejectPause = read('rejectPause', fields['rejectPause'], parseRejectPause)
  const record: WarmRecord = {
    key,
    epoch: required('epoch', fields['epoch']),
    rejected: required('rejected', fields['rejected']),
    keepUntil: read('keepUntil', fields['keepUntil'] ?? null, asTime) ?? 0,
    ...(value && { value }),
    ...(lease && { lease }),
    ...(failure && { failure }),
    ...(intent && { intent }),
    ...(fields['exclusive'] === true && { exclusive: true }),
    ...(budget !== undefined && { budget }),
    ...(rejectPause && { rejectPause }),
    refreshes: parseRefreshes(fields['refreshes']),
  }
  return { outcome: 'record', record, damaged }
}

function notARecord(reason: string): Parsed {
  return { outcome: 'not-a-record', reason }
}

/** A version or an epoch. */
function asNumber(value: unknown): number | undefined {
  const number = asTime(value)
  return number !== undefined && number <= MAX_NUMBER ? number : undefined
}

function parseValue(part: unknown): PublishedValue | undefined {
  const fields = asFields(part)
  const sealed = asText(fields?.['sealed'], MAX_RECORD_LENGTH)
  if (fields === undefined || sealed === undefined) return undefined
  const version = asNumber(fields['version'])
  const publisher = asText(fields['publisher'], MAX_NAME)
  const fingerprint = matches(fields['fingerprint'], FINGERPRINT) ? fields['fingerprint'] : undefined
  const issuedAt = asTime(fields['issuedAt'])
  const softExpiry = asTime(fields['softExpiry'])
  const hardExpiry = asTime(fields['hardExpiry'])
  const isIntact =
    version !== undefined &&
    publisher !== undefined &&
    fingerprint !== undefined &&
    issuedAt !== undefined &&
    softExpiry !== undefined &&
    hardExpiry !== undefined &&
    softExpiry <= hardExpiry
  if (isIntact) return { sealed, version, issuedAt, softExpiry, hardExpiry, fingerprint, publisher }
  return expire({
    sealed,
    version: version ?? 1,
    issuedAt: issuedAt ?? 0,
    fingerprint: fingerprint ?? '',
    publisher: publisher ?? '',
  })
}

/** The value as one that has expired: it is never served, and an exclusive source continues from it. */
export function expire(value: Omit<PublishedValue, 'softExpiry' | 'hardExpiry'>): PublishedValue {
  return { ...value, softExpiry: 0, hardExpiry: 0 }
}

function parseLease(part: unknown): Lease | undefined {
  const fields: Fields = asFields(part) ?? {}
  const nonce = asText(fields['nonce'], MAX_NAME)
  const acquiredAt = asTime(fields['acquiredAt'])
  const length = asTime(fields['length'])
  if (nonce === undefined || acquiredAt === undefined || length === undefined) return undefined
  return { nonce, acquiredAt, length }
}

function printFailure({ secretFingerprint: secret, ...failure }: Failure): object {
  return { ...failure, ...(secret !== undefined && { secret }) }
}

function parseFailure(part: unknown): Failure | undefined {
  const fields: Fields = asFields(part) ?? {}
  const count = asTime(fields['count'])
  const notBefore = asTime(fields['notBefore'])
  const code = asLine(fields['code'], MAX_NAME)
  const secretFingerprint = fields['secret'] === undefined ? undefined : asText(fields['secret'], MAX_NAME)
  if (count === undefined || notBefore === undefined || code === undefined) return undefined
  // A later release may know more kinds.
  const kind = isFailureKind(fields['kind']) ? fields['kind'] : 'unavailable'
  const known = { count: Math.min(count, MAX_COUNT), kind, code, notBefore }
  return { ...known, ...(secretFingerprint !== undefined && { secretFingerprint }) }
}

function isFailureKind(kind: unknown): kind is FailureKind {
  return typeof kind === 'string' && FAILURE_KINDS.includes(kind)
}

function parseRejectPause(part: unknown): RejectPause | undefined {
  const fields: Fields = asFields(part) ?? {}
  const count = asTime(fields['count'])
  const until = asTime(fields['until'])
  return count === undefined || until === undefined ? undefined : { count, until }
}

function parseIntent(part: unknown): Intent | undefined {
  const fields: Fields = asFields(part) ?? {}
  const nonce = asText(fields['nonce'], MAX_NAME)
  const fingerprint = asText(fields['fingerprint'], MAX_NAME)
  const at = asTime(fields['at'])
  const tries = asTime(fields['tries'])
  if (nonce === undefined || fingerprint === undefined || at === undefined || tries === undefined) return undefined
  return { nonce, fingerprint, at, tries: Math.min(tries, MAX_COUNT), ...(fields['dead'] === true && { dead: true }) }
}

/** For operators only: invalid items are dropped, never a reason to lose a value. */
function parseRefreshes(list: unknown): readonly Refresh[] {
  if (!Array.isArray(list)) return []
  return list.slice(-MAX_REFRESHES).flatMap(parseRefresh)
}

function parseRefresh(item: unknown): readonly Refresh[] {
  if (!Array.isArray(item) || item.length !== 5) return []
  const [at, took] = [asTime(item[0]), asTime(item[2])]
  const [by, outcome, fingerprint] = [item[1], item[3], item[4]].map((text: unknown) => asLine(text, MAX_NAME))
  if (at === undefined || took === undefined) return []
  if (by === undefined || outcome === undefined || fingerprint === undefined) return []
  return [[at, by, took, outcome, fingerprint]]
}
