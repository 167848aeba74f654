import type { Entry, Tier } from '../contracts.ts'
import { limit } from './limit.ts'
import type { ServerClock } from './server-clock.ts'
import type { Shared, Slot } from './subject.ts'

/** An entry and the time by which its instants are to be read. */
interface Kept<T> {
  readonly entry: Entry<T>
  readonly tier: Tier
  /** The server's clock, or one that stands for it. */
  readonly server: Pick<ServerClock, 'earliest' | 'latest'>
}

/** Puts an entry into the slot. */
export const keep = <T>(parts: Shared, slot: Slot<T>, { entry, tier, server }: Kept<T>): void => {
  slot.tier = tier
  limit(parts, slot, entry, [server.earliest() ?? 0, server.latest() ?? 0])
}
