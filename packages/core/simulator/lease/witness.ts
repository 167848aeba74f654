import type { Held } from '../../src/lease/lease.ts'
import type { Process } from '../process.ts'
import type { Schedule } from '../schedule.ts'

/** What is checked of leases. */
export type LeaseInvariant =
  /** Never do two that run believe to hold it, each by its own clock. */
  | 'L1 one holder'
  /** Who begins and believes has a higher fence than all before. */
  | 'L2 fence rises'
  /** What fails does so by a typed error. */
  | 'L3 typed'

/** A broken promise. */
export interface LeaseViolation {
  readonly invariant: LeaseInvariant
  readonly at: number
  readonly what: string
}

/** Sees who holds the lease, and the resource that it protects. */
export interface LeaseWitness {
  readonly violations: LeaseViolation[]
  violate(invariant: LeaseInvariant, what: string): void
  /** The work of a process begins; the returned function ends it. */
  begin(process: Process, held: Held): () => void
  /** Looks at the clocks of all. */
  check(): void
  /** A write with this fence arrives at the resource. */
  onWrite(fence: number): void
}

interface Holder {
  readonly process: Process
  readonly held: Held
}

/** Makes a witness of one run. */
export function createLeaseWitness(schedule: Schedule, saw: (name: string) => void): LeaseWitness {
  const violations: LeaseViolation[] = []
  const holders = new Set<Holder>()
  let [highest, written] = [0, 0]

  const violate = (invariant: LeaseInvariant, what: string): void =>
    void violations.push({ invariant, at: schedule.now(), what })

  /** A frozen one looks at no clock; a dead one never again. */
  const believers = (): readonly Holder[] =>
    [...holders].filter(
      ({ process, held }) => process.isAlive() && !process.isFrozen() && held.remaining() > 0 && !held.signal.aborted,
    )

  const check = (): void => {
    const all = believers()
    if (all.length < 2) return
    const names = all.map(({ process, held }) => `${process.name} with fence ${held.fence}`)
    violate('L1 one holder', `believed by ${names.join(' and ')}`)
  }

  return {
    violations,
    violate,
    begin(process, held) {
      const holder = { process, held }
      holders.add(holder)
      saw('started')
      if (held.remaining() > 0) {
        if (held.fence <= highest) violate('L2 fence rises', `${held.fence} began after ${highest}`)
        highest = Math.max(highest, held.fence)
      } else saw('started too late')
      check()
      return () => void holders.delete(holder)
    },
    check,
    onWrite(fence) {
      if (fence < written) return saw('late write refused')
      // No resource can tell this one from an early write of a holder that is alive.
      if (fence < highest) saw('late write before the next holder wrote')
      written = fence
    },
  }
}
