import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { type Line, type LineKind, titleOf } from './facts.ts'
import { count, instant, length } from './format.ts'

const HOUR = 3_600_000
const SPANS: readonly (readonly [ms: number, title: string])[] = [
  [HOUR, '1 h'],
  [6 * HOUR, '6 h'],
  [24 * HOUR, '24 h'],
  [7 * 24 * HOUR, '7 d'],
]
/** Points that are drawn at most. */
const MOST = 5_000
/** Rows of the table that stands for the chart. */
const ROWS = 20
const HEIGHT = 240
/** The color and size of each kind of point. */
const KINDS: readonly (readonly [kind: LineKind, title: string, color: string, size: number])[] = [
  ['ok', 'refreshed', '--good', 5],
  ['failed', 'failed', '--bad', 8],
  ['operator', 'by an operator', '--info', 8],
]

interface TimelineProps {
  readonly lines: readonly Line[]
  readonly names: { readonly [key: string]: string }
  readonly now: number
}

/** The refreshes that records remember, by when they ended and how long the source took. */
export function Timeline({ lines, names, now }: TimelineProps) {
  const [span, setSpan] = useState<number>(HOUR)
  // Drawn again every ten seconds at most, and when something is new.
  const until = Math.ceil(now / 10_000) * 10_000
  const shown = useMemo(() => lines.filter(({ at }) => at > until - span).slice(0, MOST), [lines, until, span])
  return (
    <section class="card" aria-labelledby="timeline">
      <div class="bar">
        <h2 id="timeline">Refreshes</h2>
        <fieldset class="spans">
          <legend class="hidden">How far back</legend>
          {SPANS.map(([ms, title]) => (
            <button key={ms} type="button" aria-pressed={ms === span} onClick={() => setSpan(ms)}>
              {title}
            </button>
          ))}
        </fieldset>
      </div>
      <figure>
        <Chart lines={shown} from={until - span} until={until} />
        <figcaption>
          <ul class="legend">
            {KINDS.map(([kind, title]) => (
              <li key={kind}>
                <span class={`point ${kind}`} aria-hidden="true" /> {title}:{' '}
                {count(shown.filter((line) => line.kind === kind).length)}
              </li>
            ))}
          </ul>
        </figcaption>
        <div class="hidden">
          <table>
            <caption>The last {Math.min(ROWS, shown.length)} refreshes</caption>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Source</th>
                <th scope="col">Outcome</th>
                <th scope="col">Took</th>
              </tr>
            </thead>
            <tbody>
              {shown.slice(0, ROWS).map(({ key, at, outcome, took }) => (
                <tr key={`${key} ${at} ${outcome}`}>
                  <td>{instant(at, now)}</td>
                  <td>{titleOf(key, names).name}</td>
                  <td>{outcome}</td>
                  <td>{length(took)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </figure>
      <p class="quiet">
        A record remembers its last ten refreshes: a source that is refreshed often shows a part of the time.
      </p>
    </section>
  )
}

interface ChartProps {
  readonly lines: readonly Line[]
  readonly from: number
  readonly until: number
}

function Chart({ lines, from, until }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | undefined>(undefined)
  const scheme = useScheme()
  const data = useMemo(() => dataOf(lines), [lines])

  useEffect(() => {
    const element = place.current
    if (element === null) return
    const made = new uPlot(optionsOf(element), dataOf([]), element)
    chart.current = made
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
      chart.current = undefined
    }
  }, [scheme])

  useEffect(() => {
    chart.current?.batch(() => {
      chart.current?.setData(data, false)
      chart.current?.setScale('x', { min: from / 1_000, max: until / 1_000 })
      chart.current?.setScale('took', rangeOf(lines))
    })
  }, [data, from, until, scheme])

  return <div ref={place} class="chart" aria-hidden="true" />
}

function dataOf(lines: readonly Line[]): uPlot.AlignedData {
  const sorted = lines.toReversed()
  const of = (kind: LineKind): (number | null)[] =>
    sorted.map((line) => (line.kind === kind ? Math.max(1, line.took) : null))
  return [sorted.map(({ at }) => at / 1_000), of('ok'), of('failed'), of('operator')]
}

/** Whole powers of ten, so that the axis does not jump with every point. */
function rangeOf(lines: readonly Line[]): { readonly min: number; readonly max: number } {
  const most = Math.max(1_000, ...lines.map(({ took }) => took))
  return { min: 1, max: 10 ** Math.ceil(Math.log10(most + 1)) }
}

function optionsOf(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: true }, took: { distr: 3, auto: false } },
    axes: [
      { ...axis, space: 70, values: (_chart, splits) => splits.map((at) => shortTime(at * 1_000)) },
      {
        ...axis,
        scale: 'took',
        size: 56,
        filter: wholePowers,
        grid: { ...axis.grid, filter: wholePowers },
        values: (_chart, splits) => splits.map((one) => (one === null ? '' : length(one).replace('.0 ', ' '))),
      },
    ],
    series: [
      {},
      ...KINDS.map(([, label, name, size]) => ({
        label,
        scale: 'took',
        paths: () => null,
        points: {
          show: true,
          size,
          width: 1.5,
          stroke: color(name),
          fill: name === '--info' ? 'transparent' : color(name),
        },
      })),
    ],
  }
}

/** A line and a label for 1, 10, 100 ms and so on, and none between. */
function wholePowers(_chart: uPlot, splits: number[]): (number | null)[] {
  return splits.map((one) => (Number.isInteger(Math.log10(one)) ? one : null))
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

function shortTime(at: number): string {
  const date = new Date(at)
  return date.getHours() === 0 && date.getMinutes() === 0 ? day.format(date) : clock.format(date)
}

/** The color scheme: what is drawn must be drawn again when it changes. */
function useScheme(): boolean {
  const query = useMemo(() => matchMedia('(prefers-color-scheme: dark)'), [])
  const [isDark, set] = useState(query.matches)
  useEffect(() => {
    const take = (): void => set(query.matches)
    query.addEventListener('change', take)
    return () => query.removeEventListener('change', take)
  }, [query])
  return isDark
}
