import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { createCache } from '../data/cache.ts'
import type { Cache } from '../data/types.ts'
import { SourceRefusedError, StoreError } from '../errors.ts'
import type { WarmEvent } from '../events.ts'
import { custom } from '../sources/custom.ts'
import { memoryStore } from '../stores/memory.ts'
import { createTokens } from '../tokens/tokens.ts'
import { openTelemetry, tracedStore } from './otel.ts'
import { createReport } from './report/report.ts'

const KEY = 'crm~0123456789012345678901234567890123456789'
const SECRET = 'a-token-nobody-may-see'

class OnDemandReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** The real SDK, which keeps what it is given. */
function setUp() {
  const reader = new OnDemandReader()
  const exporter = new InMemorySpanExporter()
  const meter = new MeterProvider({ readers: [reader] }).getMeter('test')
  const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }).getTracer('test')
  const report = createReport()
  return {
    meter,
    tracer,
    report,
    listen: openTelemetry({ report, meter, tracer }),
    spans: () => exporter.getFinishedSpans(),
    async points() {
      const { resourceMetrics } = await reader.collect()
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
      return metrics.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({ name, unit, attributes, value })),
      )
    },
  }
}

type SetUp = ReturnType<typeof setUp>

function crm(fetch = async () => ({ value: SECRET, lifetime: 3_600_000 })) {
  return custom({ kind: 'crm', identity: 'app', fetch })
}

function tokensWith({ report, listen, tracer }: SetUp, store: Store = memoryStore()) {
  return createTokens({ directory: false, report, onEvent: listen, store: tracedStore(store, { tracer }) })
}

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterEach(() => context.disable())

describe('metrics by OpenTelemetry', () => {
  it('count gets by tier and source when a reader collects', async () => {
    const set = setUp()
    const handle = tokensWith(set).use(crm())
    for (let n = 0; n < 10; n += 1) await handle.get()
    const gets = (await set.points()).filter(({ name }) => name === 'warmtoken.gets')
    expect(gets).toEqual([
      { name: 'warmtoken.gets', unit: '{get}', attributes: { tier: 'memory', source: 'crm' }, value: 9 },
      { name: 'warmtoken.gets', unit: '{get}', attributes: { tier: 'fetch', source: 'crm' }, value: 1 },
    ])
    await handle.get()
    expect((await set.points()).find(({ attributes }) => attributes['tier'] === 'memory')?.value).toBe(10)
  })

  it('measure a fetch and a wait for a lease in seconds', async () => {
    const { listen, points } = setUp()
    listen({ type: 'fetch', key: KEY, took: 250, outcome: 'throttled', alone: false })
    listen({ type: 'hit', key: KEY, tier: 'store', stale: false, remaining: 1, waited: 1_500, name: 'sales' })
    expect(await points()).toMatchObject([
      {
        name: 'warmtoken.fetch.duration',
        unit: 's',
        attributes: { source: 'crm', outcome: 'throttled' },
        value: { count: 1, sum: 0.25 },
      },
      { name: 'warmtoken.lease.wait', unit: 's', attributes: { source: 'sales' }, value: { count: 1, sum: 1.5 } },
    ])
  })

  it.each<WarmEvent>([
    { type: 'hit', key: KEY, tier: 'memory', stale: true, remaining: 1 },
    { type: 'hit', key: KEY, tier: 'file', stale: false, remaining: 1 },
    { type: 'shared', key: KEY },
    { type: 'plaintext' },
  ])('and spans are not recorded for $type', async (event) => {
    const { listen, points, spans } = setUp()
    listen(event)
    expect(await points()).toEqual([])
    expect(spans()).toEqual([])
  })

  it('have no attribute that differs between environments', async () => {
    const set = setUp()
    await tokensWith(set).use(crm()).get()
    const names = (await set.points()).flatMap(({ attributes }) => Object.keys(attributes))
    expect(new Set(names)).toEqual(new Set(['tier', 'source', 'outcome']))
  })
})

describe('metrics of a cache by OpenTelemetry', () => {
  it('count gets by resource, and measure loads, without a parameter in any attribute', async () => {
    const { meter, tracer, points, spans } = setUp()
    const store = memoryStore()
    const cacheOf = (): Cache => {
      const cache: Cache = createCache({
        name: 'shop',
        store: tracedStore(store, { tracer }),
        onEvent: openTelemetry({ report: () => cache.report(), meter, tracer }),
      })
      return cache
    }
    const options = { key: 'project:{id}:info', fresh: 60_000, load: async () => SECRET } as const
    const first = cacheOf().use(options)
    for (let n = 0; n < 4; n += 1) await first.get({ id: 'ada-lovelace' })
    const gets = (await points()).filter(({ name }) => name === 'warmtoken.gets')
    expect(gets.map(({ attributes, value }) => [attributes['tier'], value])).toEqual([
      ['memory', 3],
      ['fetch', 1],
    ])
    const sources = (await points()).map(({ attributes }) => attributes['source'])
    expect(new Set(sources)).toEqual(new Set(['project:{id}:info']))
    const fetches = spans().filter(({ name }) => name === 'warmtoken.fetch')
    expect(fetches.map(({ attributes }) => attributes['warmtoken.source'])).toEqual(['project:{id}:info'])
    const told = JSON.stringify([await points(), spans().map(({ name, attributes }) => ({ name, attributes }))])
    expect(told).not.toContain(SECRET)
    expect(told).not.toContain('ada-lovelace')
    await cacheOf().use(options).get({ id: 'ada-lovelace' })
    const stored = (await points()).find(({ attributes }) => attributes['tier'] === 'store')
    expect(stored?.value).toBe(1)
  })
})

describe('spans by OpenTelemetry', () => {
  it('are one fetch and its store requests on a miss, below the span of the caller, and none on a hit in memory', async () => {
    const set = setUp()
    const handle = tokensWith(set).use(crm())
    await set.tracer.startActiveSpan('handler', async (span) => {
      await handle.get()
      span.end()
    })
    const summary = set
      .spans()
      .map(({ name, attributes }) => [name, attributes['warmtoken.operation'], attributes['warmtoken.outcome']])
    expect(summary).toEqual([
      ['warmtoken.store', 'read', undefined],
      ['warmtoken.store', 'swap', 'swapped'],
      ['warmtoken.fetch', undefined, 'ok'],
      ['warmtoken.store', 'swap', 'swapped'],
      ['handler', undefined, undefined],
    ])
    const parent = set.spans().at(-1)?.spanContext().spanId
    const parents = set
      .spans()
      .slice(0, -1)
      .map(({ parentSpanContext }) => parentSpanContext?.spanId)
    expect(new Set(parents)).toEqual(new Set([parent]))
    const before = set.spans().length
    for (let n = 0; n < 100; n += 1) await handle.get()
    expect(set.spans()).toHaveLength(before)
  })

  it('of a fetch last as long as the fetch did', () => {
    const { listen, spans } = setUp()
    listen({ type: 'fetch', key: KEY, took: 1_250, outcome: 'ok', alone: true })
    const [span] = spans()
    expect(span?.duration).toEqual([1, 250_000_000])
    expect(span?.kind).toBe(SpanKind.CLIENT)
    expect(span?.attributes).toEqual({
      'warmtoken.source': 'crm',
      'warmtoken.outcome': 'ok',
      'warmtoken.alone': true,
    })
  })

  it('of a refused fetch have the status of an error and no message', async () => {
    const set = setUp()
    const handle = tokensWith(set).use(
      crm(async () => {
        throw new SourceRefusedError(SECRET, { code: 'invalid_client' })
      }),
    )
    await expect(handle.get()).rejects.toThrow()
    const span = set.spans().find(({ name }) => name === 'warmtoken.fetch')
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span?.attributes['warmtoken.outcome']).toBe('refused')
  })

  it('of a store that fails have its code, and the failure reaches the caller unchanged', async () => {
    const { tracer, spans } = setUp()
    const failure = new StoreError(SECRET, { code: 'STORE_DENIED', retryable: false })
    const store = tracedStore({ ...memoryStore(), read: () => Promise.reject(failure) }, { tracer })
    const how = { signal: new AbortController().signal, consistent: true }
    await expect(store.read(KEY, how)).rejects.toBe(failure)
    const [span] = spans()
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span?.attributes['error.type']).toBe('STORE_DENIED')
    expect(span?.events).toEqual([])
  })

  it('are parents of the spans that a client of the store makes', async () => {
    const { tracer, spans } = setUp()
    const store = memoryStore()
    const instrumented: Store = {
      ...store,
      read(key, how) {
        tracer.startSpan('dynamodb').end()
        return store.read(key, how)
      },
    }
    const how = { signal: new AbortController().signal, consistent: true }
    await tracedStore(instrumented, { tracer }).read(KEY, how)
    const [inner, outer] = spans()
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId)
  })

  it('and metrics never hold a value', async () => {
    const set = setUp()
    await tokensWith(set).use(crm()).get()
    const told = set.spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }))
    expect(JSON.stringify([told, await set.points()])).not.toContain(SECRET)
  })
})

describe('a traced store', () => {
  it('has what the store has, and nothing that it has not', () => {
    const store = memoryStore()
    const bare: Store = { name: 'bare', read: store.read, swap: store.swap }
    expect(Object.keys(tracedStore(bare))).toEqual(['name', 'read', 'swap'])
    const open = async (): Promise<void> => {}
    const full = tracedStore({ ...bare, place: 'bare/1', forgets: true, open, readMany: async () => new Map() })
    expect(full).toMatchObject({ name: 'bare', place: 'bare/1', forgets: true })
    expect(Object.keys(full).toSorted()).toEqual(['forgets', 'name', 'open', 'place', 'read', 'readMany', 'swap'])
  })

  it('calls the methods of a store that is an object with state', async () => {
    const { tracer, spans } = setUp()
    class Counting {
      readonly name = 'counting'
      readonly #inner = memoryStore()
      read(...args: Parameters<Store['read']>) {
        return this.#inner.read(...args)
      }
      swap(...args: Parameters<Store['swap']>) {
        return this.#inner.swap(...args)
      }
      async readMany(keys: readonly string[], how: Parameters<Store['read']>[1]) {
        return new Map(await Promise.all(keys.map(async (key) => [key, await this.read(key, how)] as const)))
      }
    }
    const how = { signal: new AbortController().signal, consistent: true }
    const many = await tracedStore(new Counting(), { tracer }).readMany?.([KEY, `${KEY}0`], how)
    expect(many?.size).toBe(2)
    expect(spans()[0]?.attributes).toMatchObject({ 'warmtoken.operation': 'readMany', 'warmtoken.keys': 2 })
  })
})

describe('OpenTelemetry', () => {
  it('works without a registered provider', () => {
    trace.disable()
    const listen = openTelemetry({ report: createReport() })
    expect(() => listen({ type: 'fetch', key: KEY, took: 1, outcome: 'ok', alone: false })).not.toThrow()
  })

  it.each([
    ['"report"', () => openTelemetry({} as never)],
    ['"report"', () => openTelemetry({ report: {} } as never)],
    ['"meter"', () => openTelemetry({ report: createReport(), meter: {} } as never)],
    ['"tracer"', () => tracedStore(memoryStore(), { tracer: {} } as never)],
    ['must be a store', () => tracedStore({} as never)],
  ])('refuses a wrong argument and names it: %s', (what, make) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(what)
  })
})
