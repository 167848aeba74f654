import { init } from 'echarts'

/** A bar. */
export interface Bar {
  readonly name: string
  readonly value: number
  /** What the eye should find first. */
  readonly ours?: boolean
}

/** Bars beside each other, the shortest on top. */
export interface Picture {
  readonly title: string
  /** What the length of a bar is. */
  readonly axis: string
  readonly bars: readonly Bar[]
  /** Whether ten times as much is one step to the right. */
  readonly log?: boolean
}

const OURS = '#0a7d55'
const OTHERS = '#9aa3ad'

/** Draws a picture as SVG text. */
export function draw({ title, axis, bars, log = false }: Picture): string {
  const drawn = bars.filter(({ value }) => Number.isFinite(value)).sort((one, other) => other.value - one.value)
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 90 + 24 * drawn.length })
  chart.setOption({
    animation: false,
    title: { text: title, left: 'center' },
    grid: { left: 330, right: 80, top: 45, bottom: 45 },
    xAxis: { type: log ? 'log' : 'value', name: axis, nameLocation: 'middle', nameGap: 26 },
    yAxis: { type: 'category', data: drawn.map(({ name }) => name) },
    series: [
      {
        type: 'bar',
        label: { show: true, position: 'right' },
        data: drawn.map(({ value, ours }) => ({
          value: Number(value.toPrecision(3)),
          itemStyle: { color: ours === true ? OURS : OTHERS },
        })),
      },
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
