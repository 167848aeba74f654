import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Codec, Store } from '../contracts.ts'
import { SourceRefusedError, SourceUnavailableError } from '../errors.ts'
import type { WarmEvent } from '../events.ts'
import { shiftedRuntime } from '../lib/shifted-runtime.test-data.ts'
import { custom } from '../sources/custom.ts'
import { memoryStore } from '../stores/memory.ts'
import { createTokens, type TokensOptions } from './tokens.ts'
import type { Tokens } from './types.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const HOUR = 3_600_000

/** An environment with a counting source. */
function environment(
  options: TokensOptions = {},
  fetch = async (n: number) => ({ value: `secret-${n}`, lifetime: HOUR }),
) {
  const events: WarmEvent[] = []
  let fetches = 0
  const tokens: Tokens = createTokens({ directory, onEvent: (event) => events.push(event), ...options })
  const source = custom({ identity: { app: 'test' }, fetch: async () => fetch(++fetches) })
  return {
    tokens,
    handle: tokens.use(source),
    events,
    types: () => events.map(({ type }) => type),
    fetches: () => fetches,
  }
}

describe('a token kept warm', () => {
  it('is handed to nobody from the moment on at which it is rejected', async () => {
    const { handle } = environment()
    const token = await handle.get()
    const renewing = handle.reject(token)
    expect(handle.peek()).toBeUndefined()
    const [renewed, beside] = await Promise.all([renewing, handle.get()])
    expect([renewed.value, beside.value]).toEqual(['secret-2', 'secret-2'])
  })

  it('is fetched once and then comes from memory', async () => {
    const { handle, fetches, types } = environment()
    const first = await handle.get()
    expect([first.tier, first.value]).toEqual(['source', 'secret-1'])
    const second = await handle.get()
    expect([second.tier, second.value]).toEqual(['memory', 'secret-1'])
    expect(await handle.get()).toBe(second)
    expect(handle.peek()).toBe(second)
    expect(fetches()).toBe(1)
    expect(types()).toEqual(['miss', 'miss', 'acquire', 'fetch', 'plaintext', 'publish', 'hit', 'hit', 'hit'])
  })

  it('is fetched once for a thousand callers at once', async () => {
    const { handle, fetches } = environment()
    const all = await Promise.all(Array.from({ length: 1000 }, () => handle.get()))
    expect(new Set(all.map(({ value }) => value)).size).toBe(1)
    expect(fetches()).toBe(1)
  })

  it('is found in the file by a new process of the same environment, without the store', async () => {
    await environment().handle.get()
    const down: Store = {
      name: 'down',
      read: () => Promise.reject(new Error('no')),
      swap: () => Promise.reject(new Error('no')),
    }
    const second = environment({ store: down })
    const token = await second.handle.get()
    expect([token.tier, second.fetches()]).toEqual(['file', 0])
  })

  it('is looked for in the file once, however many ask', async () => {
    const { handle, types } = environment()
    await Promise.all(Array.from({ length: 100 }, () => handle.get()))
    expect(types().filter((type) => type === 'miss')).toHaveLength(2)
  })

  it('is found in the store by another environment', async () => {
    const store = memoryStore()
    const first = environment({ store, directory: false })
    const second = environment({ store, directory: false })
    await first.handle.get()
    expect((await second.handle.get()).tier).toBe('store')
    expect([first.fetches(), second.fetches()]).toEqual([1, 0])
  })

  it('is fetched by one of thirty cold environments', async () => {
    const store = memoryStore()
    const all = Array.from({ length: 30 }, () => environment({ store, directory: false }))
    const found = await Promise.all(all.map(({ handle }) => handle.get()))
    expect(new Set(found.map(({ value }) => value)).size).toBe(1)
    expect(all.reduce((sum, { fetches }) => sum + fetches(), 0)).toBe(1)
  })

  it('never shows itself', async () => {
    const { handle, events } = environment()
    const token = await handle.get()
    const shown = [
      `${token}`,
      JSON.stringify({ token }),
      inspect(token, { depth: 9, showHidden: true }),
      JSON.stringify(events),
    ].join()
    expect(shown).not.toContain('secret-1')
    expect(shown).toContain(`Token(${token.fingerprint})`)
    expect(token.headers()).toEqual({ authorization: 'Bearer secret-1' })
  })
})

describe('a rejected token', () => {
  it('is replaced once, however many callers reject it', async () => {
    const { handle, fetches } = environment()
    const token = await handle.get()
    const renewed = await Promise.all(Array.from({ length: 100 }, () => handle.reject(token)))
    expect(new Set(renewed.map(({ value }) => value))).toEqual(new Set(['secret-2']))
    expect(fetches()).toBe(2)
    expect((await handle.get()).value).toBe('secret-2')
  })

  it('is not replaced when a newer one is available', async () => {
    const { handle, fetches } = environment()
    const old = await handle.get()
    await handle.reject(old)
    expect((await handle.reject(old)).value).toBe('secret-2')
    expect(fetches()).toBe(2)
  })

  it('is not forgotten for an older one that a slower caller rejects', async () => {
    const { runtime, advance } = shiftedRuntime()
    const inner = memoryStore({ wall: runtime.wall })
    let down = false
    const store: Store = {
      ...inner,
      swap: (...args) => (down ? Promise.reject(new Error('no')) : inner.swap(...args)),
    }
    const { handle } = environment({ store, runtime, directory: false }, async (n) => {
      if (down) throw new Error('no')
      return { value: `secret-${n}`, lifetime: HOUR }
    })
    const older = await handle.get()
    const token = await handle.reject(older)
    // Right after it was given it would be served on.
    advance(31_000)
    down = true
    await expect(handle.reject(token)).rejects.toBeInstanceOf(SourceUnavailableError)
    await expect(handle.reject(older)).rejects.toBeInstanceOf(SourceUnavailableError)
    down = false
    advance(120_000)
    const after = await handle.get()
    expect([older.value, token.value]).not.toContain(after.value)
  })
})

describe('a source that fails', () => {
  it('is asked once when it refuses, for all callers', async () => {
    const store = memoryStore()
    const refuse = async () => {
      throw new SourceRefusedError('no', { code: 'invalid_client' })
    }
    const first = environment({ store, directory: false }, refuse)
    const second = environment({ store, directory: false }, refuse)
    for (let n = 0; n < 10; n += 1) {
      await expect(first.handle.get()).rejects.toMatchObject({
        name: 'SourceRefusedError',
        code: 'invalid_client',
        retryable: false,
      })
      await expect(second.handle.get()).rejects.toMatchObject({ code: 'invalid_client' })
    }
    expect(first.fetches() + second.fetches()).toBe(1)
  })

  it('whose secret is not available blocks no caller', async () => {
    const refuse = async (): Promise<never> => {
      throw new SourceRefusedError('no', { code: 'invalid_client' })
    }
    const tokens = createTokens({ directory: false, sourceTimeout: 20 })
    const hanging = () => new Promise<string>(() => {})
    const handle = tokens.use(custom({ identity: 'app', fetch: refuse, secretFingerprint: hanging }))
    for (let n = 0; n < 3; n += 1) await expect(handle.get()).rejects.toMatchObject({ code: 'invalid_client' })
  })

  it('is left alone for as long as it asks', async () => {
    const { handle, fetches } = environment({}, async () => {
      throw new SourceUnavailableError('busy', { throttled: true, retryAfter: 60_000 })
    })
    const before = Date.now()
    const error = await handle.get().catch((cause: unknown) => cause as SourceUnavailableError)
    expect(error).toBeInstanceOf(SourceUnavailableError)
    expect((error as SourceUnavailableError).retryAt).toBeGreaterThanOrEqual(before + 59_000)
    for (let n = 0; n < 9; n += 1) await expect(handle.get()).rejects.toBeInstanceOf(SourceUnavailableError)
    expect(fetches()).toBe(1)
  })

  it.each([-1, 0, Number.NaN, Number.POSITIVE_INFINITY, 1e18])('is not believed a life of %s', async (lifetime) => {
    const { handle } = environment({}, async () => ({ value: 'x', lifetime }))
    await expect(handle.get()).rejects.toMatchObject({ code: 'BAD_LIFE' })
    expect(handle.peek()).toBeUndefined()
  })
})

describe('a publish whose answer is lost', () => {
  it('is identified by the version that is stored, however often it is repeated', async () => {
    const inner = memoryStore()
    let [swaps, lost] = [0, 0]
    const store: Store = {
      name: 'forgetful',
      async read(key, options) {
        if (lost > 0 && lost-- > 0) throw new Error('lost')
        return inner.read(key, options)
      },
      async swap(key, swap, options) {
        const result = await inner.swap(key, swap, options)
        swaps += 1
        if (swaps !== 2) return result
        lost = 2
        // Time passes, so that a text made again would have a later version.
        await new Promise((resolve) => setTimeout(resolve, 20))
        return { outcome: 'unknown', cause: undefined }
      },
    }
    const { handle, fetches } = environment({ store, directory: false })
    const token = await handle.get()
    const seen = await inner.read(handle.key, { signal: AbortSignal.timeout(1_000), consistent: true })
    expect(JSON.parse(seen.image?.body ?? '').value.version).toBe(token.version)
    expect([fetches(), swaps]).toEqual([1, 3])
  })
})

describe('a store that is down', () => {
  const down: Store = {
    name: 'down',
    read: () => Promise.reject(new Error('no')),
    swap: () => Promise.reject(new Error('no')),
  }

  it('does not keep a token away', async () => {
    const { handle, fetches, events } = environment({ store: down, directory: false })
    const all = await Promise.all(Array.from({ length: 20 }, () => handle.get()))
    expect(new Set(all.map(({ value }) => value)).size).toBe(1)
    expect(fetches()).toBe(1)
    expect(events).toContainEqual(expect.objectContaining({ type: 'fetch', alone: true }))
    expect((await handle.get()).tier).toBe('memory')
  })

  it('is told to the source, with the time that it has', async () => {
    const asked: (readonly [boolean | undefined, number | undefined])[] = []
    const source = custom({
      identity: { app: 'test' },
      fetch: async ({ alone, time }) => {
        asked.push([alone, time])
        return { value: 'secret', lifetime: HOUR }
      },
    })
    for (const store of [down, memoryStore()])
      await createTokens({ store, directory: false, sourceTimeout: 2_000, onEvent: () => {} })
        .use(source)
        .get()
    expect(asked.map(([alone]) => alone)).toEqual([true, false])
    for (const [, time] of asked) expect(time).toBeGreaterThan(0)
    for (const [, time] of asked) expect(time).toBeLessThanOrEqual(2_000)
  })

  it('and a codec that takes its time let nobody have what is rejected meanwhile, nor keep it in the file', async () => {
    const sealing = Promise.withResolvers<void>()
    const codec: Codec = {
      name: 'slow',
      open: (text) => text,
      async seal(text) {
        await sealing.promise
        return text
      },
    }
    let files: readonly string[] = []
    const look = async (n: number) => {
      if (n === 2) files = readdirSync(directory)
      return { value: `secret-${n}`, lifetime: HOUR }
    }
    const { handle, types } = environment({ store: down, codec }, look)
    const first = handle.get()
    await vi.waitFor(() => expect(handle.peek()).toBeDefined())
    const refused = handle.peek()
    const renewing = refused && handle.reject(refused)
    await vi.waitFor(() => expect(types()).toContain('reject'))
    sealing.resolve()
    expect([(await first).value, (await renewing)?.value, files]).toEqual(['secret-2', 'secret-2', []])
  })

  it('only for writes does not keep a token away that is stale and still lives', async () => {
    const inner = memoryStore()
    const short = async (n: number) => ({ value: `secret-${n}`, lifetime: 60_000 })
    await environment({ store: inner, directory: false, refreshWindow: 1 }, short).handle.get()
    const refused = Object.assign(new Error('no'), { code: 'STORE_UNAVAILABLE', retryable: true })
    const readOnly: Store = { name: 'read-only', read: inner.read, swap: () => Promise.reject(refused) }
    const { handle, fetches } = environment({ store: readOnly, directory: false }, async (n) => ({
      value: `own-${n}`,
      lifetime: HOUR,
    }))
    // More life than is left, so that the value is as good as stale: alive, and a newer one wanted.
    const token = await handle.get({ minLifetime: HOUR })
    expect([token.value, fetches()]).toEqual(['secret-1', 0])
  })

  it('is not hidden when an operator must fix it', async () => {
    const denied = Object.assign(new Error('the role needs x'), { code: 'STORE_DENIED', retryable: false })
    const store: Store = { ...down, read: () => Promise.reject(denied) }
    const { handle, fetches } = environment({ store })
    await expect(handle.get()).rejects.toMatchObject({ name: 'StoreError', code: 'STORE_DENIED' })
    expect(fetches()).toBe(0)
  })
})

describe('options', () => {
  it.each([
    [{ timout: 5 }, 'timout'],
    [{ timeout: -1 }, 'timeout'],
    [{ store: {} }, 'store'],
    [{ directory: 'relative' }, 'directory'],
    [{ onEvent: 'x' }, 'onEvent'],
  ])('%j are refused by name', (options, name) => {
    expect(() => createTokens(options as unknown as TokensOptions)).toThrow(new RegExp(`TypeError|"${name}"`))
    expect(() => createTokens(options as unknown as TokensOptions)).toThrow(TypeError)
  })

  it('leave no file behind when there is no file tier', async () => {
    await environment({ directory: false }).handle.get()
    expect(readdirSync(directory)).toEqual([])
  })
})
