import { createTokens, type TokensOptions } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { logEvents } from '@warmtoken/core/log'
import { powertoolsMetrics } from '@warmtoken/core/metrics'
import { openTelemetry } from '@warmtoken/core/otel'
import { createReport } from '@warmtoken/core/report'

/** One way to observe a warm get. */
export interface Variant {
  readonly name: string
  /** Makes the options; each process makes its own. */
  options(): TokensOptions
}

const HOUR = 3_600_000

/** What a metric would be written to: a hit writes none. */
const METRICS = { addMetric: () => {}, singleMetric: () => METRICS, addDimension: () => METRICS }
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** All ways that are compared; the first is the limit. */
export const variants: readonly Variant[] = [
  { name: 'nobody listens', options: () => ({}) },
  { name: 'report', options: () => ({ report: createReport() }) },
  {
    name: 'report and OpenTelemetry',
    options() {
      const report = createReport()
      return { report, onEvent: openTelemetry({ report }) }
    },
  },
  {
    name: 'report and Powertools metrics',
    options: () => ({ report: createReport(), onEvent: powertoolsMetrics(METRICS) }),
  },
  { name: 'a listener that does nothing', options: () => ({ onEvent: () => {} }) },
  { name: 'logEvents, hits below its level', options: () => ({ onEvent: logEvents(LOGGER, { minLevel: 'info' }) }) },
]

/** Fills memory and gives the call that hits. */
export async function openGet({ options }: Variant): Promise<() => Promise<unknown>> {
  const source = custom({ identity: 'observe', fetch: async () => ({ value: 'x'.repeat(1024), lifetime: HOUR }) })
  const handle = createTokens({ directory: false, ...options() }).use(source)
  await handle.get()
  return () => handle.get()
}
