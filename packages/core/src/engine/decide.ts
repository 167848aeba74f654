import type { WarmRecord } from '../record/record.ts'

/** All that a decision rests on: the record, the time as an interval, what this environment has seen, what is asked. */
export interface Situation {
  /** The record as it was last seen. */
  readonly record: WarmRecord
  /** The time on the server is this or later. */
  readonly earliest: number
  /** The time on the server is this or earlier. */
  readonly latest: number
  /** For how long, at least, this environment has been seeing this very lease, in ms. */
  readonly leaseSeenFor: number
  /** Whether the lease is this environment's own and has not been used: with time enough to fetch under it, or without. */
  readonly own: 'no' | 'usable' | 'spent'
  /** The life that the value must have left, in ms. */
  readonly need: number
  /** By how much this environment asks earlier than soft expiry, in ms. Jitter only ever subtracts. */
  readonly early: number
  /** Fingerprint of the value that the API refused. */
  readonly rejected: string | undefined
  /** Fingerprint of the secret in use, where the source has one. */
  readonly secret: string | undefined
  /** From when on the mint budget allows a fetch; 0 without one. */
  readonly budgetFreeAt: number
}

/** What to do next. */
export type Decision =
  /** Use the value: it is fresh. */
  | 'use'
  /** Use the value; somebody else is refreshing it, or nobody may now. */
  | 'use-stale'
  /** The lease is this call's own: fetch. */
  | 'adopt'
  /** Another environment fetches: look again soon. */
  | 'wait'
  /** Nobody fetches: ask for the lease. */
  | 'acquire'
  /** The same, after a lease that ended without a publish. */
  | 'take-over'
  /** No value, and the source must not be asked now. */
  | 'fail'

/** Whether the value may be used at all: not refused by the API and certainly not past hard expiry. */
export function isAlive({ record, rejected, latest }: Situation): boolean {
  return (
    record.value !== undefined &&
    record.value.version !== record.rejected &&
    record.value.fingerprint !== rejected &&
    latest < record.value.hardExpiry
  )
}

/** Whether another may still hold the lease, by true time. */
function isHeld({ record, own, earliest, leaseSeenFor }: Situation): boolean {
  return (
    record.lease !== undefined &&
    own === 'no' &&
    earliest <= record.lease.acquiredAt + record.lease.length &&
    leaseSeenFor <= record.lease.length
  )
}

/** Whether the source must be left alone. A refusal holds only for the secret it was given for. */
export function isCoolingDown({ record, earliest, secret, budgetFreeAt }: Situation): boolean {
  if (earliest < budgetFreeAt) return true
  const { failure } = record
  if (failure === undefined || earliest >= failure.notBefore) return false
  return failure.kind !== 'refused' || failure.secret === secret
}

/** Decides, without looking at any clock or drawing any lot. */
export function decide(situation: Situation): Decision {
  const { record, earliest, latest, need, early } = situation
  const alive = isAlive(situation)
  const enough = alive && record.value !== undefined && latest + need <= record.value.hardExpiry
  if (enough && record.value !== undefined && earliest < record.value.softExpiry - early) return 'use'
  if (situation.own === 'usable') return 'adopt'
  if (isHeld(situation)) return enough ? 'use-stale' : 'wait'
  if (isCoolingDown(situation)) return alive ? 'use-stale' : 'fail'
  return record.lease === undefined ? 'acquire' : 'take-over'
}
