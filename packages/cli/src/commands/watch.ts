import { setTimeout as sleep } from 'node:timers/promises'
import { type RecordView, readViews, walkKeys } from '@warmtoken/core/operate'
import type { Context } from '../context.ts'
import { openPlace, type PlaceOptions } from '../place.ts'

/** Options of `watch`. */
export interface WatchOptions extends PlaceOptions {
  readonly kind?: string | undefined
  readonly interval: number
  readonly count?: number | undefined
}

/** Most records that are watched; the rest is left out. */
const MAX_WATCHED = 1_000

/** Prints a line for each record and for each change of one, until it is stopped. */
export async function watch(context: Context, { kind, interval, count, ...options }: WatchOptions): Promise<void> {
  const { terminal, signal } = context
  const place = await openPlace(options, context)
  let before = new Map<string, string>()
  for (let round = 1; !signal.aborted; round += 1) {
    const views: RecordView[] = []
    for await (const { keys } of walkKeys(place.inventory, context, { kind })) {
      views.push(...(await readViews(place.store, keys.slice(0, MAX_WATCHED - views.length), context)))
      if (views.length >= MAX_WATCHED) break
    }
    const now = new Map(views.map((view) => [view.key, changeable(view)]))
    const at = new Date().toISOString()
    for (const view of views)
      if (before.get(view.key) !== now.get(view.key)) terminal.line({ at, ...view }, lineOf(at, view))
    for (const key of before.keys()) if (!now.has(key)) terminal.line({ at, key, state: 'gone' }, `${at}  ${key}  gone`)
    before = now
    if (round === count) return
    await sleep(interval * 1_000, undefined, { signal }).catch(() => {})
  }
}

/** Everything that a line shows, except what passes with time alone. */
function changeable({ remaining: _remaining, ...view }: RecordView): string {
  return JSON.stringify(view)
}

function lineOf(at: string, { key, state, remaining, fingerprint, notes, refreshes = [] }: RecordView): string {
  const last = refreshes.at(-1)
  const parts = [
    at,
    key,
    state,
    remaining === undefined ? undefined : `${remaining} s`,
    fingerprint,
    ...notes,
    last && `last ${last.outcome} after ${last.took} ms by ${last.by}`,
  ]
  return parts.filter((part) => part !== undefined && part !== '').join('  ')
}
