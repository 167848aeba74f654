import type { Entry, Tier } from '../../contracts.ts'
import type { Shared, Slot } from '../context.ts'
import { limit } from './expiry.ts'
import type { ServerClock } from './server-clock.ts'

/** An entry and the time by which its instants are to be read. */
interface Kept<T> {
  readonly entry: Entry<T>
  readonly tier: Tier
  /** The server's clock, or one that stands for it. */
  readonly server: Pick<ServerClock, 'earliest' | 'latest'>
}

/** Puts an entry into the slot. */
export function keep<T>(parts: Shared, slot: Slot<T>, { entry, tier, server }: Kept<T>): void {
  slot.tier = tier
  limit(parts, slot, entry, [server.earliest() ?? 0, server.latest() ?? 0])
}
