import type { Entry, Json, Tier } from '../contracts.ts'
import { bounded } from './bounded.ts'
import { anchorAt, type Clock, DRIFT_TOLERANCE } from './clock.ts'
import { earlyBy } from './early.ts'
import type { ServerClock } from './server-clock.ts'
import type { Shared, Slot } from './subject.ts'

/** An entry and the time by which its instants are to be read. */
interface Kept<T> {
  readonly entry: Entry<T>
  readonly tier: Tier
  /** The server's clock, or one that stands for it. */
  readonly server: Pick<ServerClock, 'earliest' | 'latest'>
}

/**
 * Puts an entry into the slot. Its instants on the server's clock become two limits on the local clock: hard expiry by
 * the latest possible time, soft expiry by the earliest, so that nothing is used too long and nothing renewed too soon.
 */
export const keep = <T>(parts: Shared, slot: Slot<T>, { entry, tier, server }: Kept<T>): void => {
  const now = parts.clock.fast()
  // What the API has refused is kept to be known again, never to be used.
  const isRefused = slot.aside?.rejected?.includes(entry.fingerprint)
  const usableUntil = isRefused ? 0 : now + entry.hardExpiry - (server.latest() ?? 0) - DRIFT_TOLERANCE
  const freshUntil = now + entry.softExpiry - (server.earliest() ?? 0) - earlyBy(entry, parts.share)
  Object.assign(slot, {
    entry,
    tier,
    usableUntil: Math.floor(usableUntil),
    freshUntil: Math.floor(freshUntil),
    view: undefined,
  })
  if (slot.aside) slot.aside.hold = undefined
}

/** Looks into the file tier. True when it held something usable that this environment did not have. */
export const readFile = async <T>(parts: Shared, slot: Slot<T>, rejected: string | undefined): Promise<boolean> => {
  const { clock, file } = parts
  const found = file?.read(slot.key)
  if (found === undefined) return false
  const { life, sealed, earliest, latest, observed } = found
  const { fingerprint, hardExpiry } = life
  const known = slot.entry
  if (fingerprint === rejected || fingerprint === known?.fingerprint) return false
  if (hardExpiry <= Math.max(latest, known?.hardExpiry ?? 0)) return false
  const value = await unseal(parts, slot, sealed)
  if (value === undefined) return false
  // A new process learns the server's time from the file, until a store tells it better.
  if (observed) parts.anchor ??= anchorAt(clock, earliest, latest)
  const server = { earliest: () => earliest, latest: () => latest + DRIFT_TOLERANCE }
  keep(parts, slot, { entry: { value, ...life }, tier: 'file', server })
  return true
}

/** The value in a sealed text; `undefined` when it cannot be opened: the slot then has why, for the slow path to tell. */
export const unseal = async <T>({ codec }: Shared, slot: Slot<T>, sealed: string): Promise<T | undefined> => {
  const { key, subject } = slot
  let error: unknown
  try {
    const value = subject.parse(
      JSON.parse(codec === undefined ? sealed : await bounded(codec.open(sealed, key))) as Json,
    )
    if (value !== undefined) return value
  } catch (thrown) {
    // Sealed for another key, by a key that is gone, or not sealed at all.
    error = thrown
  }
  slot.aside = { ...slot.aside, shut: { error } }
  return undefined
}

/** Life left until an instant of `clock.fast()`, as it is told: in whole ms, 0 when there is none. */
export const lifeUntil = (clock: Clock, until: number): number => Math.max(0, Math.floor(until - clock.fast()))
