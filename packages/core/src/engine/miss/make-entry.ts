import type { Entry, Issued } from '../../contracts.ts'
import type { Parts, Slot } from '../context.ts'
import { windowOf } from '../time/lease-length.ts'

/** The life counts from before the request was sent: whenever the issuer started its clock, it was not earlier. */
export function makeEntry<T>(parts: Parts, slot: Slot<T>, issued: Issued<T>, issuedAt: number): Entry<T> {
  const hardExpiry = issuedAt + issued.lifetime
  const softExpiry = hardExpiry - windowOf(issued.lifetime, parts.policy, slot.subject.source.traits)
  return {
    value: issued.value,
    version: 0,
    issuedAt,
    softExpiry,
    hardExpiry,
    fingerprint: slot.subject.fingerprint(issued.value),
  }
}
