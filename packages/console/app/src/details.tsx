import type { RecordView } from '@warmtoken/core/operate'
import { useEffect, useRef } from 'preact/hooks'
import type { Question } from './confirm.tsx'
import { titleOf } from './facts.ts'
import { ago, bytes, instant, length } from './format.ts'
import { Remaining, State } from './sources.tsx'

interface DetailsProps {
  readonly record: RecordView
  readonly names: { readonly [key: string]: string }
  readonly now: number
  /** Left out: actions are not taken here. */
  readonly onAsk: ((question: Question) => void) | undefined
  onClose(): void
}

/** One record: every fact of it but the value, its last refreshes, and what can be done. */
export function Details({ record, names, now, onAsk, onClose }: DetailsProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const { name, hash } = titleOf(record.key, names)
  const { refreshes = [] } = record
  return (
    <dialog ref={dialog} class="details" aria-labelledby="record" onClose={onClose}>
      <header>
        <h2 id="record">
          {name} <code>{hash}</code>
        </h2>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      <p class="states">
        <State record={record} />
      </p>
      <Remaining record={record} now={now} />
      {onAsk && <Actions record={record} name={names[record.key] ?? `${name} ${hash}`} onAsk={onAsk} />}
      <dl class="facts">
        {factsOf(record, now).map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <h3>Last refreshes</h3>
      {refreshes.length === 0 ? (
        <p class="quiet">None yet.</p>
      ) : (
        <table class="ring">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Outcome</th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col" class="by">
                By
              </th>
            </tr>
          </thead>
          <tbody>
            {refreshes.toReversed().map(({ at, outcome, took, by, fingerprint }) => (
              <tr key={`${at} ${by} ${outcome}`}>
                <td>
                  <time dateTime={at} title={instant(Date.parse(at), 0)}>
                    {ago(Date.parse(at), now)}
                  </time>
                </td>
                <td>
                  <span class={`chip ${outcome === 'ok' ? 'good' : by.startsWith('operator ') ? 'info' : 'bad'}`}>
                    {outcome.replaceAll('-', ' ')}
                  </span>{' '}
                  <code>{fingerprint}</code>
                </td>
                <td class="number">{took > 0 ? length(took) : '–'}</td>
                <td class="by">{by}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </dialog>
  )
}

function factsOf(record: RecordView, now: number): readonly (readonly [string, string])[] {
  const { key, version, fingerprint, issuedAt, softExpiry, hardExpiry, sealing, lease, failure, rejectPause, intent } =
    record
  const at = (text: string): string => instant(Date.parse(text), now)
  return [
    ['Key', key],
    ...(fingerprint === undefined ? [] : [['Fingerprint', fingerprint] as const]),
    ...(version === undefined ? [] : [['Version', String(version)] as const]),
    ...(issuedAt === undefined ? [] : [['Issued', at(issuedAt)] as const]),
    ...(softExpiry === undefined ? [] : [['Due from', at(softExpiry)] as const]),
    ...(hardExpiry === undefined ? [] : [['Served until', at(hardExpiry)] as const]),
    ...(sealing === undefined ? [] : [['Stored as', sealing] as const]),
    ...(record.bytes === undefined ? [] : [['Record', bytes(record.bytes)] as const]),
    ...(lease === undefined
      ? []
      : [['Lease', `${lease.nonce}, since ${at(lease.acquiredAt)}, until ${at(lease.endsAt)}`] as const]),
    ...(failure === undefined
      ? []
      : [
          [
            'Last failure',
            `${failure.kind}, ${failure.code}, ${failure.count} in a row, not before ${at(failure.notBefore)}`,
          ] as const,
        ]),
    ...(rejectPause === undefined
      ? []
      : [['Reject pause', `${rejectPause.count} in a row, until ${at(rejectPause.until)}`] as const]),
    ...(intent === undefined
      ? []
      : [
          [
            'Refresh token',
            `${intent.dead ? 'dead, someone must sign in again' : 'about to be spent'}, since ${at(intent.at)}, ${intent.tries} tries`,
          ] as const,
        ]),
  ]
}

interface ActionsProps {
  readonly record: RecordView
  readonly name: string
  onAsk(question: Question): void
}

/** What an operator can do with a source. Each is asked about first. */
function Actions({ record: { key, state, notes }, name, onAsk }: ActionsProps) {
  if (['sessions', 'other', 'sealed', 'unreadable'].includes(state)) return null
  const isStopped = notes.includes('stopped')
  const isCooling = isStopped || notes.includes('cooling-down') || notes.includes('reject-paused')
  return (
    <p class="actions">
      <button
        type="button"
        onClick={() =>
          onAsk({
            title: `Refresh ${name}?`,
            consequence:
              'The value becomes due, and a cool-down or a stop ends. The next environment that reads the record fetches a new value; those that have a fresh one in memory use it until it is due.',
            verb: 'Refresh',
            done: `${name} is due now.`,
            request: () => ({ action: 'refresh', key }),
          })
        }
      >
        Refresh …
      </button>
      {isCooling && (
        <button
          type="button"
          onClick={() =>
            onAsk({
              title: `${isStopped ? 'Let' : 'End the cool-down of'} ${name}${isStopped ? ' be fetched again?' : '?'}`,
              consequence:
                'Environments may ask the source again. One that remembers the failure does so within five seconds. If the source still fails, the cool-down begins again.',
              verb: isStopped ? 'Resume' : 'End the cool-down',
              done: `${name} may be fetched again.`,
              request: () => ({ action: 'reset', key }),
            })
          }
        >
          {isStopped ? 'Resume …' : 'End the cool-down …'}
        </button>
      )}
      {!isStopped && (
        <button
          type="button"
          class="danger"
          onClick={() =>
            onAsk({
              title: `Stop ${name}?`,
              consequence:
                'No environment that reads the record asks the source until the time is over. The value is served until it expires; after that, calls fail.',
              verb: 'Stop the source',
              isDangerous: true,
              isTimed: true,
              done: `${name} is stopped.`,
              request: (minutes) => ({ action: 'stop', key, minutes }),
            })
          }
        >
          Stop …
        </button>
      )}
    </p>
  )
}
