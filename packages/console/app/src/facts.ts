/** What follows from the records: names, states, refreshes. Pure. @module */

import type { RecordView } from '@warmtoken/core/operate'

/** What a source is called on the page. */
export interface Title {
  /** The name that the admin function was given, else the readable start of the key. */
  readonly name: string
  /** The first characters of the hash, which tell two of the same kind apart. */
  readonly hash: string
}

/** One refresh, or what an operator did, of one record. */
export interface Line {
  readonly key: string
  readonly at: number
  readonly by: string
  readonly took: number
  readonly outcome: string
  readonly kind: LineKind
}

export type LineKind = 'ok' | 'failed' | 'operator'

/** How a record stands, worst first. */
export const STANDINGS = ['attention', 'cooling', 'refreshing', 'due', 'fresh', 'none'] as const
export type Standing = (typeof STANDINGS)[number]

export function titleOf(key: string, names: { readonly [key: string]: string } | undefined): Title {
  const at = key.lastIndexOf('~')
  return { name: names?.[key] ?? key.slice(0, at), hash: key.slice(at + 1, at + 9) }
}

/** Whether it is the record of a value, and not of another kind, such as a ticket or a plan. */
export function isSource({ state }: RecordView): boolean {
  return state !== 'other' && state !== 'sealed'
}

/** Of `operator arn:aws:sts::1:assumed-role/operator/ada: why` what tells people apart: `operator/ada: why`. */
export function shortOperator(by: string): string {
  return by.replace(/^operator /, '').replace(/^arn:[^/ ]*\//, '')
}

/** What an operator must act on comes first. */
export function standingOf({ state, notes }: RecordView): Standing {
  const isDamaged = notes.some((note) => note.startsWith('damaged'))
  if (state === 'unreadable' || isDamaged || notes.includes('sign-in')) return 'attention'
  if (notes.includes('stopped') || notes.includes('cooling-down')) return 'cooling'
  if (notes.includes('refreshing')) return 'refreshing'
  if (state === 'expired' || state === 'rejected' || state === 'due') return 'due'
  return state === 'fresh' ? 'fresh' : 'none'
}

/** Lifetime that is left, in ms; `undefined` where there is no value. */
export function leftOf({ hardExpiry }: RecordView, now: number): number | undefined {
  return hardExpiry === undefined ? undefined : Math.max(0, Date.parse(hardExpiry) - now)
}

/** The same as a share of the whole lifetime. */
export function shareOf(record: RecordView, now: number): number {
  const { issuedAt, hardExpiry } = record
  if (issuedAt === undefined || hardExpiry === undefined) return 0
  const whole = Date.parse(hardExpiry) - Date.parse(issuedAt)
  return whole <= 0 ? 0 : Math.min(1, (leftOf(record, now) ?? 0) / whole)
}

/** The last refresh, or what an operator did. */
export function lastOf({ refreshes = [] }: RecordView): NonNullable<RecordView['refreshes']>[number] | undefined {
  return refreshes.at(-1)
}

/** Every refresh that the records remember, newest first. */
export function linesOf(records: Iterable<RecordView>): readonly Line[] {
  const lines: Line[] = []
  for (const { key, refreshes = [] } of records)
    for (const { at, by, took, outcome } of refreshes)
      lines.push({ key, at: Date.parse(at), by, took, outcome, kind: kindOf(outcome, by) })
  return lines.sort((one, other) => other.at - one.at)
}

function kindOf(outcome: string, by: string): LineKind {
  if (by.startsWith('operator ')) return 'operator'
  return outcome === 'ok' ? 'ok' : 'failed'
}
