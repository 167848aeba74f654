import type { Entry, Issued } from '../contracts.ts'
import { windowOf } from './lease.ts'
import type { Parts, Slot } from './subject.ts'

/** The life counts from before the request was sent: whenever the issuer started its clock, it was not earlier. */
export const makeEntry = <T>(parts: Parts, slot: Slot<T>, issued: Issued<T>, issuedAt: number): Entry<T> => {
  const hardExpiry = issuedAt + issued.life
  const softExpiry = hardExpiry - windowOf(issued.life, parts.policy, slot.subject.source.traits)
  return {
    value: issued.value,
    version: 0,
    issuedAt,
    softExpiry,
    hardExpiry,
    fingerprint: slot.subject.fingerprint(issued.value),
  }
}
