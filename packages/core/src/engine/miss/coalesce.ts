import type { Entry } from '../../contracts.ts'
import type { Wish } from '../context.ts'
import type { Slot } from '../slot.ts'
import type { Clock } from '../time/clock.ts'

/** Callers that ask the same of one slot within one reading of the clock, and so share one call (single flight). */
export interface Callers {
  count: number
}

/** Makes a thousand concurrent callers cost little more than two. */
export interface Coalescer {
  /** What one caller gets. The first goes alone, since a value may be fetched for it; callers that come with it share. */
  join<V>(slot: Slot<unknown>, wish: Wish, call: (callers?: Callers) => Promise<V>): Promise<V>
  /** Nobody joins these callers any more: their number is about to be reported. */
  close(slot: Slot<unknown>, callers: Callers): void
}

/** A call that more callers may join. */
interface OpenCall extends Callers {
  readonly at: number
  readonly wish: Wish
  readonly before: Entry<unknown> | undefined
  call: Promise<unknown> | undefined
}

/** Makes the coalescer of an engine. */
export function createCoalescer(clock: Clock): Coalescer {
  const open = new Map<Slot<unknown>, OpenCall>()

  const close: Coalescer['close'] = (slot, callers) => {
    if (open.get(slot) === callers) open.delete(slot)
  }

  return {
    close,
    join<V>(slot: Slot<unknown>, wish: Wish, call: (callers?: Callers) => Promise<V>): Promise<V> {
      const at = clock.fast()
      const current = open.get(slot)
      if (current?.at === at && current.before === slot.entry && isSame(current.wish, wish)) {
        current.count += 1
        current.call ??= call(current)
        // All callers of one slot with one wish make the same of the value.
        return current.call as Promise<V>
      }
      const next: OpenCall = { at, wish, before: slot.entry, count: 0, call: undefined }
      open.set(slot, next)
      return call({ count: 1 }).finally(() => close(slot, next))
    },
  }
}

function isSame(one: Wish, other: Wish): boolean {
  return (
    one.minLifetime === other.minLifetime &&
    one.timeout === other.timeout &&
    one.rejected === other.rejected &&
    one.maxAge === other.maxAge &&
    one.instant === other.instant
  )
}
