import type { ControlRequest } from '@warmtoken/core/admin'
import type { RecordView } from '@warmtoken/core/operate'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { useView } from './address.ts'
import { type ApiError, act } from './api.ts'
import { Attention } from './attention.tsx'
import { Caches } from './caches.tsx'
import { Confirm, type Question } from './confirm.tsx'
import { Details } from './details.tsx'
import { Environment } from './environment.tsx'
import { Events } from './events.tsx'
import { isSource, linesOf, shortOperator } from './facts.ts'
import type { Fleet, Watch } from './fleet.ts'
import { ago } from './format.ts'
import { Sources } from './sources.tsx'
import { Summary } from './summary.tsx'
import { Timeline } from './timeline.tsx'

/** How often remaining lifetimes are drawn again, in ms. */
const TICK = 1_000
/** How long it is told what became of an action, in ms. */
const NOTICE = 10_000

/** The whole page. */
export function App({ watch }: { readonly watch: Watch }) {
  const fleet = useFleet(watch)
  const now = useNow() + fleet.ahead
  const [view, change] = useView()
  const [question, ask] = useState<Question | undefined>(undefined)
  const [told, tell] = useNotice()
  const { overview, problem, updatedAt } = fleet
  const all = useMemo(() => [...fleet.records.values()], [fleet.records])
  const records = useMemo(() => all.filter(isSource), [all])
  const lines = useMemo(() => linesOf(records), [records])
  const opened = fleet.records.get(view.open)

  const answer = async (request: ControlRequest, done: string): Promise<void> => {
    const { outcome } = await act(request)
    ask(undefined)
    tell(outcome === 'written' ? done : 'Nothing had to be changed.')
    await watch.look('key' in request ? request.key : undefined).catch(() => {})
  }

  if (overview === undefined)
    return (
      <main class="alone">
        {problem === undefined ? <p aria-busy="true">Reading the fleet …</p> : <Problem problem={problem} />}
      </main>
    )
  const names = overview.names
  const open = (record: RecordView): void => change({ open: record.key })
  const controls = overview.control ? ask : undefined
  return (
    <>
      <Header fleet={fleet} onPause={(isPaused) => watch.pause(isPaused)} />
      <main>
        {problem !== undefined && <Problem problem={problem} since={ago(updatedAt, Date.now())} />}
        <Summary records={records} keys={overview.keys} lines={lines} now={now} isComplete={fleet.isComplete} />
        <Attention records={records} names={names} now={now} onOpen={open} />
        <div class="pair">
          <Timeline lines={lines} names={names} now={now} />
          <Events lines={lines} names={names} now={now} onOpen={(key) => change({ open: key })} />
        </div>
        <Sources
          records={records}
          names={names}
          now={now}
          view={view}
          onView={change}
          onOpen={open}
          isComplete={fleet.isComplete}
          keys={overview.keys}
        />
        <Caches caches={overview.caches} records={all} keys={overview.keys} now={now} onAsk={controls} />
        <Environment report={overview.environment} />
      </main>
      {opened !== undefined && (
        <Details record={opened} names={names} now={now} onAsk={controls} onClose={() => change({ open: '' })} />
      )}
      {question !== undefined && <Confirm question={question} onAnswer={answer} onCancel={() => ask(undefined)} />}
      <p class="told" role="status">
        {told}
      </p>
    </>
  )
}

function Header({ fleet, onPause }: { readonly fleet: Fleet; onPause(isPaused: boolean): void }) {
  const { overview, isPaused, problem } = fleet
  const live = problem !== undefined ? 'No connection' : isPaused ? 'Paused' : 'Live'
  return (
    <header class="top">
      <h1>
        warmtoken <small>{overview?.store}</small>
      </h1>
      <p class="who">
        <span class={overview?.control ? 'badge strong' : 'badge'}>{overview?.control ? 'Control' : 'Read-only'}</span>
        <span class="operator" title={overview?.operator}>
          {shortOperator(overview?.operator ?? '')}
        </span>
      </p>
      <p class="live">
        <span class={`dot ${live === 'Live' ? 'on' : 'off'}`} aria-hidden="true" /> {live}
        <button type="button" onClick={() => onPause(!isPaused)}>
          {isPaused ? 'Resume' : 'Pause'}
        </button>
      </p>
    </header>
  )
}

function Problem({ problem, since }: { readonly problem: ApiError; readonly since?: string }) {
  return (
    <div class="problem" role="alert">
      <strong>{problem.message}</strong>
      {since !== undefined && <span> What you see is from {since}. The page tries again by itself.</span>}
    </div>
  )
}

/** What is told after an action, for a while. */
function useNotice(): readonly [string, (text: string) => void] {
  const [told, tell] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => tell(''), NOTICE)
    return () => clearTimeout(timer)
  }, [told])
  return [told, tell]
}

function useFleet(watch: Watch): Fleet {
  const [fleet, set] = useState(watch.state)
  useEffect(() => watch.subscribe(() => set(watch.state())), [watch])
  return fleet
}

function useNow(): number {
  const [now, set] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), TICK)
    return () => clearInterval(timer)
  }, [])
  return now
}
