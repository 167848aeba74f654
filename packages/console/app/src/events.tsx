import { type Line, shortOperator, titleOf } from './facts.ts'
import { ago, length } from './format.ts'

/** How many are listed. */
const MOST = 40

interface EventsProps {
  readonly lines: readonly Line[]
  readonly names: { readonly [key: string]: string }
  readonly now: number
  onOpen(key: string): void
}

/** What happened in the fleet, newest first, as the records tell it. */
export function Events({ lines, names, now, onOpen }: EventsProps) {
  return (
    <section class="card" aria-labelledby="events">
      <h2 id="events">Events</h2>
      {lines.length === 0 ? (
        <p class="empty">No refresh is on record yet.</p>
      ) : (
        <ol class="list events">
          {lines.slice(0, MOST).map((line) => {
            const { name, hash } = titleOf(line.key, names)
            return (
              <li key={`${line.key} ${line.at} ${line.outcome}`}>
                <span class={`chip ${TONES[line.kind]}`}>{line.outcome.replaceAll('-', ' ')}</span>
                <button type="button" class="link" onClick={() => onOpen(line.key)}>
                  {name} <code>{hash}</code>
                </button>
                <span class="what">
                  {line.kind !== 'operator' && line.took > 0 && length(line.took)}
                  <time dateTime={new Date(line.at).toISOString()}>{ago(line.at, now)}</time>
                </span>
                {line.kind === 'operator' && <span class="who">{shortOperator(line.by)}</span>}
              </li>
            )
          })}
        </ol>
      )}
    </section>
  )
}

const TONES = { ok: 'good', failed: 'bad', operator: 'info' } as const
