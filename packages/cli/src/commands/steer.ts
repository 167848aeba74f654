/** `refresh`, `reject` and `purge`: what an operator may do to records. Each leaves a line in the record's ring. @module */

import { setTimeout as sleep } from 'node:timers/promises'
import {
  emptyRecord,
  MAX_NUMBER,
  MAX_REFRESHES,
  printRecord,
  type Refresh,
  type WarmRecord,
} from '@warmtoken/core/record'
import type { Context } from '../context.ts'
import { OperatorError } from '../exit.ts'
import { openPlace, type PlaceOptions } from '../place.ts'
import { auditOf, type Changed, change, checkKey, type Interval } from '../records.ts'
import { isExclusive, parseValueRecord } from '../view.ts'

/** How long a purged record is kept, in ms: its epoch must outlive a lease that another environment still holds. */
const KEEP_PURGED = 86_400_000
/** The longest wait until the server's clock is past a version, in ms; its header is exact to a second. */
const MAX_WAIT = 5_000

/** Options of the three commands. */
export interface SteerOptions extends PlaceOptions {
  readonly reason?: string | undefined
}

/** Options of `purge`. */
export interface PurgeOptions extends SteerOptions {
  readonly loseChain?: true | undefined
}

/** Makes the value due, and ends a cool-down, so that the next environment that reads the record fetches a new value. */
export async function refresh(context: Context, keys: readonly string[], options: SteerOptions): Promise<void> {
  await steer(context, keys, {
    options,
    action: 'refresh-asked',
    edit({ failure: _failure, ...record }, { latest: now }) {
      const { value } = record
      return value === undefined
        ? record
        : { ...record, value: { ...value, softExpiry: Math.min(value.softExpiry, now) } }
    },
  })
}

/** Marks the published version as rejected, so that nobody who reads the record serves it. */
export async function reject(context: Context, keys: readonly string[], options: SteerOptions): Promise<void> {
  await steer(context, keys, {
    options,
    action: 'rejected',
    edit({ failure: _failure, ...record }) {
      return record.value === undefined ? undefined : { ...record, rejected: record.value.version }
    },
  })
}

/** Empties records. Refuses those of exclusive sources, whose seed would be spent again, unless their chain may be lost. */
export async function purge(context: Context, keys: readonly string[], options: PurgeOptions): Promise<void> {
  await steer(context, keys, {
    options,
    action: 'purged',
    async edit(record, { earliest, latest }) {
      if (isExclusive(record) && options.loseChain !== true)
        throw new OperatorError(
          `${record.key} holds a chain of an exclusive source; without it someone must sign in again. --lose-chain empties it anyway`,
        )
      const { epoch, refreshes, value } = record
      // The next version is the time of its publish, and must be a later one although the last is forgotten.
      const wait = Math.min((value?.version ?? 0) - earliest + 1, MAX_WAIT)
      if (wait > 0) await sleep(wait)
      const keepUntil = latest + KEEP_PURGED
      return { ...emptyRecord(record.key), epoch: Math.min(epoch + 1, MAX_NUMBER), refreshes, keepUntil }
    },
  })
}

interface Steering {
  readonly options: PurgeOptions
  /** The outcome that the ring shows. */
  readonly action: string
  /** The record that is to be there; `undefined` when there is nothing to change. Throws to refuse. */
  edit(record: WarmRecord, now: Interval): WarmRecord | undefined | Promise<WarmRecord | undefined>
}

async function steer(context: Context, keys: readonly string[], { options, action, edit }: Steering): Promise<void> {
  for (const key of keys) checkKey(key)
  const place = await openPlace(options, context)
  const results: { key: string; outcome: Changed }[] = []
  for (const key of keys) {
    if (context.signal.aborted) break
    const outcome = await change(place, key, context, async ({ body }, now) => {
      const record = await edit(recordIn(body, key, options), now)
      if (record === undefined) return undefined
      const fingerprint = record.value?.fingerprint ?? ''
      const line = auditOf({ now: now.latest, action, fingerprint, reason: options.reason })
      return { body: printRecord({ ...record, refreshes: remember(record, line) }), keepUntil: record.keepUntil }
    })
    results.push({ key, outcome })
  }
  const isDone = results.length === keys.length && results.some(({ outcome }) => outcome === 'written')
  context.terminal.result({ store: place.title, action, results }, () =>
    results.map(({ key, outcome }) => `${key}: ${outcome === 'written' ? action : 'nothing to change'}`),
  )
  if (!isDone) throw new OperatorError(`nothing was changed in the ${place.title}; "warmtoken list" shows the keys`)
}

/** The record in a text. Throws for anything that a write would lose a part of. */
function recordIn(body: string, key: string, { loseChain }: PurgeOptions): WarmRecord {
  const parsed = parseValueRecord(body, key)
  if (key.startsWith('session~'))
    throw new OperatorError(`${key} holds the sessions of a user: end them with sessions.revokeAll in your code`)
  if (parsed.outcome !== 'record')
    throw new OperatorError(`${key} is not the record of a value (${parsed.reason}); nothing was written`)
  if (parsed.damaged.length > 0 && loseChain !== true)
    throw new OperatorError(
      `${key} is damaged (${parsed.damaged.join(', ')}), and a write would lose that part; nothing was written. purge --lose-chain empties it`,
    )
  return parsed.record
}

function remember({ refreshes }: WarmRecord, line: Refresh): readonly Refresh[] {
  return [...refreshes, line].slice(-MAX_REFRESHES)
}
