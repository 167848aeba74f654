import type { Applied } from '../backend.ts'
import { type Process, START } from '../process.ts'
import type { Schedule } from '../schedule.ts'

/** What is checked of writes through a cache. */
export type WriteInvariant =
  /** What `write` resolved for is seen: here and in the store at once, elsewhere within `recheck`. */
  | 'W1 acknowledged'
  /** What the truth took while the writer's lease lasted is seen once the lease and `recheck` are over, whatever became of the writer. */
  | 'W2 announced'
  /** The numbers of writes rise in the order in which they were announced. */
  | 'W3 numbers rise'
  /** The truth is written only once the store knows of it. */
  | 'W4 announced first'
  /** What fails does so by a typed error. */
  | 'W5 typed'

/** A broken promise. */
export interface WriteViolation {
  readonly invariant: WriteInvariant
  readonly at: number
  readonly what: string
}

/** A value of the truth: unique, and numbered in the order in which the truth took them. */
export interface Landed {
  readonly key: string
  readonly order: number
}

/** From when on no value may be served that the truth took earlier, by true time. */
interface Floor extends Landed {
  readonly invariant: 'W1 acknowledged' | 'W2 announced'
  /** Who wrote it. */
  readonly process: Process | undefined
  readonly own: number
  /** For who reads the store. */
  readonly cold: number
  /** For who has something in memory. */
  readonly warm: number
}

/** Sees what is announced, what the truth takes, and what callers are served. */
export interface WriteWitness {
  readonly violations: WriteViolation[]
  violate(invariant: WriteInvariant, what: string): void
  onApply(applied: Applied): void
  /** The truth has taken a value, in the name of this announcement. */
  onLanded(landed: Landed, id: string): void
  /** A writer is called. */
  onWriter(key: string, n: number): void
  onResolved(process: Process, landed: Landed, outcome: string): void
  /** A `get` that began then was served a value of this order. */
  onServed(process: Process, served: Landed, get: { readonly beganAt: number; readonly isCold: boolean }): void
}

/** Makes the witness of one run. */
export function createWriteWitness({
  schedule,
  recheck,
  saw,
}: {
  readonly schedule: Schedule
  readonly recheck: number
  readonly saw: (name: string) => void
}): WriteWitness {
  const violations: WriteViolation[] = []
  const floors: Floor[] = []
  /** When the lease of an announcement ends, by true time. */
  const leaseEnds = new Map<string, number>()
  /** By which announcement the truth was written. */
  const ids = new Map<number, string>()
  const numbers = new Map<string, number>()
  const { now } = schedule

  const violate = (invariant: WriteInvariant, what: string): void =>
    void violations.push({ invariant, at: now(), what })

  return {
    violations,
    violate,
    onApply({ after }) {
      const { lease } = JSON.parse(after.body) as { lease?: { nonce: string; acquiredAt: number; length: number } }
      if (lease?.nonce.startsWith('write ') === true && !leaseEnds.has(lease.nonce))
        leaseEnds.set(lease.nonce, lease.acquiredAt + lease.length - START)
    },
    onLanded({ key, order }, id) {
      const end = leaseEnds.get(id)
      if (end === undefined) return violate('W4 announced first', `${key} was written without an announcement`)
      ids.set(order, id)
      if (now() > end) return saw('landed after its lease')
      saw('landed')
      const own = Number.POSITIVE_INFINITY
      floors.push({ invariant: 'W2 announced', key, order, process: undefined, own, cold: end, warm: end + recheck })
    },
    onWriter(key, n) {
      if (n <= (numbers.get(key) ?? 0)) violate('W3 numbers rise', `${key}: ${n} after ${numbers.get(key)}`)
      numbers.set(key, n)
    },
    onResolved(process, { key, order }, outcome) {
      saw(outcome)
      // While it is pending, others may serve the old value to the end of the lease.
      const end = leaseEnds.get(ids.get(order) ?? '') ?? 0
      const cold = outcome === 'pending' ? Math.max(now(), end) : now()
      floors.push({ invariant: 'W1 acknowledged', key, order, process, own: now(), cold, warm: cold + recheck })
    },
    onServed(process, served, { beganAt, isCold }) {
      for (const floor of floors) {
        if (floor.key !== served.key || floor.order <= served.order) continue
        const since = process === floor.process ? floor.own : isCold ? floor.cold : floor.warm
        if (beganAt <= since) saw('old value within the bound')
        else
          violate(
            floor.invariant,
            `${process.name} was served ${served.order} of ${served.key} instead of ${floor.order}`,
          )
      }
    },
  }
}
