import type { WarmRecord } from '../record/record.ts'
import { isAlive } from './time/expiry.ts'

/** What to do next. */
export type Decision =
  /** Serve the value: it is fresh. */
  | 'use'
  /** Serve the stale value: another environment refreshes it, or nobody may now (stale-while-revalidate, stale-if-error). */
  | 'use-stale'
  /** The lease is this environment's own and unused: fetch. */
  | 'adopt'
  /** Another environment fetches: look again soon. */
  | 'wait'
  /** Nobody fetches: ask for the lease. */
  | 'acquire'
  /** The same, after a lease that ended without a publish. */
  | 'take-over'
  /** There is no usable value, and the source must not be asked now. */
  | 'fail'

/** All that a decision depends on: the record, the time as an interval, what this environment has seen, what is asked. */
export interface Situation {
  /** The record as it was last seen. */
  readonly record: WarmRecord
  /** The time on the server is this or later. */
  readonly earliest: number
  /** The time on the server is this or earlier. */
  readonly latest: number
  /** For how long, at least, this environment has been seeing this exact lease, in ms. */
  readonly leaseSeenFor: number
  /** Whether the lease is this environment's own and unused: with time enough to fetch under it, or without. */
  readonly own: 'no' | 'usable' | 'spent'
  /** Remaining lifetime that the value must have, in ms. */
  readonly need: number
  /** How much earlier than soft expiry this environment refreshes, in ms. */
  readonly jitter: number
  /** Fingerprint of the value that the API refused. */
  readonly rejected: string | undefined
  /** Fingerprint of the secret in use, where the source has one. */
  readonly secretFingerprint: string | undefined
  /** Whether the value is to be refreshed although it is not past its soft expiry. */
  readonly outdated?: boolean
  /** From when on the mint budget allows a fetch; 0 without one. */
  readonly budgetFreeAt: number
}

/** Decides what a refresh does next. Pure: it reads no clock and draws no random number. */
export function decide(situation: Situation): Decision {
  const { record, earliest, need, jitter, own } = situation
  const alive = isAlive(situation)
  const enough = isAlive(situation, need)
  const isFresh = record.value !== undefined && earliest < record.value.softExpiry - jitter
  if (enough && isFresh && !situation.outdated) return 'use'
  if (own === 'usable') return 'adopt'
  if (isHeld(situation)) return enough ? 'use-stale' : 'wait'
  if (isCoolingDown(situation)) return alive ? 'use-stale' : 'fail'
  return record.lease === undefined ? 'acquire' : 'take-over'
}

/** Whether another environment may still hold the lease, by true time. */
function isHeld({ record, own, earliest, leaseSeenFor }: Situation): boolean {
  return (
    record.lease !== undefined &&
    own === 'no' &&
    earliest <= record.lease.acquiredAt + record.lease.length &&
    leaseSeenFor <= record.lease.length
  )
}

/** Whether the source must not be asked now. A refusal holds only for the secret that was refused. */
function isCoolingDown({ record, earliest, secretFingerprint, budgetFreeAt }: Situation): boolean {
  if (earliest < budgetFreeAt) return true
  const { failure } = record
  if (failure === undefined || earliest >= failure.notBefore) return false
  return failure.kind !== 'refused' || failure.secretFingerprint === secretFingerprint
}
