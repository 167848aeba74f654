import diagnosticsChannel from 'node:diagnostics_channel'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { SourceUnavailableError } from '../../errors.ts'
import type { Listener, WarmEvent } from '../../events.ts'
import { custom } from '../../sources/custom.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens } from '../../tokens/tokens.ts'
import { markQuiet } from '../quiet.ts'
import { createHistogram } from './histogram.ts'
import { createReport } from './report.ts'

const KEY = 'crm~0123456789012345678901234567890123456789'
function hit(fields: Partial<WarmEvent & { type: 'hit' }> = {}): WarmEvent {
  return {
    type: 'hit',
    key: KEY,
    tier: 'memory',
    stale: false,
    remaining: 60_000,
    ...fields,
  }
}
function fetched(fields: Partial<WarmEvent & { type: 'fetch' }> = {}): WarmEvent {
  return {
    type: 'fetch',
    key: KEY,
    took: 5,
    outcome: 'ok',
    alone: false,
    ...fields,
  }
}
function reportOf(...events: readonly WarmEvent[]) {
  const reporter = createReport()
  for (const event of events) reporter.listen(event)
  return reporter.read()
}

describe('a report', () => {
  it('of nothing has no share of anything', () => {
    const { all, sources } = reportOf()
    expect(sources).toEqual({})
    expect(all).toMatchObject({ hitRate: null, refreshSuccess: null, fetchesAvoided: 0 })
    expect(all.leaseWaits).toEqual({ count: 0, p50: null, p99: null })
    expect(all.remainingLife).toEqual({ p50: null, least: null })
  })

  it('counts hits by tier, and as a share of all that was asked for', () => {
    const { all } = reportOf(hit(), hit({ tier: 'file' }), hit({ tier: 'store' }), hit(), fetched(), {
      type: 'shared',
      key: KEY,
    })
    expect(all.hits).toEqual({ memory: 2, file: 1, store: 1 })
    expect(all.hitRate).toBeCloseTo(4 / 6)
  })

  it('counts as avoided what a module variable would have fetched, and nothing from memory', () => {
    const { all } = reportOf(
      hit(),
      hit({ stale: true }),
      hit({ tier: 'file' }),
      hit({ tier: 'store' }),
      hit({ tier: 'store', waited: 70 }),
      { type: 'shared', key: KEY },
      fetched(),
    )
    expect(all.fetchesAvoided).toBe(4)
    expect(all.shared).toBe(1)
  })

  it('says how often the source was asked, and with what success', () => {
    const { all } = reportOf(fetched(), fetched({ alone: true }), fetched({ outcome: 'throttled' }), fetched())
    expect(all.fetches).toEqual({ all: 4, ok: 3, alone: 1 })
    expect(all.refreshSuccess).toBe(0.75)
  })

  it('counts waits, stale values, pauses, refusals and faults of the store', () => {
    const { all } = reportOf(
      hit({ tier: 'store', waited: 100 }),
      hit({ stale: true, remaining: 1_000 }),
      { type: 'cool-down', key: KEY, kind: 'throttled', until: 1, count: 1 },
      { type: 'cool-down', key: KEY, kind: 'unavailable', until: 1, count: 1 },
      { type: 'reject', key: KEY, fingerprint: '12345678' },
      { type: 'store-error', key: KEY, operation: 'read', code: 'STORE_TIMEOUT' },
    )
    expect(all.leaseWaits).toEqual({ count: 1, p50: 100, p99: 100 })
    expect(all.staleServes).toBe(1)
    expect(all.coolDowns).toEqual({ refused: 0, throttled: 1, unavailable: 1, budget: 0 })
    expect([all.rejections, all.storeErrors, all.remainingLife.least]).toEqual([1, 1, 1_000])
  })

  it('tells sources apart by the readable start of their keys, and adds them up', () => {
    const { sources, all } = reportOf(
      hit({ stale: true }),
      hit({ key: 'pay~1' }),
      hit({ key: 'pay~2', stale: true, remaining: 5 }),
    )
    expect(Object.keys(sources)).toEqual(['crm', 'pay'])
    expect(sources['pay']?.hits.memory).toBe(2)
    expect([sources['crm']?.remainingLife.least, all.remainingLife.least, all.hits.memory]).toEqual([60_000, 5, 3])
  })

  it('knows at most fifty sources, and counts later ones as others', () => {
    const { sources, all } = reportOf(
      ...Array.from({ length: 500 }, (_, n) => hit({ key: `kind-${n}~1` })),
      hit({ key: 'no kind of ours' }),
    )
    expect(Object.keys(sources)).toHaveLength(51)
    expect(sources['other']?.hits.memory).toBe(451)
    expect(all.hits.memory).toBe(501)
  })

  it('is plain data, and does not change afterwards', () => {
    const reporter = createReport()
    reporter.listen(hit())
    const report = reporter.read()
    const copy = structuredClone({ ...report })
    expect(JSON.parse(JSON.stringify(report))).toEqual(copy)
    reporter.listen(hit())
    expect(report.all.hits.memory).toBe(1)
    expect(reporter.read().all.hits.memory).toBe(2)
  })

  it('never throws, whatever is told', () => {
    const reporter = createReport()
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ type: fc.string(), key: fc.string() })), (event) => {
        reporter.listen(event as WarmEvent)
      }),
    )
    expect(() => String(reporter.read())).not.toThrow()
  })
})

describe('the table of a report', () => {
  it('is aligned and leaves out what did not happen', () => {
    const text = String(
      reportOf(
        ...Array.from({ length: 998 }, () => hit({ remaining: 3_000_000 })),
        hit({ tier: 'store', remaining: 3_000_000 }),
        hit({ key: 'pay~1', tier: 'store', waited: 1_200 }),
        fetched(),
      ),
    )
    expect(text.split('\n')).toEqual([
      'source  memory  store    hits  fetches     ok  avoided  waits  p50 ms  p99 ms  life p50   least',
      'crm        998      1  99.9 %        1  100 %        1      0       –       –    3000 s  3000 s',
      'pay          0      1   100 %        0      –        1      1    1200    1200      60 s    60 s',
      'all        998      2  99.9 %        1  100 %        2      1    1200    1200      60 s    60 s',
    ])
  })

  it('of one source has no sum, and of nothing only a title', () => {
    expect(String(reportOf(fetched())).split('\n')).toHaveLength(2)
    expect(String(reportOf())).toBe('source')
  })
})

describe('a histogram', () => {
  it('tells quantiles within five per cent or a millisecond', () => {
    const lengths = fc.array(fc.oneof(fc.nat(2_000), fc.nat(100_000_000)), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(lengths, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (all, share) => {
        const histogram = createHistogram()
        for (const one of all) histogram.add(one)
        const sorted = [...all].sort((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(share * all.length)) - 1] ?? 0
        expect(Math.abs((histogram.quantile(share) ?? Number.NaN) - exact)).toBeLessThanOrEqual(
          Math.max(1, exact * 0.05),
        )
        expect(histogram.least).toBe(sorted[0])
      }),
    )
  })

  it('takes what is no length for nothing, and the longest for what fits', () => {
    const histogram = createHistogram()
    for (const wrong of [Number.NaN, -1, Number.POSITIVE_INFINITY]) histogram.add(wrong)
    expect([histogram.count, histogram.least, histogram.quantile(0.5)]).toEqual([0, null, null])
    histogram.add(8.64e15)
    expect([histogram.count, histogram.least]).toEqual([1, 8.64e15])
  })
})

describe('a report of real tokens', () => {
  const folders: string[] = []
  const folder = (): string => {
    folders.push(mkdtempSync(join(tmpdir(), 'warmtoken-report-')))
    return folders.at(-1) ?? ''
  }
  afterEach(() => {
    for (const one of folders.splice(0)) rmSync(one, { recursive: true, force: true })
  })

  it('shows one fetch of three environments, and one avoided in store and file each', async () => {
    const reporter = createReport()
    const store = memoryStore()
    const directory = folder()
    const environment = (where: string | false) =>
      createTokens({ store, directory: where, onEvent: reporter.listen }).use(
        custom({ kind: 'crm', identity: 'app', fetch: async () => ({ value: 'a-token', lifetime: 3_600_000 }) }),
      )
    const first = environment(directory)
    await first.get()
    await first.get()
    await environment(false).get()
    await environment(directory).get()
    const { all, sources } = reporter.read()
    expect(Object.keys(sources)).toEqual(['crm'])
    expect(all.hits).toEqual({ memory: 1, file: 1, store: 1 })
    expect([all.fetches.all, all.fetches.ok, all.fetchesAvoided]).toEqual([1, 1, 2])
    expect(all.remainingLife.least).toBeGreaterThan(3_500_000)
  })

  it.each<[string, () => Listener | readonly Listener[]]>([
    ['nobody else listens', () => []],
    ['only OpenTelemetry and metrics listen', () => [markQuiet(() => {}), markQuiet(() => {})]],
    ['someone listens to everything', () => () => {}],
  ])('counts hits in memory by source and name when %s', async (_who, listeners) => {
    const tokens = createTokens({ directory: false, report: createReport(), onEvent: listeners() })
    const source = (identity: string) =>
      custom({ kind: 'crm', identity, fetch: async () => ({ value: `token-${identity}`, lifetime: 3_600_000 }) })
    const [plain, named] = [tokens.use(source('app')), tokens.use(source('sales'), { name: 'sales' })]
    for (let n = 0; n < 4; n += 1) await plain.get()
    for (let n = 0; n < 3; n += 1) await named.get()
    const { all, sources } = tokens.report()
    expect([sources['crm']?.hits.memory, sources['sales']?.hits.memory, all.hits.memory]).toEqual([3, 2, 5])
    expect([all.fetches.all, all.remainingLife.least]).toEqual([2, null])
  })

  it('makes no event of a hit in memory unless someone on the channel or a listener asks for it', async () => {
    const heard: string[] = []
    const tokens = createTokens({
      directory: false,
      report: createReport(),
      onEvent: markQuiet(({ type }) => void heard.push(type)),
    })
    const handle = tokens.use(
      custom({ identity: 'app', fetch: async () => ({ value: 'a-token', lifetime: 3_600_000 }) }),
    )
    await handle.get()
    await handle.get()
    expect(heard).not.toContain('hit')
    const channel = diagnosticsChannel.channel('warmtoken')
    const subscriber = (): void => {}
    channel.subscribe(subscriber)
    await handle.get()
    channel.unsubscribe(subscriber)
    await handle.get()
    expect(heard.filter((type) => type === 'hit')).toHaveLength(1)
    expect(tokens.report().all.hits.memory).toBe(3)
  })

  it('shows callers that were served by the flight of another', async () => {
    const tokens = createTokens({ directory: false, report: createReport() })
    const handle = tokens.use(
      custom({ identity: 'app', fetch: async () => ({ value: 'a-token', lifetime: 3_600_000 }) }),
    )
    await Promise.all(Array.from({ length: 50 }, () => handle.get()))
    const { all } = tokens.report()
    expect([all.fetches.all, all.shared, all.fetchesAvoided]).toEqual([1, 49, 49])
  })

  it('shows how long another environment was waited for', async () => {
    const reporter = createReport()
    const store = memoryStore()
    const leased = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const environment = (onEvent: Listener) =>
      createTokens({ store, directory: false, onEvent, report: reporter }).use(
        custom({
          identity: 'app',
          async fetch() {
            await answer.promise
            return { value: 'a-token', lifetime: 3_600_000 }
          },
        }),
      )
    const first = environment(({ type }) => type === 'acquire' && leased.resolve()).get()
    await leased.promise
    // The second looks, finds the lease of the first, and waits.
    const second = environment(({ type }) => type === 'wait' && answer.resolve()).get()
    await Promise.all([first, second])
    const { all } = reporter.read()
    expect([all.fetches.all, all.leaseWaits.count, all.fetchesAvoided]).toEqual([1, 1, 1])
    expect(all.leaseWaits.p99).toBeGreaterThan(0)
  })

  it('shows a fetch that failed, and the pause', async () => {
    const reporter = createReport()
    const handle = createTokens({ directory: false, onEvent: reporter.listen }).use(
      custom({
        kind: 'crm',
        identity: 'app',
        fetch: async () => {
          throw new SourceUnavailableError('busy', { throttled: true })
        },
      }),
    )
    await expect(handle.get()).rejects.toThrow()
    const { all } = reporter.read()
    expect([all.fetches.ok, all.refreshSuccess, all.coolDowns.throttled]).toEqual([0, 0, 2])
  })
})
