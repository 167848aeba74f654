import type { Entry } from '../../contracts.ts'
import type { Ask, Parts, Slot } from '../context.ts'
import { hasRefused } from '../slot.ts'
import { reachableLife } from './lease-length.ts'

/** The slot's entry, if it has the life asked for and is not the refused one. */
export function usableEntry<T>(parts: Parts, slot: Slot<T>, ask: Ask): Entry<T> | undefined {
  const { entry } = slot
  if (entry === undefined || entry.fingerprint === ask.rejected || hasRefused(slot, entry.fingerprint)) return undefined
  const need = ask.minLifetime === 0 ? 0 : Math.min(ask.minLifetime, reachableLife(entry, slot.subject.source.traits))
  return parts.clock.fast() + need < slot.usableUntil ? entry : undefined
}
