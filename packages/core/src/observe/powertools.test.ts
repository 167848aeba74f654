import { Metrics } from '@aws-lambda-powertools/metrics'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SourceRefusedError } from '../errors.ts'
import type { WarmEvent } from '../events.ts'
import { custom } from '../sources/custom.ts'
import { createTokens } from '../tokens/tokens.ts'
import { powertoolsMetrics } from './powertools.ts'

const KEY = 'crm~0123456789012345678901234567890123456789'
const HIT = { type: 'hit', key: KEY, tier: 'memory', stale: false, remaining: 1 } as const

/** What Powertools writes, which it does straight to the process. */
let written: string[] = []
beforeEach(() => {
  written = []
  const take = (chunk: unknown): boolean => {
    written.push(String(chunk))
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(take)
  vi.spyOn(process.stderr, 'write').mockImplementation(take)
})
afterEach(() => vi.restoreAllMocks())

/** A blob of the embedded metric format, as far as it is looked at. */
interface Emf {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly [
      { readonly Dimensions: readonly (readonly string[])[]; readonly Metrics: readonly { readonly Name: string }[] },
    ]
  }
  readonly [field: string]: unknown
}

function blobs() {
  return written
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { _aws, ...fields } = JSON.parse(line) as Emf
      const [{ Dimensions, Metrics }] = _aws.CloudWatchMetrics
      expect(Dimensions).toHaveLength(1)
      return { dimensions: Dimensions[0], metrics: Metrics, fields }
    })
}

function metrics(): Metrics {
  return new Metrics({ namespace: 'shop', serviceName: 'orders' })
}

describe('metrics by Powertools', () => {
  it('are not written for a thousand hits in memory', () => {
    const listen = powertoolsMetrics(metrics())
    for (let n = 0; n < 1_000; n += 1) listen({ ...HIT, stale: n % 2 === 0 })
    expect(written).toEqual([])
  })

  it('are one blob a fetch, with the service and the source as dimensions', () => {
    powertoolsMetrics(metrics())({ type: 'fetch', key: KEY, took: 42, outcome: 'ok', alone: false })
    expect(blobs()).toHaveLength(1)
    const [blob] = blobs()
    expect(blob?.dimensions).toEqual(['service', 'source'])
    expect(blob?.metrics).toEqual([{ Name: 'TokenFetchTime', Unit: 'Milliseconds' }])
    expect(blob?.fields).toMatchObject({ service: 'orders', source: 'crm', TokenFetchTime: 42 })
  })

  it.each<[string, number, WarmEvent]>([
    ['TokenFetchFailed', 1, { type: 'fetch', key: KEY, took: 3, outcome: 'throttled', alone: false }],
    ['TokenStoreMiss', 1, { type: 'miss', key: KEY, tier: 'store' }],
    ['TokenLeaseWait', 70, { ...HIT, tier: 'store', waited: 70 }],
    ['TokenStale', 1, { ...HIT, tier: 'store', stale: true }],
    ['TokenCoolDown', 1, { type: 'cool-down', key: KEY, kind: 'refused', until: 1, count: 1 }],
    ['TokenRejected', 1, { type: 'reject', key: KEY, fingerprint: '12345678' }],
    ['TokenStoreError', 1, { type: 'store-error', key: KEY, operation: 'swap', code: 'STORE_TIMEOUT' }],
  ])('name %s', (name, value, event) => {
    powertoolsMetrics(metrics())(event)
    expect(blobs().map(({ fields }) => fields[name])).toEqual([value])
  })

  it.each<WarmEvent>([
    { type: 'miss', key: KEY, tier: 'file' },
    { ...HIT, tier: 'file' },
    { ...HIT, tier: 'store' },
    { type: 'shared', key: KEY },
    { type: 'acquire', key: KEY, epoch: 1, takeOver: false, adopted: false },
    { type: 'publish', key: KEY, version: 1 },
    { type: 'plaintext' },
    { type: 'live-published', publisher: 'websocket', count: 1 } as never,
  ])('are not written for $type', (event) => {
    powertoolsMetrics(metrics())(event)
    expect(written).toEqual([])
  })

  it.each([
    ['LiveGone', 3, { type: 'live-gone', count: 3 }],
    ['LiveClosed', 1, { type: 'live-closed', code: 'session-ended' }],
    ['LiveFailed', 2, { type: 'live-failed', publisher: 'websocket', count: 2, code: 'TIMEOUT' }],
    ['LiveDropped', 4, { type: 'live-dropped', count: 4 }],
  ])('of live events name %s, with the service as their only dimension', (name, value, notice) => {
    powertoolsMetrics(metrics())(notice)
    expect(blobs()).toMatchObject([{ dimensions: ['service'], fields: { [name]: value } }])
  })

  it("leave the user's own metrics and dimensions alone", () => {
    const own = metrics()
    own.addDimension('region', 'north').addMetric('Orders', 'Count', 1)
    powertoolsMetrics(own)({ type: 'reject', key: KEY, fingerprint: '12345678' })
    own.publishStoredMetrics()
    expect(blobs().map(({ dimensions }) => dimensions)).toEqual([
      ['service', 'source'],
      ['service', 'region'],
    ])
    expect(blobs()[1]?.fields).not.toHaveProperty('TokenRejected')
  })

  it("join the user's own when no source is wanted, and are written with them", () => {
    const own = metrics()
    const listen = powertoolsMetrics(own, { source: false })
    own.addMetric('Orders', 'Count', 1)
    listen({ type: 'fetch', key: KEY, took: 42, outcome: 'ok', alone: false })
    expect(written).toEqual([])
    own.publishStoredMetrics()
    expect(blobs()).toHaveLength(1)
    expect(blobs()[0]).toMatchObject({ dimensions: ['service'], fields: { Orders: 1, TokenFetchTime: 42 } })
  })

  it('of real tokens tell a miss and a fetch, and nothing of what is warm', async () => {
    const handle = createTokens({ directory: false, onEvent: powertoolsMetrics(metrics()) }).use(
      custom({ kind: 'crm', identity: 'app', fetch: async () => ({ value: 'a-token', lifetime: 3_600_000 }) }),
    )
    for (let n = 0; n < 100; n += 1) await handle.get()
    const names = blobs().flatMap((blob) => blob.metrics.map(({ Name }) => Name))
    expect(names).toEqual(['TokenStoreMiss', 'TokenFetchTime'])
    expect(written.join('')).not.toContain('a-token')
  })

  it('of a source that refuses tell a failure and a pause', async () => {
    const handle = createTokens({ directory: false, onEvent: powertoolsMetrics(metrics()) }).use(
      custom({
        kind: 'crm',
        identity: 'app',
        fetch: async () => {
          throw new SourceRefusedError('no', { code: 'invalid_client' })
        },
      }),
    )
    await expect(handle.get()).rejects.toThrow('invalid_client')
    expect(blobs().map(({ fields }) => Object.keys(fields).at(-1))).toEqual([
      'TokenStoreMiss',
      'TokenFetchFailed',
      'TokenCoolDown',
    ])
  })

  it.each([
    ['first argument', () => powertoolsMetrics({} as never)],
    ['option "source"', () => powertoolsMetrics(metrics(), { source: 'yes' as never })],
    ['unknown option "sources"', () => powertoolsMetrics(metrics(), { sources: true } as never)],
  ])('are refused with a wrong %s', (what, make) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(what)
  })
})
