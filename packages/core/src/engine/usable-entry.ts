import type { Entry } from '../contracts.ts'
import { hasRefused } from './aside.ts'
import { reachableLife } from './lease.ts'
import type { Ask, Parts, Slot } from './subject.ts'

/** The slot's entry, if it has the life asked for and is not the refused one. */
export const usableEntry = <T>(parts: Parts, slot: Slot<T>, ask: Ask): Entry<T> | undefined => {
  const { entry } = slot
  if (entry === undefined || entry.fingerprint === ask.rejected || hasRefused(slot, entry.fingerprint)) return undefined
  const need = ask.minLife === 0 ? 0 : Math.min(ask.minLife, reachableLife(entry, slot.subject.source.traits))
  return parts.clock.fast() + need < slot.usableUntil ? entry : undefined
}
