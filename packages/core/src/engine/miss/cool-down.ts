/** Every "not before": until when the source or the store is not asked, and the error that callers see instead. @module */

import {
  SignInRequiredError,
  SourceRefusedError,
  SourceUnavailableError,
  type StoreError,
  type WarmTokenError,
} from '../../errors.ts'
import type { Failure, WarmRecord } from '../../record/record.ts'
import type { Flight, MissContext } from '../context.ts'
import { rareOf, type Slot } from '../slot.ts'
import { coolDown } from '../time/backoff.ts'
import { DRIFT_TOLERANCE } from '../time/clock.ts'
import { book, budgetFreeAt } from '../time/mint-budget.ts'
import { type Classified, secretFingerprintOf } from './call-source.ts'

/** The code of a broken refresh chain. */
export const SIGN_IN = 'SIGN_IN_REQUIRED'
/** How long a failure is obeyed before the record is read again, in ms: another environment may have succeeded. */
const RECHECK = 5_000
/** How long a stale value is served without another look while another environment refreshes it, in ms. */
const HOLD = 1_000
/** How long a secret that could not be read is not read again, in ms. */
const SECRET_PAUSE = 1_000
/** What must be left of a caller's time after a wait for the source, in ms: enough for a lease. */
const RETRY_ROOM = 1_000
/** The same for an exclusive source, which is always given more time. */
const EXCLUSIVE_RETRY_ROOM = 3_000
/** Over how long those that wait for a source are spread, in ms. */
const RETRY_SPREAD = 200
/** How long the store is left alone after it failed, in ms. */
const STORE_PAUSE = 2_000

/** A failure to remember. */
interface Remembered {
  readonly failure: Failure
  /** Fingerprint of the secret that was refused. */
  readonly secretFingerprint?: string | undefined
  /** What the source threw just now. */
  readonly cause?: unknown
}

/** The failure that follows `before` in the record. */
export function nextFailure(
  { server, runtime }: MissContext,
  before: Failure | undefined,
  { what, secretFingerprint }: { readonly what: Classified; readonly secretFingerprint?: string | undefined },
): Failure {
  const { kind, code, retryAfter } = what
  const again = before?.kind === kind && before.secretFingerprint === secretFingerprint
  const count = again ? before.count + 1 : 1
  const pause = coolDown(kind, count, { retryAfter, random: runtime.random() })
  const notBefore = Math.ceil((server.latest() ?? runtime.wall()) + pause)
  return { count, kind, code, notBefore, ...(secretFingerprint !== undefined && { secretFingerprint }) }
}

/** Keeps the failure in the slot until it is over by the slower clock, and returns its error. */
export function rememberFailure(
  { server, runtime, clock }: MissContext,
  slot: Slot<unknown>,
  { failure, secretFingerprint, cause }: Remembered,
): WarmTokenError {
  const now = server.earliest() ?? runtime.wall()
  const pause = Math.max(0, failure.notBefore - now)
  const retryAt = Math.ceil(runtime.wall() + pause)
  const error = (): WarmTokenError => failureError(slot.key, failure, retryAt)
  const until = clock.fast() + Math.min(pause, RECHECK)
  const refused = failure.kind === 'refused' ? secretFingerprint : undefined
  const retry = { isPassing: isPassing(failure), retryAt: clock.fast() + pause }
  rareOf(slot).hold = { until, cooling: { until, secretFingerprint: refused, ...retry, askAgainAt: 0, error } }
  return cause === undefined ? error() : failureError(slot.key, failure, retryAt, cause)
}

/** The error of the failure in the slot, if it still holds for the secret in use. */
export async function coolingError(context: MissContext, slot: Slot<unknown>): Promise<Error | undefined> {
  const { clock } = context
  const cooling = slot.rare?.hold?.cooling
  if (cooling === undefined || clock.fast() >= cooling.until) return undefined
  const refused = cooling.secretFingerprint
  if (refused !== undefined && clock.fast() >= cooling.askAgainAt) {
    const current = await secretFingerprintOf(context, slot)
    if (current !== undefined && current !== '' && current !== refused) return undefined
    if (current !== refused) cooling.askAgainAt = clock.fast() + SECRET_PAUSE
  }
  return cooling.error()
}

/** A source that failed once is worth waiting for. One that fails again and again is not. */
function isPassing({ kind, count }: Failure): boolean {
  return (kind === 'throttled' || kind === 'unavailable') && count === 1
}

function retryRoom({ subject }: Slot<unknown>): number {
  return subject.source.exclusive === undefined ? RETRY_ROOM : EXCLUSIVE_RETRY_ROOM
}

/** Whether the failure in the slot is over so soon that a caller with this much time left, in ms, can wait for it. */
export function retriesWithin({ clock }: MissContext, slot: Slot<unknown>, left: number): boolean {
  const cooling = slot.rare?.hold?.cooling
  return cooling?.isPassing === true && cooling.retryAt + retryRoom(slot) - clock.fast() <= left
}

/** How long to wait for the source to be asked again, in ms; `undefined` when that is not worth it, or takes too long. */
export function retryDelay<T>(
  { context, slot, endsAt }: Flight<T>,
  { failure, budget }: WarmRecord,
): number | undefined {
  if (failure === undefined || budget !== undefined || !isPassing(failure)) return undefined
  const { clock, server, runtime } = context
  const pause = Math.max(0, failure.notBefore - server.interval().earliest)
  if (pause + retryRoom(slot) > endsAt - clock.fast()) return undefined
  return pause + DRIFT_TOLERANCE + RETRY_SPREAD * runtime.random()
}

/** The error of the failure in the record. It is remembered, so that the next calls ask nobody. */
export function coolDownError<T>({ context, slot, secretFingerprint }: Flight<T>, { failure }: WarmRecord): Error {
  const freeAt = budgetFreeAtOf(slot)
  if (freeAt > (failure?.notBefore ?? 0)) return budgetError(context, slot, freeAt)
  if (failure === undefined) return new SourceUnavailableError(`no value for ${slot.key}`)
  return rememberFailure(context, slot, { failure, secretFingerprint })
}

/** A stale value was served: it is served again without another look, until the source may be asked. */
export function holdStale({ clock, server }: MissContext, slot: Slot<unknown>, record: WarmRecord): void {
  const freeAt = budgetFreeAt(record.budget, slot.subject.source.traits?.mintBudget)
  const notBefore = Math.max(record.failure?.notBefore ?? 0, freeAt)
  const pause = Math.max(HOLD, notBefore - server.interval().earliest)
  rareOf(slot).hold = { until: clock.fast() + pause }
}

/** The store failed: it is left alone for a moment. */
export function pauseStore({ clock, outage }: MissContext, error: StoreError): void {
  outage.until = clock.fast() + STORE_PAUSE
  outage.error = error
}

/** From when on the mint budget allows a fetch, on the server's clock, as this environment knows it. */
export function budgetFreeAtOf(slot: Slot<unknown>): number {
  return budgetFreeAt(slot.rare?.booked, slot.subject.source.traits?.mintBudget)
}

/** Takes over what the record says of the mint budget: another environment may have booked more. */
export function noteBudget(slot: Slot<unknown>, booked: number): void {
  const rare = rareOf(slot)
  rare.booked = Math.max(rare.booked ?? 0, booked) || undefined
}

/** Books a fetch without the record. Throws when the budget, as this environment knows it, is used up. */
export function bookWithoutStore(context: MissContext, slot: Slot<unknown>, now: number): void {
  const { mintBudget } = slot.subject.source.traits ?? {}
  if (mintBudget === undefined) return
  const freeAt = budgetFreeAtOf(slot)
  if (now < freeAt) throw budgetError(context, slot, freeAt)
  const rare = rareOf(slot)
  rare.booked = book(rare.booked, now, mintBudget)
}

function budgetError(context: MissContext, slot: Slot<unknown>, notBefore: number): WarmTokenError {
  context.emit({ type: 'cool-down', key: slot.key, kind: 'budget', until: notBefore, count: 1 })
  return rememberFailure(context, slot, { failure: { count: 1, kind: 'budget', code: 'MINT_BUDGET', notBefore } })
}

/** The error that callers see. It names the code and the instant, never what the issuer wrote. */
function failureError(key: string, { kind, code }: Failure, retryAt: number, cause?: unknown): WarmTokenError {
  const until = new Date(retryAt).toISOString()
  const options = { key, retryAt, code, ...(isKnown(cause) && { cause }) }
  if (code === SIGN_IN) {
    return new SignInRequiredError(`the refresh chain of ${key} is broken: the user must sign in again`, options)
  }
  if (kind === 'refused') {
    const message = `the source refused ${key} (${code}); it is not asked again before ${until}, unless the secret changes`
    return new SourceRefusedError(message, options)
  }
  const why =
    kind === 'budget'
      ? 'has used up its mint budget'
      : kind === 'throttled'
        ? 'limits the rate of requests'
        : 'is unavailable'
  const message = `the source of ${key} ${why} (${code}); it is not asked again before ${until}`
  return new SourceUnavailableError(message, { ...options, throttled: kind === 'throttled' })
}

/** Whether it is an error of a source that keeps to the rules: its text is then known to be harmless. */
function isKnown(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === 'SourceRefusedError' || cause.name === 'SourceUnavailableError')
}
