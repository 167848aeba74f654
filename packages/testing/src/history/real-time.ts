import type { HistoryEvent } from './event.ts'
import type { Violate } from './violation.ts'
import type { Write } from './writes.ts'

/** Before the first write. */
const NOTHING = -1

/**
 * Checks that strong operations respect real time: what was acknowledged before an operation began is before it on the
 * chain. `positions`: the place of each tag on the chain.
 */
export function checkRealTime(
  events: readonly HistoryEvent[],
  { writes, positions }: { writes: ReadonlyMap<string, Write>; positions: ReadonlyMap<string, number> },
  violate: Violate,
): void {
  const settledBefore = settledPositions(writes, positions)
  for (const { tag, sentAt } of writes.values()) {
    const position = positions.get(tag)
    if (position !== undefined && settledBefore(sentAt) >= position)
      violate('I11', tag, 'it was sent after a later write had been acknowledged')
  }
  for (const event of events) {
    if (event.type !== 'read') continue
    const { tag, by, sentAt } = event
    const position = tag === undefined ? NOTHING : positions.get(tag)
    if (position === undefined) violate('I11', tag, `${by} read what is not on the chain`)
    else if (settledBefore(sentAt) > position)
      violate('I11', tag, `${by} read ${tag ?? 'nothing'} after a later write had been acknowledged`)
  }
}

/** Finds the furthest place on the chain that was acknowledged before an instant, in O(log n). */
function settledPositions(
  writes: ReadonlyMap<string, Write>,
  positions: ReadonlyMap<string, number>,
): (before: number) => number {
  const settled: { readonly at: number; readonly position: number }[] = []
  for (const { tag, acknowledgedAt } of writes.values()) {
    const position = positions.get(tag)
    if (acknowledgedAt !== undefined && position !== undefined) settled.push({ at: acknowledgedAt, position })
  }
  settled.sort((one, other) => one.at - other.at)
  let furthest = NOTHING
  const rising = settled.map(({ at, position }) => {
    furthest = Math.max(furthest, position)
    return { at, furthest }
  })
  return (before) => {
    let [low, high] = [0, rising.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((rising[middle]?.at ?? 0) < before) low = middle + 1
      else high = middle
    }
    return rising[low - 1]?.furthest ?? NOTHING
  }
}
