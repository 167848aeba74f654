/** The records of a store, page by page. The list of keys is read once in a while, for it reads the whole store. @module */

import type { Inventory, Store } from '../contracts.ts'
import { type Calling, readViews, walkKeys } from '../operate/change.ts'
import { isOurs, type RecordView } from '../operate/view.ts'
import type { KeyCounts } from './types.ts'

/** How long a list of keys is good for, in ms: a new record is seen as much later. */
const LIST_LIFE = 15_000
/** How many keys are listed at most. */
const MAX_KEYS = 10_000
/** How many records are on one page. */
const PAGE = 100
/** Kinds that hold no value with a life of its own, such as users, invalidations and connections. They are counted, and not read. */
const NO_VALUES = /^(session|gen|body|doctor|wb|wbx|live|ticket|lease|schedule)~/

/** The records of a store. */
export interface Records {
  /** How many records of which kind there are. */
  count(calling: Calling): Promise<KeyCounts>
  /** The records behind a key, in the order of their keys. */
  page(after: string, calling: Calling): Promise<{ readonly records: readonly RecordView[]; readonly next?: string }>
}

interface Listing {
  /** Of values, sorted. */
  readonly keys: readonly string[]
  readonly counts: KeyCounts
}

/** What {@link createRecords} reads. */
export interface RecordsOptions {
  readonly store: Store
  readonly inventory: Inventory | undefined
  /** Keys that are known without an inventory. */
  readonly known: () => readonly string[]
  /** The time, in ms from any origin. */
  readonly now: () => number
}

/** Reads records for operators. */
export function createRecords({ store, inventory, known, now }: RecordsOptions): Records {
  let listing: { readonly at: number; readonly list: Promise<Listing> } | undefined

  const listed = (calling: Calling): Promise<Listing> => {
    if (listing !== undefined && now() - listing.at < LIST_LIFE) return listing.list
    const list = inventory === undefined ? Promise.resolve(listOf(known())) : listKeys(inventory, known(), calling)
    const mine = { at: now(), list }
    listing = mine
    // A list that failed is asked for again by the next request.
    list.catch(() => {
      if (listing === mine) listing = undefined
    })
    return list
  }

  return {
    count: async (calling) => (await listed(calling)).counts,
    async page(after, calling) {
      const { keys } = await listed(calling)
      const start = keys.findIndex((key) => key > after)
      const wanted = start < 0 ? [] : keys.slice(start, start + PAGE)
      const records = await readViews(store, wanted, calling)
      const last = wanted.at(-1)
      const isLast = start < 0 || start + PAGE >= keys.length
      return { records, ...(!isLast && last !== undefined && { next: last }) }
    },
  }
}

async function listKeys(inventory: Inventory, known: readonly string[], calling: Calling): Promise<Listing> {
  const all = new Set(known)
  let foreign = 0
  let complete = true
  for await (const page of walkKeys(inventory, calling)) {
    foreign += page.foreign
    for (const key of page.keys) if (all.size < MAX_KEYS) all.add(key)
    complete = all.size < MAX_KEYS
    if (!complete) break
  }
  return listOf([...all], { listed: true, complete, foreign })
}

function listOf(
  all: readonly string[],
  found: Pick<KeyCounts, 'listed' | 'complete' | 'foreign'> = { listed: false, complete: true, foreign: 0 },
): Listing {
  const ours = all.filter(isOurs)
  const kinds = new Map<string, number>()
  for (const key of ours) kinds.set(kindOf(key), (kinds.get(kindOf(key)) ?? 0) + 1)
  const counts = { ...found, kinds: Object.fromEntries(kinds), sessions: kinds.get('session') ?? 0 }
  return { keys: ours.filter((key) => !NO_VALUES.test(key)).sort(), counts }
}

/** The readable start of a key: `oauth2` of a token, `leaderboard` of `leaderboard:chess`. */
function kindOf(key: string): string {
  return /^[^~:]+/.exec(key)?.[0] ?? key
}
