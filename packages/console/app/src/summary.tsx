import type { KeyCounts } from '@warmtoken/core/admin'
import type { RecordView } from '@warmtoken/core/operate'
import { type Line, type Standing, standingOf } from './facts.ts'
import { count, percent } from './format.ts'

const HOUR = 3_600_000

/** How the fleet stands, in eight numbers. */
export function Summary({
  records,
  keys,
  lines,
  now,
  isComplete,
}: {
  readonly records: readonly RecordView[]
  readonly keys: KeyCounts
  readonly lines: readonly Line[]
  readonly now: number
  readonly isComplete: boolean
}) {
  const standings = Map.groupBy(records, standingOf)
  const having = (standing: Standing): number => standings.get(standing)?.length ?? 0
  const recent = lines.filter(({ at, kind }) => kind !== 'operator' && now - at < HOUR)
  const good = recent.filter(({ kind }) => kind === 'ok').length
  const more = isComplete ? '' : ' so far'
  return (
    <section class="summary" aria-label="Summary" aria-busy={!isComplete}>
      <Tile
        title="Sources"
        value={count(records.length)}
        note={keys.complete ? `records${more}` : 'the first 10,000'}
      />
      <Tile title="Fresh" value={count(having('fresh'))} tone="good" note="served as they are" />
      <Tile title="Due" value={count(having('due'))} tone="warn" note="or no longer served" />
      <Tile title="Refreshing" value={count(having('refreshing'))} tone="info" note="a lease is held" />
      <Tile title="Cooling down" value={count(having('cooling'))} tone="bad" note="or stopped by hand" />
      <Tile title="Need action" value={count(having('attention'))} tone="bad" note="sign-in or damage" />
      <Tile
        title="Refreshes, 1 h"
        value={`≥ ${count(recent.length)}`}
        note={`${percent(recent.length === 0 ? null : good / recent.length)} succeeded`}
      />
      <Tile title="Users" value={keys.listed ? count(keys.sessions) : '–'} note="with sessions" />
    </section>
  )
}

interface TileProps {
  readonly title: string
  readonly value: string
  readonly note: string
  readonly tone?: 'good' | 'warn' | 'bad' | 'info'
}

function Tile({ title, value, note, tone }: TileProps) {
  const isNothing = value === '0'
  return (
    <dl class={`tile ${isNothing ? '' : (tone ?? '')}`}>
      <dt>{title}</dt>
      <dd class="value">{value}</dd>
      <dd class="note">{note}</dd>
    </dl>
  )
}
