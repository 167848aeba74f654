import type { Json } from '../contracts.ts'
import type { Shared, Slot } from './context.ts'
import { bounded } from './miss/bounded.ts'
import { anchorAt, DRIFT_TOLERANCE } from './time/clock.ts'
import { limit } from './time/expiry.ts'

/** Looks into the file tier, and keeps what it holds when that is usable and this environment did not have it. */
export async function readFile<T>(parts: Shared, slot: Slot<T>, rejected: string | undefined): Promise<void> {
  const found = parts.file?.read(slot.key)
  if (!found) return
  const { lifetime, sealed, earliest, latest, observed } = found
  if (lifetime.fingerprint === rejected || lifetime.hardExpiry <= Math.max(latest, slot.entry?.hardExpiry ?? 0)) return
  const value = await unseal(parts, slot, sealed)
  if (value === undefined) return
  // A new process learns the server's time from the file, until a store tells it better.
  if (observed) parts.anchor ??= anchorAt(parts.clock, earliest, latest)
  slot.tier = 'file'
  limit(parts, slot, { value, ...lifetime }, [earliest, latest + DRIFT_TOLERANCE])
}

/** The value in a sealed text; `undefined` when it cannot be opened: the slot then has why, for the slow path to tell. */
export async function unseal<T>({ codec }: Shared, slot: Slot<T>, sealed: string): Promise<T | undefined> {
  let error: unknown
  try {
    const text = codec ? await bounded(codec.open(sealed, slot.key)) : sealed
    const value = slot.subject.parse(JSON.parse(text) as Json)
    if (value !== undefined) return value
  } catch (thrown) {
    // Sealed for another key, by a key that is gone, or not sealed at all.
    error = thrown
  }
  slot.aside = { ...slot.aside, shut: { error } }
  return undefined
}
