/** What an operator may do to the record of a value. Each change leaves a line in the record's ring: who, when, what, why. @module */

import type { Store } from '../contracts.ts'
import { asLine } from '../lib/line.ts'
import {
  emptyRecord,
  MAX_NAME,
  MAX_NUMBER,
  MAX_REFRESHES,
  printRecord,
  type Refresh,
  type WarmRecord,
} from '../record/record.ts'
import { KEEP_MARGIN } from '../record/transitions.ts'
import { type Calling, type Changed, change, type Interval } from './change.ts'
import { isExclusive, isHeld, parseValueRecord, STOPPED } from './view.ts'

/** The longest stop of a source, in ms: environments believe no longer cool-down. */
export const MAX_STOP = 86_400_000
/** The longest wait until the server's clock is past a version, in ms; its header is exact to a second. */
const MAX_WAIT = 5_000
/** A failure with a count of 1 is worth waiting for; a stop is not. */
const STOP_COUNT = 2

/** Thrown where a record must not be changed. The message has the remedy and shows no value. */
export class SteeringError extends Error {
  override readonly name = 'SteeringError'
}

/** Who asks for a change, and why. */
export interface Operator {
  /** Such as a user name or the ARN of a role. */
  readonly name: string
  readonly reason?: string | undefined
}

/** A change of the record of a value. */
export interface Steering {
  /** The outcome that the ring shows. */
  readonly action: string
  readonly by: Operator
  /** True: parts that are damaged may be lost. Default false: such a record is refused. */
  readonly maySpoil?: boolean
  /** The record that is to be there; `undefined` when there is nothing to change. Throws to refuse. */
  edit(record: WarmRecord, now: Interval): WarmRecord | undefined | Promise<WarmRecord | undefined>
}

/** A change before it is known who asks for it. */
export type SteeringAction = Omit<Steering, 'by'>

/**
 * Changes the record of a value and remembers who did. Rejects with {@link SteeringError} for what must not be changed, and
 * with a `StoreFault`.
 */
export function steer(store: Store, key: string, calling: Calling, steering: Steering): Promise<Changed> {
  const { action, by, edit } = steering
  return change(store, key, calling, async ({ body }, now) => {
    const before = recordIn(body, key, steering)
    const record = await edit(before, now)
    if (record === undefined) return undefined
    const line = auditLine({ now: now.latest, action, by, fingerprint: record.value?.fingerprint ?? '' })
    const refreshes = [...record.refreshes, line].slice(-MAX_REFRESHES)
    return { body: printRecord({ ...record, refreshes }), keepUntil: record.keepUntil }
  })
}

/** Makes the value due and ends a cool-down: the next environment that reads the record fetches a new value. */
export const refreshNow: SteeringAction = {
  action: 'refresh-asked',
  edit({ failure: _failure, ...record }, { latest: now }) {
    const { value } = record
    return value === undefined
      ? record
      : { ...record, value: { ...value, softExpiry: Math.min(value.softExpiry, now) } }
  },
}

/** Marks the published version as rejected, so that nobody who reads the record serves it. */
export const rejectValue: SteeringAction = {
  action: 'rejected',
  edit({ failure: _failure, ...record }) {
    return record.value === undefined ? undefined : { ...record, rejected: record.value.version }
  },
}

/** Ends a cool-down, a stop and a reject pause. The value stays as it is. */
export const endCoolDown: SteeringAction = {
  action: 'cool-down-ended',
  edit({ failure, rejectPause, ...record }) {
    return failure === undefined && rejectPause === undefined ? undefined : record
  },
}

/**
 * The kill switch of a source: until `length` ms from now, at most a day, no environment that reads the record asks it. An
 * unexpired value is still served. A fetch in progress is fenced: its lease is gone. That of an exclusive source must not be, because
 * its answer would be lost; then it throws.
 */
export function stopSource(length: number): SteeringAction {
  return {
    action: 'stopped',
    edit(record, { earliest, latest }) {
      const { lease, ...rest } = record
      if (isExclusive(record) && isHeld(record, latest))
        throw new SteeringError(
          `${record.key} is being refreshed now, and its new refresh token must not be lost; try again after ${new Date((lease?.acquiredAt ?? 0) + (lease?.length ?? 0)).toISOString()}`,
        )
      const notBefore = Math.ceil(earliest + Math.min(length, MAX_STOP))
      return {
        ...rest,
        ...(lease !== undefined && { epoch: Math.min(record.epoch + 1, MAX_NUMBER) }),
        failure: { count: STOP_COUNT, kind: 'unavailable', code: STOPPED, notBefore },
        keepUntil: Math.max(record.keepUntil, notBefore + KEEP_MARGIN),
      }
    },
  }
}

/** Empties the record. Throws for that of an exclusive source, whose seed would be spent again, unless its chain may be lost. */
export function purgeRecord({ loseChain }: { readonly loseChain: boolean }): SteeringAction {
  return {
    action: 'purged',
    maySpoil: loseChain,
    async edit(record, { earliest, latest }) {
      if (isExclusive(record) && !loseChain)
        throw new SteeringError(
          `${record.key} holds a chain of an exclusive source; without it someone must sign in again. --lose-chain empties it anyway`,
        )
      const { epoch, refreshes, value } = record
      // The next version is the time of its publish, and must be a later one although the last is forgotten.
      const wait = Math.min((value?.version ?? 0) - earliest + 1, MAX_WAIT)
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      // Its epoch must outlive a lease that another environment still holds.
      const keepUntil = latest + KEEP_MARGIN
      return { ...emptyRecord(record.key), epoch: Math.min(epoch + 1, MAX_NUMBER), refreshes, keepUntil }
    },
  }
}

/** A line of a record's ring about what an operator did. */
export function auditLine({ now, action, by, fingerprint }: Audit): Refresh {
  return [Math.floor(now), whoAndWhy(by, MAX_NAME), 0, action, fingerprint]
}

/** What {@link auditLine} notes. */
export interface Audit {
  readonly now: number
  readonly action: string
  readonly by: Operator
  readonly fingerprint: string
}

/** `operator ada: scopes changed`, in one line. */
export function whoAndWhy({ name, reason }: Operator, max: number): string {
  return asLine(`operator ${name}${reason === undefined ? '' : `: ${reason}`}`, max) ?? ''
}

/** The record in a text. Throws for anything that a write would lose a part of. */
function recordIn(body: string, key: string, { maySpoil }: Pick<Steering, 'maySpoil'>): WarmRecord {
  const parsed = parseValueRecord(body, key)
  if (key.startsWith('session~'))
    throw new SteeringError(`${key} holds the sessions of a user: end them with sessions.revokeAll in your code`)
  if (parsed.outcome !== 'record')
    throw new SteeringError(`${key} is not the record of a value (${parsed.reason}); nothing was written`)
  if (parsed.damaged.length > 0 && maySpoil !== true)
    throw new SteeringError(
      `${key} is damaged (${parsed.damaged.join(', ')}), and a write would lose that part; nothing was written. purge --lose-chain empties it`,
    )
  return parsed.record
}
