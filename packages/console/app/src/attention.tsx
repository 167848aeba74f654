import type { RecordView } from '@warmtoken/core/operate'
import { STANDINGS, standingOf, titleOf } from './facts.ts'
import { length } from './format.ts'

/** How many are listed; the table has all. */
const MOST = 6

interface AttentionProps {
  readonly records: readonly RecordView[]
  readonly names: { readonly [key: string]: string }
  readonly now: number
  onOpen(record: RecordView): void
}

/** What is not as it should be, and who refreshes now. Nothing where all is well. */
export function Attention({ records, names, now, onOpen }: AttentionProps) {
  const wrong = records.filter((record) => ['attention', 'cooling'].includes(standingOf(record)) || isPaused(record))
  wrong.sort((one, other) => STANDINGS.indexOf(standingOf(one)) - STANDINGS.indexOf(standingOf(other)))
  const busy = records.filter(({ notes }) => notes.includes('refreshing'))
  if (wrong.length === 0 && busy.length === 0) return null
  return (
    <div class="pair">
      {wrong.length > 0 && (
        <section class="card">
          <h2>Cool-downs and pauses</h2>
          <List records={wrong} names={names} onOpen={onOpen} what={(record) => <Why record={record} now={now} />} />
        </section>
      )}
      {busy.length > 0 && (
        <section class="card">
          <h2>Refreshing now</h2>
          <List
            records={busy}
            names={names}
            onOpen={onOpen}
            what={({ lease }) => <>{lease && <Holder lease={lease} now={now} />}</>}
          />
        </section>
      )}
    </div>
  )
}

interface ListProps {
  readonly records: readonly RecordView[]
  readonly names: { readonly [key: string]: string }
  onOpen(record: RecordView): void
  what(record: RecordView): preact.JSX.Element
}

function List({ records, names, onOpen, what }: ListProps) {
  return (
    <>
      <ul class="list">
        {records.slice(0, MOST).map((record) => {
          const { name, hash } = titleOf(record.key, names)
          return (
            <li key={record.key}>
              <button type="button" class="link" onClick={() => onOpen(record)}>
                {name} <code>{hash}</code>
              </button>
              <span class="what">{what(record)}</span>
            </li>
          )
        })}
      </ul>
      {records.length > MOST && <p class="quiet">and {records.length - MOST} more in the table of sources</p>}
    </>
  )
}

function isPaused({ notes }: RecordView): boolean {
  return notes.includes('reject-paused')
}

/** Why a source is not asked, and until when. */
function Why({ record, now }: { readonly record: RecordView; readonly now: number }) {
  const { notes, failure, rejectPause, state } = record
  if (notes.includes('sign-in')) return <span class="chip bad">sign in again</span>
  if (state === 'unreadable') return <span class="chip bad">unreadable</span>
  if (failure !== undefined && (notes.includes('stopped') || notes.includes('cooling-down')))
    return (
      <>
        <span class="chip bad">{notes.includes('stopped') ? 'stopped' : failure.kind}</span>
        <span>
          {notes.includes('stopped') ? 'by an operator' : `${failure.code}, ${failure.count} in a row`} · ends in{' '}
          <b>{length(Date.parse(failure.notBefore) - now)}</b>
        </span>
      </>
    )
  if (rejectPause !== undefined)
    return (
      <>
        <span class="chip warn">reject pause</span>
        <span>
          {rejectPause.count} in a row · ends in <b>{length(Date.parse(rejectPause.until) - now)}</b>
        </span>
      </>
    )
  return <span class="chip bad">{notes.find((note) => note.startsWith('damaged')) ?? 'damaged'}</span>
}

/** Who holds the lease, and how long it lasts at most. */
function Holder({ lease, now }: { readonly lease: NonNullable<RecordView['lease']>; readonly now: number }) {
  const since = Date.parse(lease.acquiredAt)
  return (
    <>
      lease <code>{lease.nonce}</code> · for {length(Math.max(0, now - since))} · ends in{' '}
      <b>{length(Date.parse(lease.endsAt) - now)}</b>
    </>
  )
}
