import { until } from '../calendar/until.ts'
import type { Plan, PlannedItem } from './types.ts'

/** How far back the last boundary of a daily time is looked for, in ms: a zone may skip a whole date. */
const LOOK_BACK: number = 3 * 86_400_000
/** How many boundaries lie within that, at most. */
const MAX_STEPS = 8

/** The boundaries around an instant: `last` is not later than it, `next` is. In ms since 1970. */
export interface Boundaries {
  readonly last: number
  readonly next: number
}

/** Finds the boundaries of all items. They are remembered, for most ticks fall between the same two. */
export function createBoundaries({ zone, items }: Plan): (now: number) => Promise<ReadonlyMap<string, Boundaries>> {
  const known = new Map<string, Boundaries>()

  const daily = async (at: string, now: number): Promise<Boundaries> => {
    const before = known.get(at)
    if (before !== undefined && before.last <= now && now < before.next) return before
    const boundary = until({ at, zone })
    let last = await boundary.next(now - LOOK_BACK)
    let next = last
    for (let step = 0; step < MAX_STEPS && next <= now; step += 1) {
      last = next
      next = await boundary.next(last)
    }
    known.set(at, { last, next })
    return { last, next }
  }

  const around = async ({ every, at }: PlannedItem, now: number): Promise<Boundaries> => {
    if (at.length === 0) return { last: Math.floor(now / every) * every, next: (Math.floor(now / every) + 1) * every }
    const all: Boundaries[] = []
    for (const time of at) all.push(await daily(time, now))
    return { last: Math.max(...all.map(({ last }) => last)), next: Math.min(...all.map(({ next }) => next)) }
  }

  return async (now) => {
    const found = new Map<string, Boundaries>()
    for (const item of items) found.set(item.name, await around(item, now))
    return found
  }
}
