/** Random keys, as an attacker sends them: each would cost a lease, a load and a record. @module */

import { type Absent, type Flood, type Home, type Item, knownTags } from './home.ts'
import { judge } from './judge.ts'

/** How many new keys a second one environment asks the store for leases for. */
const MAX_NEW_KEYS = 50
const WINDOW = 1_000

/** Makes the count of a cache. One event for each second of flood mode. */
export function createFlood(home: Pick<Home, 'context' | 'emit'>): Flood {
  let startedAt = Number.NEGATIVE_INFINITY
  let count = 0
  return {
    refuses(item) {
      if (item.isAdmitted || !isNew(item)) return false
      const now = home.context().clock.fast()
      if (now - startedAt >= WINDOW) {
        startedAt = now
        count = 0
      }
      count += 1
      if (count === MAX_NEW_KEYS + 1) home.emit({ type: 'flood', limit: MAX_NEW_KEYS })
      if (count > MAX_NEW_KEYS) return true
      // Others who ask for it before its look is answered join this one.
      item.isAdmitted = true
      return false
    },
  }
}

/** Whether this environment has never looked for the value of an item. */
function isNew({ lookedAt, slot }: Item): boolean {
  return slot.entry === undefined && lookedAt === Number.NEGATIVE_INFINITY
}

/**
 * What may be remembered if the load that begins now finds no value: for `none`, and no longer after the look than anything is
 * served without a check. `undefined` where a load is in progress, which may have started before the look.
 */
export function absentFrom({ knowledge, recheck }: Home, item: Item): Absent | undefined {
  if (item.direct !== undefined) return undefined
  const tags = knownTags(item).map((tag) => [tag, knowledge.numberOf(tag)] as const)
  const until = item.lookedAt + Math.min(item.source.none, recheck)
  return { until, changes: item.changes, under: { tags, root: knowledge.numberOf('') } }
}

/** Whether it is remembered that there is no value. */
export function isAbsent({ knowledge, context }: Home, { absent, changes, plain }: Item): boolean {
  if (absent === undefined || context().clock.fast() >= absent.until || absent.changes !== changes) return false
  return judge(plain, absent.under, knowledge).outcome === 'good'
}
