import { type RecordView, readViews, walkKeys } from '@warmtoken/core/operate'
import type { Context } from '../context.ts'
import { openPlace, type PlaceOptions } from '../place.ts'
import { table } from '../terminal.ts'

/** Options of `list`. */
export interface ListOptions extends PlaceOptions {
  readonly kind?: string | undefined
  readonly limit: number
}

/** Lists the records of a store. */
export async function list(context: Context, options: ListOptions): Promise<void> {
  const { terminal } = context
  const place = await openPlace(options, context)
  const { kind, limit } = options
  const records: RecordView[] = []
  let foreign = 0
  let isCut = false
  for await (const page of walkKeys(place.inventory, context, { kind })) {
    foreign += page.foreign
    const views = await readViews(place.store, page.keys, context)
    isCut = records.length + views.length > limit
    records.push(...views.slice(0, limit - records.length))
    terminal.progress(`${records.length} records`)
    if (isCut) break
  }
  if (isCut) terminal.note(`There are more than ${limit} records; use --limit to show more.`)
  if (foreign > 0) terminal.note(`${foreign} keys do not belong to warmtoken and were left out.`)
  records.sort((one, other) => (one.key < other.key ? -1 : 1))
  terminal.result({ store: place.title, records, foreign, complete: !isCut }, () =>
    records.length === 0
      ? [`No records in the ${place.title}.`]
      : table([['KEY', 'STATE', 'REMAINING', 'FINGERPRINT', 'NOTES'], ...records.map(rowOf)]),
  )
}

function rowOf({ key, state, remaining, fingerprint = '', notes }: RecordView): readonly string[] {
  return [key, state, remaining === undefined ? '' : `${remaining} s`, fingerprint, notes.join(', ')]
}
