import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Codec, Source, Store, TokenValue } from '../../contracts.ts'
import { SourceRefusedError, SourceUnavailableError, StoreError } from '../../errors.ts'
import type { WarmEvent } from '../../events.ts'
import { shiftedRuntime } from '../../lib/shifted-runtime.test-data.ts'
import { parseRecord } from '../../record/record.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens, type TokensOptions } from '../../tokens/tokens.ts'

const HOUR = 3_600_000

/** A source that counts its requests; `fail` says what a request fails with. */
function counting(fail: (n: number) => Error | undefined, rest: Partial<Source<TokenValue>> = {}) {
  let requests = 0
  const source: Source<TokenValue> = {
    kind: 'counting',
    identity: () => 'app',
    fetch: async () => {
      requests += 1
      const error = fail(requests)
      if (error !== undefined) throw error
      return { value: { value: `token-${requests}`, type: 'Bearer', chain: requests }, lifetime: HOUR }
    },
    ...rest,
  }
  return { source, requests: () => requests }
}

function enter(source: Source<TokenValue>, options: TokensOptions) {
  return createTokens({ directory: false, ...options }).use(source)
}

const once = (n: number): Error | undefined => (n === 1 ? new SourceUnavailableError('reset') : undefined)

describe('one failure of the issuer that passes', () => {
  it('fails none of five cold environments, and costs one more request', async () => {
    const { source, requests } = counting(once)
    const store = memoryStore()
    const tokens = await Promise.all(Array.from({ length: 5 }, () => enter(source, { store }).get()))
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(['token-2']))
    expect(requests()).toBe(2)
  })

  it('that outlasts the second request is waited for by callers that have the time', async () => {
    const { source, requests } = counting((n) => (n < 3 ? new SourceUnavailableError('reset') : undefined))
    const store = memoryStore()
    const tokens = await Promise.all(Array.from({ length: 5 }, () => enter(source, { store }).get()))
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(['token-3']))
    expect(requests()).toBe(3)
  })

  it('is told at once to callers that do not have the time', async () => {
    const { source, requests } = counting(() => new SourceUnavailableError('reset'))
    const error = await enter(source, {})
      .get({ timeout: 1_200 })
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'SourceUnavailableError', retryAt: expect.any(Number) })
    expect(requests()).toBe(2)
  })

  it('is waited for as long as the issuer says', async () => {
    const { source, requests } = counting((n) =>
      n === 1 ? new SourceUnavailableError('busy', { throttled: true, retryAfter: 700 }) : undefined,
    )
    expect((await enter(source, {}).get()).value).toBe('token-2')
    expect(requests()).toBe(2)
  })

  it('is not followed by a second request where a request spends something, or a mint budget counts them', async () => {
    for (const rest of [
      { exclusive: { afterCrash: 'repeat' as const, spends: () => 'seed' } },
      { traits: { mintBudget: 10 } },
    ]) {
      const { source, requests } = counting(() => new SourceUnavailableError('reset'), rest)
      await expect(enter(source, {}).get({ timeout: 3_000 })).rejects.toThrow()
      // The second one comes with a lease of its own, after the pause.
      expect(requests()).toBeLessThanOrEqual(2)
    }
  })

  it('costs three requests in ten calls when it does not pass', async () => {
    const { source, requests } = counting(() => new SourceUnavailableError('down'))
    const handle = enter(source, {})
    for (let n = 0; n < 10; n += 1) await expect(handle.get()).rejects.toThrow()
    expect(requests()).toBe(3)
  })

  it('is no refusal: that is never followed by a second request', async () => {
    const { source, requests } = counting(() => new SourceRefusedError('no'))
    await expect(enter(source, {}).get()).rejects.toThrow()
    expect(requests()).toBe(1)
  })
})

describe('a chain whose new value is unusable', () => {
  it('is committed, pauses the fleet, and the next fetch continues with it', async () => {
    const { runtime, advance } = shiftedRuntime()
    const store = memoryStore({ wall: runtime.wall })
    const spent: string[] = []
    let bad = true
    const source: Source<TokenValue> = {
      kind: 'counting',
      identity: () => 'app',
      fetch: async ({ spends = '' }) => {
        spent.push(spends)
        const value = { value: `token-${spent.length}`, type: 'Bearer', chain: spent.length }
        const unusable = new SourceUnavailableError('no token', { code: 'BAD_TOKEN' })
        return bad ? { value, lifetime: 0, unusable } : { value, lifetime: HOUR }
      },
      exclusive: { afterCrash: 'stop', spends: (previous) => `after ${previous?.chain ?? 'the seed'}` },
    }
    const handles = Array.from({ length: 5 }, () => enter(source, { store, runtime }))
    for (const handle of handles)
      await expect(handle.get({ timeout: 3_000 })).rejects.toMatchObject({ code: 'BAD_TOKEN', retryable: true })
    expect(spent).toEqual(['after the seed'])
    bad = false
    advance(60_000)
    expect((await enter(source, { store, runtime }).get()).value).toBe('token-2')
    expect(spent[1]).toBe('after 1')
  })
})

describe('a value that the store refuses for good', () => {
  const picky = (inner: Store): Store => ({
    ...inner,
    swap: (key, swap, options) => {
      const parsed = parseRecord(swap.body, key)
      const hasValue = parsed.outcome === 'record' && parsed.record.value !== undefined
      return hasValue
        ? Promise.reject(new StoreError('too long', { code: 'STORE_REFUSED', retryable: false }))
        : inner.swap(key, swap, options)
    },
  })

  it('is served to its caller, and the lease is released at once', async () => {
    const inner = memoryStore()
    const { source, requests } = counting(() => undefined)
    const handle = enter(source, { store: picky(inner) })
    expect((await handle.get()).value).toBe('token-1')
    const { image } = await inner.read(handle.key, { signal: new AbortController().signal, consistent: true })
    const { record } = parseRecord(image?.body ?? '', handle.key) as { record: object }
    expect(record).not.toHaveProperty('lease')
    expect((await enter(source, { store: picky(inner) }).get()).value).toBe('token-2')
    expect(requests()).toBe(2)
  })

  it('of an exclusive source is kept, and the intent with it', async () => {
    const inner = memoryStore()
    const exclusive = { afterCrash: 'stop' as const, spends: () => 'seed' }
    const { source, requests } = counting(() => undefined, { exclusive })
    const handle = enter(source, { store: picky(inner) })
    for (let n = 0; n < 2; n += 1)
      await expect(handle.get()).rejects.toMatchObject({ code: 'STORE_UNCOMMITTED', retryable: false })
    const { image } = await inner.read(handle.key, { signal: new AbortController().signal, consistent: true })
    const { record } = parseRecord(image?.body ?? '', handle.key) as { record: object }
    expect(record).toMatchObject({ intent: expect.anything() })
    expect(record).not.toHaveProperty('lease')
    expect(requests()).toBe(1)
  })
})

describe('the time of a call', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'warmtoken-time-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const hanging: Codec = { name: 'hanging', seal: (text) => text, open: () => new Promise(() => {}) }
  /** Longer than the call may take, by far less than what hangs would take. */
  const AT_MOST = 1_500

  it('is not exceeded by a codec that hangs while a file is present', async () => {
    const store = memoryStore()
    const { source } = counting(() => undefined)
    await createTokens({ directory, store, codec: { ...hanging, open: (text) => text } })
      .use(source)
      .get()
    const startedAt = performance.now()
    const handle = createTokens({ directory, store, codec: hanging }).use(source)
    await expect(handle.get({ timeout: 400 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(performance.now() - startedAt).toBeLessThan(AT_MOST)
  })

  it('is not exceeded by a secret that hangs while a refusal is on record', async () => {
    let hangs = false
    const { source } = counting(() => new SourceRefusedError('no', { code: 'invalid_client' }), {
      secretFingerprint: () => (hangs ? new Promise<string>(() => {}) : 'one'),
    })
    const events: WarmEvent[] = []
    const handle = enter(source, { onEvent: (event) => events.push(event) })
    await expect(handle.get()).rejects.toMatchObject({ code: 'invalid_client' })
    hangs = true
    const startedAt = performance.now()
    await expect(handle.get({ timeout: 400 })).rejects.toThrow()
    expect(performance.now() - startedAt).toBeLessThan(AT_MOST)
  })
})

describe('a file', () => {
  it('is never replaced by an older value', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'warmtoken-newer-'))
    try {
      const { runtime, advance } = shiftedRuntime()
      const store = memoryStore({ wall: runtime.wall })
      const { source } = counting(() => undefined)
      // A worker whose codec takes its time has the old value still on its way to the file.
      const slow = Promise.withResolvers<string>()
      const opened = Promise.withResolvers<void>()
      const first = await enter(source, { store, runtime }).get()
      const codec: Codec = {
        name: 'slow',
        seal: (text) => text,
        open: async (text) => {
          opened.resolve()
          await slow.promise
          return text
        },
      }
      const late = createTokens({ directory, store, runtime, codec }).use(source).get()
      await opened.promise
      advance(1_000)
      const quick = createTokens({ directory, store, runtime, codec: { ...codec, open: (text) => text } }).use(source)
      const newer = await quick.reject(first)
      slow.resolve('')
      expect((await late).value).toBe(first.value)
      const next = createTokens({ directory, store, runtime, codec: { ...codec, open: (text) => text } }).use(source)
      expect((await next.get()).value).toBe(newer.value)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
