import type { CacheView, KeyCounts } from '@warmtoken/core/admin'
import type { RecordView } from '@warmtoken/core/operate'
import type { Question } from './confirm.tsx'
import { Fact } from './environment.tsx'
import { shortOperator } from './facts.ts'
import { ago, bytes, count, percent } from './format.ts'

const SWITCHES = [
  ['enabled', 'Cached', 'values are cached', 'every get calls its loader, and nothing is read or kept'],
  ['readOnly', 'Read-only', 'what is stored is served, and nothing new is kept', 'values are kept again'],
  ['bypass', 'Bypass', 'every get loads, and its result is kept', 'values are served again without a load'],
] as const

interface CachesProps {
  readonly caches: readonly CacheView[]
  readonly records: readonly RecordView[]
  readonly keys: KeyCounts
  readonly now: number
  readonly onAsk: ((question: Question) => void) | undefined
}

/** Caches with their switches and invalidations, and what is stored by kind. */
export function Caches({ caches, records, keys, now, onAsk }: CachesProps) {
  return (
    <div class="pair">
      <section class="card" aria-labelledby="caches">
        <h2 id="caches">Caches</h2>
        {caches.length === 0 && (
          <p class="empty">No cache is configured: give createAdmin the option "caches", or the command --cache.</p>
        )}
        {caches.map((cache) => (
          <One key={cache.name} cache={cache} now={now} onAsk={onAsk} />
        ))}
      </section>
      <section class="card" aria-labelledby="kinds">
        <h2 id="kinds">Records by kind</h2>
        <Kinds records={records} keys={keys} />
      </section>
    </div>
  )
}

function One({ cache, now, onAsk }: { readonly cache: CacheView } & Pick<CachesProps, 'now' | 'onAsk'>) {
  const { name, switches, sources, environment, invalidated, patterns, changes } = cache
  const resources = [...new Set([...Object.keys(environment?.resources ?? {}), ...Object.keys(sources)])]
  const last = Math.max(invalidated.hard, invalidated.soft)
  return (
    <article class="cache">
      <h3>{name}</h3>
      {switches === undefined ? (
        <p class="problem">The record of its switches and invalidations cannot be read.</p>
      ) : (
        <Switches cache={name} switches={switches} onAsk={onAsk} />
      )}
      {resources.map((resource) => {
        const own = sources[resource]
        const counts = environment?.resources[resource]
        return (
          <div key={resource} class="resource">
            <h4>{resource}</h4>
            {counts && (
              <span class="quiet">
                {count(counts.loads)} loads · {percent(counts.hitRate)} hits
              </span>
            )}
            {(own ?? switches) && (
              <Switches cache={name} resource={resource} switches={own ?? switches ?? ALL_ON} onAsk={onAsk} />
            )}
          </div>
        )
      })}
      <div class="tiles">
        <Fact title="Everything invalidated" value={last === 0 ? 'never' : ago(last, now)} />
        <Fact title="Patterns on record" value={count(patterns.length)} />
        {environment && <Fact title="Entries here" value={count(environment.entries)} />}
        {environment && <Fact title="Bytes here" value={bytes(environment.bytes)} />}
        {environment && <Fact title="Invalidations here" value={count(environment.invalidations)} />}
      </div>
      {patterns.length > 0 && (
        <ul class="list">
          {patterns.toReversed().map(({ text, hard, soft }) => (
            <li key={text}>
              <code>{text}</code>
              <span class="what">
                {hard >= soft ? 'invalidated' : 'declared stale'} {ago(Math.max(hard, soft), now)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {changes.length > 0 && (
        <ul class="list" aria-label="Who changed the switches">
          {changes.toReversed().map(({ at, by, what }) => (
            <li key={`${at} ${what}`}>
              <span class="chip info">{what}</span>
              <span class="what">
                {shortOperator(by)} <time dateTime={new Date(at).toISOString()}>{ago(at, now)}</time>
              </span>
            </li>
          ))}
        </ul>
      )}
    </article>
  )
}

const ALL_ON = { enabled: true, readOnly: false, bypass: false }

interface SwitchesProps {
  readonly cache: string
  readonly resource?: string
  readonly switches: NonNullable<CacheView['switches']>
  readonly onAsk: CachesProps['onAsk']
}

function Switches({ cache, resource, switches, onAsk }: SwitchesProps) {
  const target = resource === undefined ? cache : `${cache} / ${resource}`
  return (
    <p class="switches">
      {SWITCHES.map(([name, title, whenOn, whenOff]) => {
        const isOn = switches[name]
        const isUsual = isOn === ALL_ON[name]
        return (
          <button
            key={name}
            type="button"
            role="switch"
            aria-checked={isOn}
            aria-label={`${title}: ${target}`}
            class={isUsual ? '' : 'unusual'}
            disabled={onAsk === undefined}
            onClick={() =>
              onAsk?.({
                title: `${title}: switch ${isOn ? 'off' : 'on'} for ${target}?`,
                consequence: `Within the recheck of the cache, in every environment: ${isOn ? whenOff : whenOn}.`,
                verb: `Switch ${isOn ? 'off' : 'on'}`,
                isDangerous: isUsual,
                done: `${title} is ${isOn ? 'off' : 'on'} for ${target}.`,
                request: () => ({
                  action: 'switch',
                  cache,
                  ...(resource !== undefined && { resource }),
                  switches: { [name]: !isOn },
                }),
              })
            }
          >
            <span class="knob" aria-hidden="true" /> {title}
          </button>
        )
      })}
    </p>
  )
}

function Kinds({ records, keys }: Pick<CachesProps, 'records' | 'keys'>) {
  const lengths = new Map<string, number>()
  for (const { key, bytes: size = 0 } of records) {
    const kind = /^[^~:]+/.exec(key)?.[0] ?? key
    lengths.set(kind, (lengths.get(kind) ?? 0) + size)
  }
  const kinds = Object.entries(keys.kinds).sort(([, one], [, other]) => other - one)
  if (kinds.length === 0) return <p class="empty">The store has no records.</p>
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Kind</th>
          <th scope="col" class="number">
            Records
          </th>
          <th scope="col" class="number">
            Bytes
          </th>
        </tr>
      </thead>
      <tbody>
        {kinds.map(([kind, total]) => (
          <tr key={kind}>
            <th scope="row">{KINDS[kind] ?? kind}</th>
            <td class="number">{count(total)}</td>
            <td class="number">{lengths.has(kind) ? bytes(lengths.get(kind) ?? 0) : '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** What the kinds of this library are, in words. */
const KINDS: { readonly [kind: string]: string } = {
  session: 'session: users with sessions',
  gen: 'gen: invalidations of caches',
  body: 'body: bodies of large values',
}
