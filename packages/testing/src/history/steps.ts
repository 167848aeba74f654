import type { Lease } from '@warmtoken/core/record'
import type { Link } from './chain.ts'
import type { Violate } from './violation.ts'
import type { Write } from './writes.ts'

/** What the steps of a chain did. */
export interface StepCounts {
  /** Nonces that got the lease. */
  readonly leases: ReadonlySet<string>
  /** Nonces that published. */
  readonly published: ReadonlySet<string>
  /** Leases that were replaced by another's. */
  readonly takeOvers: number
}

/** Checks each step of the chain: what may change, and who may change it. */
export function checkSteps(chain: readonly Link[], tolerance: number, violate: Violate): StepCounts {
  /** The write that brought each lease. */
  const leases = new Map<string, Write>()
  const published = new Set<string>()
  let takeOvers = 0

  const checkNumbers = (before: Link | undefined, { write: { tag }, record }: Link): void => {
    const [value, old] = [record.value, before?.record.value]
    const [version, oldVersion] = [value?.version ?? 0, old?.version ?? 0]
    const oldEpoch = before?.record.epoch ?? 0
    if (record.epoch < oldEpoch) violate('I2', tag, `epoch fell from ${oldEpoch} to ${record.epoch}`)
    if (version < oldVersion) violate('I2', tag, `version fell from ${oldVersion} to ${version}`)
    if (version === oldVersion && value?.publisher !== old?.publisher)
      violate('I2', tag, 'the value changed and its version did not')
    if (value === undefined || version <= oldVersion) return
    const { publisher } = value
    if (before?.record.lease?.nonce !== publisher)
      violate('I2', tag, `${publisher} published and did not hold the record that it replaced`)
    if (published.has(publisher)) violate('I4', tag, `${publisher} published twice`)
    published.add(publisher)
  }

  const checkLease = (old: Lease | undefined, { write, record: { lease } }: Link): void => {
    const { tag, by, sentAt } = write
    if (lease !== undefined && !leases.has(lease.nonce)) leases.set(lease.nonce, write)
    const holder = old && leases.get(old.nonce)
    if (old === undefined || holder === undefined || old.nonce === lease?.nonce || holder.by === by) return
    if (lease === undefined) {
      violate('I3', tag, `${by} ended the lease ${old.nonce} of ${holder.by}`)
      return
    }
    const early = holder.sentAt + old.length - sentAt
    if (early > tolerance)
      violate('I3', tag, `lease ${old.nonce} was taken over ${Math.round(early)} ms before its end`)
    takeOvers += 1
  }

  for (const [index, link] of chain.entries()) {
    const before = chain[index - 1]
    checkNumbers(before, link)
    checkLease(before?.record.lease, link)
    const isNewLease = link.record.lease !== undefined && link.record.lease.nonce !== before?.record.lease?.nonce
    if (isNewLease && before !== undefined && link.record.epoch <= before.record.epoch)
      violate('I2', link.write.tag, 'a lease was won and the epoch did not rise')
  }
  return { leases: new Set(leases.keys()), published, takeOvers }
}
