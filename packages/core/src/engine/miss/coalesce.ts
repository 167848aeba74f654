import type { Entry } from '../../contracts.ts'
import type { Slot, Wish } from '../context.ts'
import type { Clock } from '../time/clock.ts'

/** Callers that ask the same of one slot within one reading of the clock, and so share one call. */
export interface Crowd {
  /** How many they are. */
  size: number
}

/** Those of a slot to whom more may come. */
interface Gathering extends Crowd {
  readonly at: number
  readonly wish: Wish
  readonly before: Entry<unknown> | undefined
  call: Promise<unknown> | undefined
}

/** Has a thousand callers cost little more than two. */
export interface Crowds {
  /** What one caller gets: the first goes alone, for what it fetches may be its own; those who come with it share. */
  readonly join: <V>(slot: Slot<unknown>, wish: Wish, call: (crowd?: Crowd) => Promise<V>) => Promise<V>
  /** Nobody joins this crowd any more: how many they are is about to be told. */
  readonly close: (slot: Slot<unknown>, crowd: Crowd) => void
}

function isSame(one: Wish, other: Wish): boolean {
  return one.minLifetime === other.minLifetime && one.timeout === other.timeout && one.rejected === other.rejected
}

/** Gathers the callers of an engine. */
export function createCrowds(clock: Clock): Crowds {
  const gatherings = new Map<Slot<unknown>, Gathering>()

  const close: Crowds['close'] = (slot, crowd) => {
    if (gatherings.get(slot) === crowd) gatherings.delete(slot)
  }

  const join: Crowds['join'] = <V>(
    slot: Slot<unknown>,
    wish: Wish,
    call: (crowd?: Crowd) => Promise<V>,
  ): Promise<V> => {
    const at = clock.fast()
    const there = gatherings.get(slot)
    if (there?.at === at && there.before === slot.entry && isSame(there.wish, wish)) {
      there.size += 1
      there.call ??= call(there)
      // Of one slot and one wish everybody who joins here makes the same.
      return there.call as Promise<V>
    }
    const gathering: Gathering = { at, wish, before: slot.entry, size: 0, call: undefined }
    gatherings.set(slot, gathering)
    return call({ size: 1 }).finally(() => close(slot, gathering))
  }

  return { join, close }
}
