/** What is looked for, sorted and shown stands in the address, so that it can be sent to a colleague. @module */

import { useEffect, useState } from 'preact/hooks'

export const SORTS = ['source', 'state', 'remaining', 'refreshed', 'took', 'size'] as const
export type Sort = (typeof SORTS)[number]

/** What the address says. */
export interface View {
  readonly search: string
  /** A standing, or everything. */
  readonly show: string
  readonly sort: Sort
  readonly isDescending: boolean
  readonly page: number
  /** The key of the record that is open. */
  readonly open: string
}

const START: View = { search: '', show: '', sort: 'state', isDescending: false, page: 0, open: '' }

/** The view, and what changes it. */
export function useView(): readonly [View, (change: Partial<View>) => void] {
  const [view, set] = useState(() => parseView(location.hash))
  useEffect(() => {
    const take = (): void => set(parseView(location.hash))
    addEventListener('hashchange', take)
    return () => removeEventListener('hashchange', take)
  }, [])
  const change = (part: Partial<View>): void => {
    const next = { ...parseView(location.hash), ...part }
    history.replaceState(undefined, '', `#${printView(next)}`)
    set(next)
  }
  return [view, change]
}

function parseView(hash: string): View {
  const given = new URLSearchParams(hash.slice(1))
  const sort = SORTS.find((one) => one === given.get('sort')) ?? START.sort
  const page = Math.max(0, Math.min(1_000, Number.parseInt(given.get('page') ?? '0', 10) || 0))
  return {
    search: given.get('q')?.slice(0, 200) ?? '',
    show: given.get('show') ?? '',
    sort,
    isDescending: given.has('desc'),
    page,
    open: given.get('open') ?? '',
  }
}

function printView({ search, show, sort, isDescending, page, open }: View): string {
  return new URLSearchParams({
    ...(search !== '' && { q: search }),
    ...(show !== '' && { show }),
    ...(sort !== START.sort && { sort }),
    ...(isDescending && { desc: '' }),
    ...(page > 0 && { page: String(page) }),
    ...(open !== '' && { open }),
  }).toString()
}
