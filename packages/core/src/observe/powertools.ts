/**
 * Events as CloudWatch metrics, by AWS Lambda Powertools. Hits in memory write nothing: only misses, fetches and faults
 * do.
 *
 * @module
 */

import type { WarmEvent } from '../events.ts'
import { checkOptions, flagRule, misuse, shaped } from '../lib/options.ts'
import { asFields } from '../lib/parse.ts'
import { labelOf, type Observed } from './label.ts'
import { markQuiet } from './quiet.ts'

/** The part of Powertools' `Metrics` that is used; said here so that the types of those without Powertools are whole. */
export interface PowertoolsMetrics {
  /** Adds a metric to the buffer. */
  addMetric(name: string, unit: 'Count' | 'Milliseconds', value: number): void
  /** Another one like it, whose one metric is written at once. */
  singleMetric(): PowertoolsMetrics
  /** Adds a dimension to all that is in the buffer. */
  addDimension(name: string, value: string): PowertoolsMetrics
}

/** How {@link powertoolsMetrics} writes. */
export interface PowertoolsMetricsOptions {
  /**
   * True: each metric carries the dimension `source` (the token's name, else the readable kind of the key) beside Powertools' `service`, and is
   * written at once, by `metrics.singleMetric()`: dimensions of Powertools hold for all that is buffered, so it would
   * otherwise be on your own metrics too. False: no such dimension; metrics join the buffer of `metrics` and are
   * written with yours, by `logMetrics` or `publishStoredMetrics`. Default true.
   */
  readonly source?: boolean
}

/** One measurement: at most one an event, since every name costs 0.30 USD a month for each source. */
type Measurement = readonly [name: string, unit: 'Count' | 'Milliseconds', value: number]

/** Notices of live events that have a count, and those that stand for one. They belong to no source. */
const LIVE: ReadonlyMap<string, string> = new Map([
  ['live-gone', 'LiveGone'],
  ['live-closed', 'LiveClosed'],
  ['live-failed', 'LiveFailed'],
  ['live-dropped', 'LiveDropped'],
])

const [, isPowertools] = shaped('addMetric', 'singleMetric')
const RULES = { source: flagRule }

/** What an event measures; nothing, where it is a hit in memory or a step that others report. */
function measure(event: WarmEvent): Measurement | undefined {
  switch (event.type) {
    case 'fetch':
      return event.outcome === 'ok' ? ['TokenFetchTime', 'Milliseconds', event.took] : ['TokenFetchFailed', 'Count', 1]
    case 'miss':
      return event.tier === 'store' ? ['TokenStoreMiss', 'Count', 1] : undefined
    case 'hit':
      if (event.waited !== undefined) return ['TokenLeaseWait', 'Milliseconds', event.waited]
      // A stale value in memory may be returned a thousand times a second; it came from somewhere once.
      return event.stale && event.tier !== 'memory' ? ['TokenStale', 'Count', 1] : undefined
    case 'cool-down':
      return ['TokenCoolDown', 'Count', 1]
    case 'reject':
      return ['TokenRejected', 'Count', 1]
    case 'store-error':
      return ['TokenStoreError', 'Count', 1]
    default:
      return undefined
  }
}

function measureLive(event: Observed): Measurement | undefined {
  const name = LIVE.get(event.type)
  const { count = 1 } = asFields(event) ?? {}
  return name === undefined || typeof count !== 'number' ? undefined : [name, 'Count', count]
}

/**
 * A listener for `onEvent` of `createTokens` and `onNotice` of live events that writes CloudWatch metrics in the embedded format. Throws
 * `TypeError` for wrong arguments.
 *
 * @example
 * ```ts
 * const metrics = new Metrics({ namespace: 'shop', serviceName: 'orders' })
 * const tokens = createTokens({ onEvent: powertoolsMetrics(metrics) })
 * ```
 */
export function powertoolsMetrics(
  metrics: Pick<PowertoolsMetrics, 'addMetric' | 'singleMetric'>,
  options: PowertoolsMetricsOptions = {},
): (event: WarmEvent | Observed) => void {
  if (!isPowertools(metrics))
    misuse('powertoolsMetrics', 'the first argument must be a Metrics of @aws-lambda-powertools/metrics')
  const { source = true } = checkOptions('powertoolsMetrics', options, RULES)
  return markQuiet((event: WarmEvent | Observed) => {
    const live = measureLive(event)
    // A type that is not known measures nothing.
    const measured = live ?? measure(event as WarmEvent)
    const label = 'key' in event && labelOf(event)
    if (measured === undefined || (live === undefined && label === false)) return
    const [name, unit, value] = measured
    if (!source) return void metrics.addMetric(name, unit, value)
    const single = metrics.singleMetric()
    if (live === undefined) single.addDimension('source', String(label))
    single.addMetric(name, unit, value)
  })
}
