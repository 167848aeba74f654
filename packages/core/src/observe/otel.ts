/**
 * Metrics and spans by OpenTelemetry. A hit in memory makes neither: gets are counted by the report, which is read when a
 * reader collects.
 *
 * @module
 */

import {
  type Attributes,
  type Meter,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Store } from '../contracts.ts'
import type { FetchEvent, WarmEvent } from '../events.ts'
import { checkOptions, isFunction, misuse, type Rule, shaped } from '../lib/options.ts'
import { asFields, matches } from '../lib/parse.ts'
import { labelOf, type Observed } from './label.ts'
import { markQuiet } from './quiet.ts'
import type { Reporter } from './report/types.ts'

/** The name of the meter and the tracer. */
const SCOPE = '@warmtoken/core'
/** Bounds of the histograms in s: from a request within a region to the timeout of a gateway. */
const SECONDS = { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] }

/** What {@link openTelemetry} reports, and where to. */
export interface OpenTelemetryOptions {
  /** What counts the gets: the reporter that `createTokens` has as its option `report`, or `() => cache.report()`. */
  readonly report: Reporter | (() => ResourceCounts)
  /** Default: the global meter provider, which must be registered before. */
  readonly meter?: Meter
  /** Default: the global tracer provider. */
  readonly tracer?: Tracer
}

/** What is read of the report of a cache. */
export interface ResourceCounts {
  readonly resources: {
    readonly [name: string]: {
      readonly hits: { readonly memory: number; readonly store: number }
      readonly loads: number
    }
  }
}

const [, isReporter] = shaped('listen', 'read')
const reportRule: Rule = [
  'what createReport() returns, or a function that returns the report of a cache',
  (value) => isReporter(value) || isFunction(value),
]

const RULES = {
  report: reportRule,
  meter: shaped('createHistogram', 'createObservableCounter'),
  tracer: shaped('startSpan', 'startActiveSpan'),
}

/**
 * A listener for `onEvent` of `createTokens` and `createCache` that records the counter `warmtoken.gets` by tier and source, the histograms
 * `warmtoken.fetch.duration` and `warmtoken.lease.wait` in seconds, and a span `warmtoken.fetch` for each request to the
 * issuer. For spans of the store, wrap it in {@link tracedStore}. Throws `TypeError` for wrong options.
 *
 * @example
 * ```ts
 * const report = createReport()
 * const tokens = createTokens({ report, onEvent: openTelemetry({ report }) })
 * ```
 */
export function openTelemetry(options: OpenTelemetryOptions): (event: WarmEvent | Observed) => void {
  const { report } = checkOptions('openTelemetry', options, RULES, ['report'])
  const { meter = metrics.getMeter(SCOPE), tracer = trace.getTracer(SCOPE) } = options
  countGets(meter, report)
  const fetchDuration = meter.createHistogram('warmtoken.fetch.duration', {
    description: 'How long the issuer took to answer.',
    unit: 's',
    advice: SECONDS,
  })
  const leaseWait = meter.createHistogram('warmtoken.lease.wait', {
    description: "How long a get waited for another environment's fetch.",
    unit: 's',
    advice: SECONDS,
  })
  return markQuiet((observed: WarmEvent | Observed) => {
    // Of a type that is not known nothing is recorded.
    const event = observed as WarmEvent
    if (event.type === 'hit') {
      if (event.waited !== undefined) leaseWait.record(event.waited / 1_000, { source: labelOf(event) })
    } else if (event.type === 'fetch') {
      fetchDuration.record(event.took / 1_000, { source: labelOf(event), outcome: event.outcome })
      traceFetch(tracer, event)
    }
  })
}

/** Reads the report only when a reader collects, so that a hit costs nothing more. */
function countGets(meter: Meter, report: OpenTelemetryOptions['report']): void {
  const gets = meter.createObservableCounter('warmtoken.gets', {
    description: 'Gets by what served them: memory, file, store, shared (the call of another caller) or fetch.',
    unit: '{get}',
  })
  gets.addCallback((result) => {
    for (const [source, served] of servedBy(report))
      for (const [tier, count] of Object.entries(served)) if (count > 0) result.observe(count, { tier, source })
  })
}

/** For each source or resource, how many gets each tier has served. */
function servedBy(report: OpenTelemetryOptions['report']): readonly (readonly [string, Record<string, number>])[] {
  if (typeof report === 'function')
    return Object.entries(report().resources).map(([name, { hits, loads }]) => [name, { ...hits, fetch: loads }])
  return Object.entries(report.read().sources).map(([name, { hits, shared, fetches }]) => [
    name,
    { ...hits, shared, fetch: fetches.all },
  ])
}

/** The event comes when the answer has come, in the context of the call that asked: the span begins in the past. */
function traceFetch(tracer: Tracer, event: FetchEvent): void {
  const endTime = Date.now()
  const attributes = {
    'warmtoken.source': labelOf(event),
    'warmtoken.outcome': event.outcome,
    'warmtoken.alone': event.alone,
  }
  const startTime = endTime - event.took
  const span = tracer.startSpan('warmtoken.fetch', { kind: SpanKind.CLIENT, startTime, attributes })
  if (event.outcome !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(endTime)
}

/**
 * The same store, with a span `warmtoken.store` around each request. The store is asked only on a miss, so a hit has none.
 * Spans of an instrumented client (the AWS SDK, Redis, HTTP) are its children. Throws `TypeError` for wrong arguments.
 *
 * @example
 * ```ts
 * const tokens = createTokens({ store: tracedStore(dynamoDBStore({ table: 'tokens' })) })
 * ```
 */
export function tracedStore(store: Store, options: Pick<OpenTelemetryOptions, 'tracer'> = {}): Store {
  const [, isStore] = shaped('read', 'swap')
  if (!isStore(store)) misuse('tracedStore', 'the first argument must be a store')
  const { tracer = trace.getTracer(SCOPE) } = checkOptions('tracedStore', options, { tracer: RULES.tracer })

  const traced = <T>(operation: string, attributes: Attributes, call: (span: Span) => Promise<T>): Promise<T> =>
    tracer.startActiveSpan(
      'warmtoken.store',
      {
        kind: SpanKind.CLIENT,
        attributes: { ...attributes, 'warmtoken.store': store.name, 'warmtoken.operation': operation },
      },
      async (span) => {
        try {
          return await call(span)
        } catch (error) {
          span.setAttribute('error.type', codeOf(error))
          span.setStatus({ code: SpanStatusCode.ERROR })
          throw error
        } finally {
          span.end()
        }
      },
    )

  const { name, place, forgets } = store
  const open = store.open?.bind(store)
  const readMany = store.readMany?.bind(store)
  return {
    name,
    ...(place !== undefined && { place }),
    ...(forgets !== undefined && { forgets }),
    ...(open !== undefined && { open }),
    read: (key, how) => traced('read', { 'warmtoken.source': labelOf({ key }) }, () => store.read(key, how)),
    swap: (key, swap, how) =>
      traced('swap', { 'warmtoken.source': labelOf({ key }) }, async (span) => {
        const swapped = await store.swap(key, swap, how)
        span.setAttribute('warmtoken.outcome', swapped.outcome)
        return swapped
      }),
    ...(readMany !== undefined && {
      readMany: (keys, how) => traced('readMany', { 'warmtoken.keys': keys.length }, () => readMany(keys, how)),
    }),
  }
}

/** The code of a fault. Never its message, which quotes what a server said. */
function codeOf(error: unknown): string {
  const code = asFields(error)?.['code']
  return matches(code, /^STORE_[A-Z_]{1,32}$/) ? code : 'error'
}
