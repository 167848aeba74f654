import { Writable } from 'node:stream'
import { Logger } from '@aws-lambda-powertools/logger'
import pino from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CacheEvent, CacheListener } from '../data/events.ts'
import { SourceRefusedError } from '../errors.ts'
import type { WarmEvent } from '../events.ts'
import type { LiveListener, LiveNotice } from '../live/publisher.ts'
import type { SessionEvent, SessionListener } from '../sessions/events.ts'
import { custom } from '../sources/custom.ts'
import { memoryStore } from '../stores/memory.ts'
import { createTokens } from '../tokens/tokens.ts'
import { type LogLine, logEvents, type StructuredLogger } from './log.ts'

const KEY = 'crm~0123456789012345678901234567890123456789'
const SECRET = 'a-token-nobody-may-see'
const STORE_ERROR: WarmEvent = { type: 'store-error', key: KEY, operation: 'read', code: 'STORE_DENIED' }
const MISS: WarmEvent = { type: 'miss', key: KEY, tier: 'store' }
const FENCED: WarmEvent = { type: 'fenced', key: KEY, epoch: 2 }
const HIT = { type: 'hit', key: KEY, tier: 'memory', stale: false, remaining: 1 } as const

function collect() {
  const lines: (readonly [level: string, line: LogLine])[] = []
  const take = (level: string) => (line: LogLine) => void lines.push([level, line])
  const logger: StructuredLogger = {
    debug: take('debug'),
    info: take('info'),
    warn: take('warn'),
    error: take('error'),
  }
  return { lines, logger }
}

function crm(fetch = async () => ({ value: SECRET, lifetime: 3_600_000 })) {
  return custom({ kind: 'crm', identity: 'app', fetch })
}

afterEach(() => vi.restoreAllMocks())

describe('a log of events', () => {
  it.each<[string, WarmEvent]>([
    ['debug', HIT],
    ['debug', { type: 'shared', key: KEY }],
    ['info', { type: 'miss', key: KEY, tier: 'store' }],
    ['info', { type: 'acquire', key: KEY, epoch: 1, takeOver: false, adopted: false }],
    ['info', { type: 'fetch', key: KEY, took: 12, outcome: 'ok', alone: false }],
    ['warn', { type: 'store-error', key: KEY, operation: 'read', code: 'STORE_UNAVAILABLE' }],
    ['warn', { type: 'cool-down', key: KEY, kind: 'throttled', until: 1, count: 1 }],
    ['warn', { type: 'plaintext' }],
    ['error', { type: 'fetch', key: KEY, took: 12, outcome: 'refused', alone: false }],
    ['error', { type: 'codec-error', key: KEY, operation: 'open', code: 'KEY_DENIED' }],
  ])('has the level %s for %j', (level, event) => {
    const { lines, logger } = collect()
    logEvents(logger)(event)
    expect(lines).toEqual([[level, { message: `warmtoken ${event.type}`, warmtoken: event }]])
  })

  it('takes the notices of live events: what may be lost is a warning', () => {
    const { lines, logger } = collect()
    const listen: LiveListener = logEvents(logger)
    const notices: readonly (readonly [level: string, notice: LiveNotice])[] = [
      ['debug', { type: 'live-published', publisher: 'websocket', count: 2 }],
      ['warn', { type: 'live-failed', publisher: 'websocket', count: 2, code: 'STORE_DENIED' }],
      ['warn', { type: 'live-dropped', count: 1 }],
      ['info', { type: 'live-gone', count: 1 }],
      ['info', { type: 'live-closed', code: 'session-ended' }],
    ]
    for (const [, notice] of notices) listen(notice)
    expect(lines).toEqual(
      notices.map(([level, notice]) => [level, { message: `warmtoken ${notice.type}`, warmtoken: notice }]),
    )
  })

  it('takes the events of caches, without the tag, which may name a user', () => {
    const { lines, logger } = collect()
    const listen: CacheListener = logEvents(logger)
    const events: readonly CacheEvent[] = [
      { type: 'invalidate', what: 'user:jane', by: 'tag', stale: false, took: 3 },
      { type: 'generation-lost', tag: 'user:jane' },
    ]
    for (const event of events) listen(event)
    expect(lines).toEqual([
      [
        'info',
        { message: 'warmtoken invalidate', warmtoken: { type: 'invalidate', by: 'tag', stale: false, took: 3 } },
      ],
      ['warn', { message: 'warmtoken generation-lost', warmtoken: { type: 'generation-lost' } }],
    ])
  })

  it('takes the events of sessions', () => {
    const { lines, logger } = collect()
    const listen: SessionListener = logEvents(logger)
    const events: readonly SessionEvent[] = [
      { type: 'session-read', key: KEY, found: true },
      { type: 'session-refused', key: undefined, reason: 'malformed' },
      { type: 'store-error', key: KEY, operation: 'swap', code: 'STORE_DENIED' },
    ]
    for (const event of events) listen(event)
    expect(lines.map(([level]) => level)).toEqual(['debug', 'info', 'warn'])
    expect(lines[1]?.[1].warmtoken).toEqual({ type: 'session-refused', reason: 'malformed' })
  })

  it('leaves out what is below its lowest level', () => {
    const { lines, logger } = collect()
    const listen = logEvents(logger, { minLevel: 'warn' })
    listen(HIT)
    for (const event of [MISS, FENCED]) listen(event)
    expect(lines.map(([level]) => level)).toEqual(['warn'])
  })

  it('tells a miss, a lease, a fetch and a hit of real tokens in order', async () => {
    const { lines, logger } = collect()
    const handle = createTokens({ directory: false, store: memoryStore(), onEvent: logEvents(logger) }).use(crm())
    await handle.get()
    await handle.get()
    expect(lines.map(([level, { warmtoken }]) => `${level} ${warmtoken['type']}`)).toEqual([
      'info miss',
      'info acquire',
      'info fetch',
      'warn plaintext',
      'info publish',
      'debug hit',
    ])
  })

  it('never holds a token, nor what an issuer said', async () => {
    const { lines, logger } = collect()
    const tokens = createTokens({ directory: false, store: memoryStore(), onEvent: logEvents(logger) })
    const good = tokens.use(crm(), { name: 'good' })
    const token = await good.get()
    await good.reject(token)
    const bad = tokens.use(
      custom({
        kind: 'erp',
        identity: 'app',
        fetch: async () => {
          throw new SourceRefusedError(SECRET, { code: 'invalid_client' })
        },
      }),
    )
    await expect(bad.get()).rejects.toThrow()
    expect(lines.map(([, { warmtoken }]) => warmtoken['type'])).toEqual(expect.arrayContaining(['reject', 'cool-down']))
    expect(JSON.stringify(lines)).not.toContain(SECRET)
  })

  it('leaves out fields it does not know, objects, and what is no event', () => {
    const { lines, logger } = collect()
    const listen = logEvents(logger)
    listen({ ...HIT, value: SECRET, reason: { text: SECRET } } as never)
    for (const odd of [undefined, null, 1, SECRET, {}, { type: 1 }]) listen(odd as never)
    expect(lines).toEqual([['debug', { message: 'warmtoken hit', warmtoken: HIT }]])
  })

  it('bounds a text', () => {
    const { lines, logger } = collect()
    logEvents(logger)({ type: 'bad-record', key: KEY, reason: 'x'.repeat(10_000) } as never)
    expect(lines[0]?.[1].warmtoken['reason']).toHaveLength(512)
  })

  it('is written by pino as JSON with its own level', () => {
    const written: string[] = []
    const stream = new Writable({
      write(chunk, _encoding, done) {
        written.push(String(chunk))
        done()
      },
    })
    logEvents(pino({ level: 'debug' }, stream))(STORE_ERROR)
    expect(JSON.parse(written.join(''))).toMatchObject({
      level: 40,
      message: 'warmtoken store-error',
      warmtoken: { key: KEY, code: 'STORE_DENIED' },
    })
  })

  it('is written by Powertools Logger, which filters by its own level', () => {
    const written: string[] = []
    const warn = vi.spyOn(console, 'warn').mockImplementation((text) => void written.push(String(text)))
    const debug = vi.spyOn(console, 'debug').mockImplementation((text) => void written.push(String(text)))
    vi.stubEnv('POWERTOOLS_DEV', 'true')
    const listen = logEvents(new Logger({ serviceName: 'orders', logLevel: 'INFO' }))
    listen(HIT)
    listen(STORE_ERROR)
    vi.unstubAllEnvs()
    expect(debug).not.toHaveBeenCalled()
    expect(warn).toHaveBeenCalledOnce()
    expect(JSON.parse(written.join(''))).toMatchObject({
      level: 'WARN',
      service: 'orders',
      message: 'warmtoken store-error',
      warmtoken: { key: KEY, code: 'STORE_DENIED' },
    })
  })

  it.each([
    ['first argument', () => logEvents({ debug() {} } as never)],
    ['"minLevel"', () => logEvents(console, { minLevel: 'loud' as never })],
    ['unknown option "level"', () => logEvents(console, { level: 'info' } as never)],
  ])('refuses a wrong %s', (what, make) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(what)
  })
})
