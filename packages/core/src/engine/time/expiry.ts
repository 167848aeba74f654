import type { Entry } from '../../contracts.ts'
import type { Shared, Slot } from '../context.ts'
import { type Clock, DRIFT_TOLERANCE } from './clock.ts'
import { earlyBy } from './jitter.ts'

/**
 * Puts an entry into the slot. Its instants on the server's clock become two limits on the local clock: hard expiry by
 * the latest possible time, soft expiry by the earliest, so that nothing is used too long and nothing renewed too soon.
 */
export function limit<T>(
  { clock, share }: Shared,
  slot: Slot<T>,
  entry: Entry<T>,
  [earliest, latest]: readonly [earliest: number, latest: number],
): void {
  const now = clock.fast()
  const { aside } = slot
  slot.entry = entry
  slot.view = undefined
  slot.freshUntil = Math.floor(now + entry.softExpiry - earliest - earlyBy(entry, share))
  // What the API has refused is kept to be known again, never to be used.
  slot.usableUntil = aside?.rejected?.includes(entry.fingerprint)
    ? 0
    : Math.floor(now + entry.hardExpiry - latest - DRIFT_TOLERANCE)
  if (aside) aside.hold = undefined
}

/** Life left until an instant of `clock.fast()`, as it is told: in whole ms, 0 when there is none. */
export function lifeUntil(clock: Clock, until: number): number {
  return Math.max(0, Math.floor(until - clock.fast()))
}
