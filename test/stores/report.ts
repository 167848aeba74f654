import type { CaseResult } from '@warmtoken/testing/store'

/** What became of each case, by store and by case. */
export type Outcomes = Map<string, Map<string, CaseResult | 'FAILED' | 'SKIPPED'>>

function word(result: CaseResult | 'FAILED' | 'SKIPPED' | undefined): string {
  if (result === 'pass') return 'ok'
  return typeof result === 'object' ? 'gap' : (result ?? '–')
}

/** The table of cases × stores, and below it each gap with its reason. */
export function printTable(outcomes: Outcomes): string {
  const stores = [...outcomes.keys()]
  const cases = [...new Set(stores.flatMap((store) => [...(outcomes.get(store)?.keys() ?? [])]))]
  const width = Math.max(...cases.map(({ length }) => length), 0)
  const columns = stores.map((_, index) => String.fromCharCode(65 + index).padEnd(7))
  const rows = cases.map((name) => {
    const cells = stores.map((store) => word(outcomes.get(store)?.get(name)).padEnd(7))
    return `${name.padEnd(width)}  ${cells.join(' ')}`.trimEnd()
  })
  const counts = stores.map((store, index) => {
    const words = [...(outcomes.get(store)?.values() ?? [])].map(word)
    const count = (wanted: string): number => words.filter((each) => each === wanted).length
    return `  ${columns[index]?.trim()}  ${store}: ${count('ok')} ok, ${count('gap')} gaps, ${count('FAILED')} failed, ${count('SKIPPED')} skipped`
  })
  return [
    'Stores',
    ...counts,
    '',
    `${'Case'.padEnd(width)}  ${columns.join(' ')}`.trimEnd(),
    ...rows,
    '',
    'Gaps: what could not be tried, and why',
    ...gaps(outcomes),
  ].join('\n')
}

function gaps(outcomes: Outcomes): readonly string[] {
  const reasons = new Map<string, number>()
  for (const [store, results] of outcomes) {
    for (const result of results.values()) {
      if (typeof result !== 'object') continue
      const line = `  ${store}: ${result.gap}`
      reasons.set(line, (reasons.get(line) ?? 0) + 1)
    }
  }
  return [...reasons].map(([line, count]) => `${line} (${count} ${count === 1 ? 'case' : 'cases'})`)
}
