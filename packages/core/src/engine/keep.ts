import type { Entry, Json, Tier } from '../contracts.ts'
import { parseJson } from '../parse.ts'
import { createServerClock, DRIFT_TOLERANCE, type ServerClock } from './clock.ts'
import { earlyBy } from './policy.ts'
import type { Shared, Slot } from './subject.ts'

/** An entry and the time by which its instants are to be read. */
interface Kept<T> {
  readonly entry: Entry<T>
  readonly tier: Tier
  /** The server's clock, or one that stands for it. */
  readonly server: ServerClock
}

/**
 * Puts an entry into the slot. Its instants on the server's clock become two limits on the local clock: hard expiry by
 * the latest possible time, soft expiry by the earliest, so that nothing is used too long and nothing renewed too soon.
 */
export const keep = <T>(parts: Shared, slot: Slot<T>, { entry, tier, server }: Kept<T>): void => {
  const now = parts.clock.fast()
  const earliest = server.earliest() ?? 0
  const latest = server.latest() ?? 0
  const usableUntil = now + entry.hardExpiry - latest - DRIFT_TOLERANCE
  slot.entry = entry
  slot.tier = tier
  slot.usableUntil = usableUntil
  slot.freshUntil = Math.min(usableUntil, now + entry.softExpiry - earlyBy(entry, parts.share) - earliest)
  slot.holdUntil = 0
  slot.cooling = undefined
  slot.view = undefined
}

/** Forgets the entry of the slot. */
export const forget = (slot: Slot<unknown>): void => {
  slot.entry = undefined
  slot.freshUntil = 0
  slot.usableUntil = 0
  slot.view = undefined
}

/** Life left, at least, in ms. */
export const remaining = (parts: Shared, slot: Slot<unknown>): number =>
  Math.max(0, slot.usableUntil - parts.clock.fast())

/** Looks into the file tier. True when it held something usable that this environment did not have. */
export const readFile = async <T>(parts: Shared, slot: Slot<T>, rejected: string | undefined): Promise<boolean> => {
  const { key } = slot.subject
  const found = parts.file?.read(key)
  if (found === undefined) return false
  const known = slot.entry
  if (found.fingerprint === rejected || found.latest >= found.hardExpiry) return false
  if (known !== undefined && (known.fingerprint === found.fingerprint || known.hardExpiry >= found.hardExpiry))
    return false
  const value = await unseal(parts, slot, found.sealed)
  if (value === undefined) return false
  const { earliest, latest, observed, sealed: _sealed, ...life } = found
  const server = createServerClock(parts.clock)
  server.adopt(earliest, latest)
  // A new process learns the server's time from the file, until a store tells it better.
  if (observed && parts.server.latest() === undefined) parts.server.adopt(earliest, latest)
  keep(parts, slot, { entry: { value, ...life }, tier: 'file', server })
  return true
}

/** The value in a sealed text; `undefined`, and an event, when it cannot be opened. */
export const unseal = async <T>(parts: Shared, slot: Slot<T>, sealed: string): Promise<T | undefined> => {
  const { key } = slot.subject
  try {
    const json = parseJson(parts.codec === undefined ? sealed : await parts.codec.open(sealed, key))
    const value = json === undefined ? undefined : slot.subject.parse(json as Json)
    if (value !== undefined) return value
  } catch {
    // Sealed for another key, by a key that is gone, or not sealed at all: the event below says so.
  }
  parts.emit({ type: 'codec-error', key, operation: 'open' })
  return undefined
}
