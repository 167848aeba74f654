import type { KeyCounts } from '@warmtoken/core/admin'
import type { RecordView } from '@warmtoken/core/operate'
import { useMemo } from 'preact/hooks'
import type { Sort, View } from './address.ts'
import { lastOf, leftOf, STANDINGS, type Standing, shareOf, standingOf, titleOf } from './facts.ts'
import { ago, bytes, count, length } from './format.ts'

/** How many rows stand on one page. */
const ROWS = 50
const SHOWN: { readonly [S in Standing]: string } = {
  attention: 'Need action',
  cooling: 'Cooling down',
  refreshing: 'Refreshing',
  due: 'Due',
  fresh: 'Fresh',
  none: 'Without a value',
}
const COLUMNS: readonly (readonly [sort: Sort, title: string])[] = [
  ['source', 'Source'],
  ['state', 'State'],
  ['remaining', 'Remaining lifetime'],
  ['refreshed', 'Last refresh'],
  ['took', 'Took'],
  ['size', 'Size'],
]

interface SourcesProps {
  readonly records: readonly RecordView[]
  readonly names: { readonly [key: string]: string }
  readonly keys: KeyCounts
  readonly now: number
  readonly view: View
  readonly isComplete: boolean
  onView(change: Partial<View>): void
  onOpen(record: RecordView): void
}

/** Every source: searched, filtered, sorted, fifty at a time. */
export function Sources({ records, names, keys, now, view, isComplete, onView, onOpen }: SourcesProps) {
  const { search, show, sort, isDescending } = view
  const found = useMemo(
    () => select(records, names, { search, show, sort, isDescending }),
    [records, names, search, show, sort, isDescending],
  )
  const pages = Math.max(1, Math.ceil(found.length / ROWS))
  const page = Math.min(view.page, pages - 1)
  const rows = found.slice(page * ROWS, (page + 1) * ROWS)
  const sortBy = (by: Sort): void => onView({ sort: by, isDescending: by === sort && !isDescending, page: 0 })
  return (
    <section class="card" aria-labelledby="sources">
      <div class="bar">
        <h2 id="sources">Sources</h2>
        <input
          type="search"
          aria-label="Search by name, key or fingerprint"
          placeholder="Search name, key, fingerprint"
          value={search}
          onInput={({ currentTarget }) => onView({ search: currentTarget.value, page: 0 })}
        />
        <select
          aria-label="Show"
          value={show}
          onChange={({ currentTarget }) => onView({ show: currentTarget.value, page: 0 })}
        >
          <option value="">All states</option>
          {STANDINGS.map((standing) => (
            <option key={standing} value={standing}>
              {SHOWN[standing]}
            </option>
          ))}
        </select>
      </div>
      {records.length === 0 ? (
        <Nothing isComplete={isComplete} keys={keys} />
      ) : (
        <table class="sources">
          <thead>
            <tr>
              {COLUMNS.map(([by, title]) => (
                <th
                  key={by}
                  scope="col"
                  class={by}
                  aria-sort={by === sort ? (isDescending ? 'descending' : 'ascending') : 'none'}
                >
                  <button type="button" onClick={() => sortBy(by)}>
                    {title}
                    <span class="arrow" aria-hidden="true">
                      {by === sort ? (isDescending ? '↓' : '↑') : ''}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((record) => (
              <Row key={record.key} record={record} names={names} now={now} onOpen={onOpen} />
            ))}
          </tbody>
        </table>
      )}
      {records.length > 0 && found.length === 0 && (
        <p class="empty">No source matches. Clear the search or the filter.</p>
      )}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages of sources">
          <button type="button" disabled={page === 0} onClick={() => onView({ page: page - 1 })}>
            Previous
          </button>
          <span>
            {count(page * ROWS + 1)}–{count(page * ROWS + rows.length)} of {count(found.length)}
          </span>
          <button type="button" disabled={page === pages - 1} onClick={() => onView({ page: page + 1 })}>
            Next
          </button>
        </nav>
      )}
    </section>
  )
}

function Row({
  record,
  names,
  now,
  onOpen,
}: Pick<SourcesProps, 'names' | 'now' | 'onOpen'> & { readonly record: RecordView }) {
  const { name, hash } = titleOf(record.key, names)
  const last = lastOf(record)
  return (
    <tr>
      <th scope="row" class="source">
        <button type="button" class="link" onClick={() => onOpen(record)}>
          {name} <code>{hash}</code>
        </button>
        <span class="small">
          <State record={record} />
        </span>
      </th>
      <td class="state">
        <State record={record} />
      </td>
      <td class="remaining">
        <Remaining record={record} now={now} />
      </td>
      <td class="refreshed">{last ? ago(Date.parse(last.at), now) : '–'}</td>
      <td class="took">{last && last.took > 0 ? length(last.took) : '–'}</td>
      <td class="size">{record.bytes === undefined ? '–' : bytes(record.bytes)}</td>
    </tr>
  )
}

/** The state of the value, and what else is the case. */
export function State({ record }: { readonly record: RecordView }) {
  const { state, notes } = record
  const tone =
    state === 'fresh' ? 'good' : state === 'due' ? 'warn' : ['empty', 'other', 'sealed'].includes(state) ? '' : 'bad'
  return (
    <>
      <span class={`chip ${tone}`}>{state}</span>
      {notes.map((note) => (
        <span key={note} class={`chip ${toneOf(note)}`}>
          {note.replaceAll('-', ' ')}
        </span>
      ))}
    </>
  )
}

function toneOf(note: string): string {
  if (note === 'refreshing') return 'info'
  if (note === 'exclusive') return ''
  return note === 'reject-paused' ? 'warn' : 'bad'
}

/** The lifetime that is left, as a bar of the whole and in words. */
export function Remaining({ record, now }: { readonly record: RecordView; readonly now: number }) {
  const left = leftOf(record, now)
  if (left === undefined) return <span class="quiet">no value</span>
  const isServed = record.state === 'fresh' || record.state === 'due'
  return (
    <span class="left">
      <meter
        class={isServed ? record.state : 'dead'}
        min={0}
        max={1}
        value={isServed ? shareOf(record, now) : 0}
        aria-label="Share of the lifetime that is left"
      />
      <span>{left === 0 ? 'expired' : length(left)}</span>
    </span>
  )
}

function Nothing({ isComplete, keys }: { readonly isComplete: boolean; readonly keys: KeyCounts }) {
  if (!isComplete)
    return (
      <p class="empty" aria-busy="true">
        Reading the records …
      </p>
    )
  return (
    <p class="empty">
      {keys.listed
        ? 'The store has no record of a token or a cached value yet. The first call of a function makes one.'
        : 'Without "inventory" only "tokens" are shown, and none of them has a record yet.'}
    </p>
  )
}

type Choice = Pick<View, 'search' | 'show' | 'sort' | 'isDescending'>

function select(
  records: readonly RecordView[],
  names: { readonly [key: string]: string },
  { search, show, sort, isDescending }: Choice,
): readonly RecordView[] {
  const wanted = search.trim().toLowerCase()
  const isFound = ({ key, fingerprint = '' }: RecordView): boolean =>
    wanted === '' || `${names[key] ?? ''} ${key} ${fingerprint}`.toLowerCase().includes(wanted)
  const found = records.filter((record) => isFound(record) && (show === '' || standingOf(record) === show))
  const ranks = new Map(found.map((record) => [record.key, rankOf(record, names, sort)]))
  const sign = isDescending ? -1 : 1
  return found.sort((one, other) => {
    const [a, b] = [ranks.get(one.key) ?? 0, ranks.get(other.key) ?? 0]
    const first = a < b ? -1 : a > b ? 1 : 0
    return first === 0 ? (one.key < other.key ? -1 : 1) : sign * first
  })
}

/** What a record is sorted by. By state, what needs someone comes first, then what ends first. */
function rankOf(record: RecordView, names: { readonly [key: string]: string }, sort: Sort): string | number {
  const end = record.hardExpiry === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(record.hardExpiry)
  const last = lastOf(record)
  if (sort === 'source') return titleOf(record.key, names).name
  if (sort === 'state') return STANDINGS.indexOf(standingOf(record)) * 1e14 + Math.min(end, 1e14 - 1)
  if (sort === 'remaining') return end
  if (sort === 'refreshed') return last === undefined ? 0 : -Date.parse(last.at)
  if (sort === 'took') return last?.took ?? 0
  return record.bytes ?? 0
}
