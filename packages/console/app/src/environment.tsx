import type { EnvironmentReport } from '@warmtoken/core/admin'
import { count, length, percent } from './format.ts'

type Counted = EnvironmentReport['all']

const TIERS: readonly (readonly [name: string, title: string, of: (report: Counted) => number])[] = [
  ['memory', 'memory', ({ hits }) => hits.memory],
  ['file', 'file', ({ hits }) => hits.file],
  ['store', 'store', ({ hits }) => hits.store],
  ['shared', 'shared', ({ shared }) => shared],
  ['fetch', 'fetched', ({ fetches }) => fetches.all],
]

/** What one environment has counted: that of the admin function, and no other. */
export function Environment({ report }: { readonly report: EnvironmentReport | undefined }) {
  return (
    <section class="card" aria-labelledby="environment">
      <h2 id="environment">Hit rates of this environment</h2>
      <p class="quiet">
        Each environment counts for itself, and only the one that runs the admin function can be asked here. Alarms and
        dashboards add up the whole fleet.
      </p>
      {report === undefined ? (
        <p class="empty">Nothing is counted: give createAdmin the option "report".</p>
      ) : report.all.hits.memory + report.all.hits.file + report.all.hits.store + report.all.fetches.all === 0 ? (
        <p class="empty">This environment has served no token yet.</p>
      ) : (
        <Counts report={report} />
      )}
    </section>
  )
}

function Counts({ report: { all, sources } }: { readonly report: EnvironmentReport }) {
  const rows = Object.entries(sources)
  return (
    <>
      <div class="tiles">
        <Fact title="Hit rate" value={percent(all.hitRate)} />
        <Fact title="Fetches avoided" value={count(all.fetchesAvoided)} />
        <Fact title="Refreshes that succeeded" value={percent(all.refreshSuccess)} />
        <Fact title="Waits, p99" value={all.leaseWaits.p99 === null ? '–' : length(all.leaseWaits.p99)} />
        <Fact title="Stale serves" value={count(all.staleServes)} />
        <Fact title="Store errors" value={count(all.storeErrors)} />
      </div>
      <Share report={all} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section class="wide" tabIndex={0} aria-label="Counts by source">
        <table>
          <thead>
            <tr>
              <th scope="col">Source</th>
              {TIERS.map(([name, title]) => (
                <th key={name} scope="col" class="number">
                  {title}
                </th>
              ))}
              <th scope="col" class="number">
                avoided
              </th>
              <th scope="col" class="number">
                hit rate
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([source, one]) => (
              <tr key={source}>
                <th scope="row">{source}</th>
                {TIERS.map(([name, , of]) => (
                  <td key={name} class="number">
                    {count(of(one))}
                  </td>
                ))}
                <td class="number">{count(one.fetchesAvoided)}</td>
                <td class="number">{percent(one.hitRate)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}

export function Fact({ title, value }: { readonly title: string; readonly value: string }) {
  return (
    <dl class="fact">
      <dt>{title}</dt>
      <dd>{value}</dd>
    </dl>
  )
}

/** Where values came from, as parts of one bar. The table below it has the numbers. */
function Share({ report }: { readonly report: Counted }) {
  const parts = TIERS.map(([name, title, of]) => ({ name, title, value: of(report) })).filter(({ value }) => value > 0)
  return (
    <div class="share" aria-hidden="true">
      {parts.map(({ name, title, value }) => (
        <span key={name} class={name} style={{ flexGrow: value }}>
          {title}
        </span>
      ))}
    </div>
  )
}
