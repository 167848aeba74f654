import { type RecordView, readViews } from '@warmtoken/core/operate'
import type { Context } from '../context.ts'
import { OperatorError } from '../exit.ts'
import { openPlace, type PlaceOptions } from '../place.ts'
import { checkKey } from '../records.ts'
import { table } from '../terminal.ts'

/** Shows one record, without its value. */
export async function inspect(context: Context, key: string, options: PlaceOptions): Promise<void> {
  checkKey(key)
  const place = await openPlace(options, context)
  const [view] = await readViews(place.store, [key], context)
  if (view === undefined) throw new OperatorError(`the ${place.title} has no record ${key}; "warmtoken list" shows all`)
  context.terminal.result(view, () => linesOf(view))
}

function linesOf(view: RecordView): readonly string[] {
  const { lease, failure, intent, rejectPause, refreshes = [], notes, ...rest } = view
  const facts: (readonly string[])[] = Object.entries(rest).map(([name, value]) => [name, String(value)])
  if (notes.length > 0) facts.push(['notes', notes.join(', ')])
  if (lease) facts.push(['lease', `${lease.nonce}…, since ${lease.acquiredAt}, ends ${lease.endsAt}`])
  if (failure)
    facts.push([
      'failure',
      `${failure.kind} ${failure.code}, ${failure.count} in a row, not before ${failure.notBefore}`,
    ])
  if (rejectPause) facts.push(['reject pause', `${rejectPause.count} in a row, until ${rejectPause.until}`])
  if (intent)
    facts.push(['intent', `since ${intent.at}, tries ${intent.tries}${intent.dead ? ', dead: sign in again' : ''}`])
  const ring = refreshes.map(({ at, by, took, outcome, fingerprint }) => [at, outcome, `${took} ms`, fingerprint, by])
  const head = ['REFRESHED AT', 'OUTCOME', 'TOOK', 'FINGERPRINT', 'BY']
  return [...table(facts), ...(ring.length > 0 ? ['', ...table([head, ...ring])] : [])]
}
