import type { Report, SourceReport } from './types.ts'

type Cell = number | string | null

function percent(share: number | null): Cell {
  return share === null ? null : `${Math.round(share * 1_000) / 10} %`
}
function seconds(ms: number | null): Cell {
  return ms === null ? null : `${Math.round(ms / 1_000)} s`
}
function sum(numbers: object): number {
  return Object.values(numbers).reduce((all: number, one: number) => all + one, 0)
}

/** The columns, and what each shows of a source. */
const COLUMNS: { readonly [title: string]: (source: SourceReport) => Cell } = {
  memory: ({ hits }) => hits.memory,
  file: ({ hits }) => hits.file,
  store: ({ hits }) => hits.store,
  shared: ({ shared }) => shared,
  hits: ({ hitRate }) => percent(hitRate),
  fetches: ({ fetches }) => fetches.all,
  ok: ({ refreshSuccess }) => percent(refreshSuccess),
  alone: ({ fetches }) => fetches.alone,
  avoided: ({ fetchesAvoided }) => fetchesAvoided,
  waits: ({ leaseWaits }) => leaseWaits.count,
  'p50 ms': ({ leaseWaits }) => leaseWaits.p50,
  'p99 ms': ({ leaseWaits }) => leaseWaits.p99,
  stale: ({ staleServes }) => staleServes,
  'cool-downs': ({ coolDowns }) => sum(coolDowns),
  rejected: ({ rejections }) => rejections,
  'store errors': ({ storeErrors }) => storeErrors,
  'life p50': ({ remainingLife }) => seconds(remainingLife.p50),
  least: ({ remainingLife }) => seconds(remainingLife.least),
}

function isNothing(cell: Cell): boolean {
  return cell === null || cell === 0
}

/** A report as a table: a row a source, `all` last where there are several, and no column in which nothing happened. */
export function printReport({ all, sources }: Pick<Report, 'all' | 'sources'>): string {
  const named = Object.entries(sources)
  const rows = named.length > 1 ? [...named, ['all', all] as const] : named
  const columns = Object.entries(COLUMNS).filter(([, show]) => !isNothing(show(all)))
  const lines = [
    ['source', ...columns.map(([title]) => title)],
    ...rows.map(([kind, source]) => [kind, ...columns.map(([, show]) => String(show(source) ?? '–'))]),
  ]
  const widths = lines[0]?.map((_title, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const print = (line: readonly string[]): string =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
  return lines.map(print).join('\n')
}
