import { init } from 'echarts'
import type { Row } from './measure.ts'

/** Draws reads per environment and waits over the size of the fleet, as SVG text. */
export function draw(rows: readonly Row[]): string {
  const cold = rows.filter(({ situation }) => situation === 'cold at once')
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 380 })
  chart.setOption({
    animation: false,
    title: { text: 'A fleet that starts cold, at once: one issuer call', left: 'center' },
    legend: { bottom: 0 },
    grid: { left: 70, right: 70, top: 60, bottom: 70 },
    xAxis: {
      type: 'category',
      name: 'environments',
      nameLocation: 'middle',
      nameGap: 28,
      data: cold.map(({ environments }) => environments.toLocaleString('en-US')),
    },
    yAxis: [
      { type: 'value', name: 'wait, ms', min: 0, max: 800 },
      { type: 'value', name: 'requests each', min: 0, max: 8, splitLine: { show: false } },
    ],
    series: [
      { name: 'wait p50', type: 'bar', data: cold.map(({ p50 }) => Math.round(p50)) },
      { name: 'wait p99', type: 'bar', data: cold.map(({ p99 }) => Math.round(p99)) },
      {
        name: 'reads per environment',
        type: 'line',
        yAxisIndex: 1,
        data: cold.map(({ reads }) => Number(reads.toFixed(2))),
      },
      {
        name: 'writes per environment',
        type: 'line',
        yAxisIndex: 1,
        data: cold.map(({ writes }) => Number(writes.toFixed(2))),
      },
      {
        name: 'issuer calls, in all',
        type: 'line',
        yAxisIndex: 1,
        data: cold.map(({ issuerCalls }) => Number(issuerCalls.toFixed(1))),
      },
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
