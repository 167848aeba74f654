import type { Entry } from '../../contracts.ts'
import { StoreError } from '../../errors.ts'
import { asideOf } from '../slot.ts'
import { usableEntry } from '../time/usable-entry.ts'
import { fetchAlone } from './fetch-alone.ts'
import type { Flight } from './flight.ts'

/** The store cannot be used: a living value is served, otherwise this environment goes on alone. */
export async function withoutStore<T>(flight: Flight<T>, cause: StoreError | undefined): Promise<Entry<T>> {
  const { parts, slot, ask, signal } = flight
  const usable = usableEntry(parts, slot, { ...ask, minLifetime: 0 })
  // A wrong set-up must be seen, not papered over by a fetch per environment.
  if (usable === undefined && cause !== undefined && !cause.retryable) throw faultFor(slot.key, cause)
  if (usable === undefined && slot.subject.source.exclusive !== undefined) {
    const { key } = slot
    throw (
      (cause && faultFor(key, cause)) ??
      new StoreError(`the store is down, and ${key} may be fetched only under its lease`, { key, retryable: true })
    )
  }
  if (usable === undefined) return fetchAlone(parts, slot, ask, signal)
  const aside = asideOf(slot)
  aside.hold = { ...aside.hold, until: parts.storeDownUntil }
  return usable
}

/** The fault as it concerns this key, when it was met with another one. */
function faultFor(key: string, fault: StoreError): StoreError {
  const { message, code, retryable, cause } = fault
  if (fault.key === undefined || fault.key === key) return fault
  return new StoreError(message.replace(fault.key, key), { key, code, retryable, cause })
}
