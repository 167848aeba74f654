import { describe, expect, it } from 'vitest'
import type { Codec, Runtime, Source, Store, TokenValue } from '../../contracts.ts'
import { SourceRefusedError, SourceUnavailableError } from '../../errors.ts'
import { shiftedRuntime } from '../../lib/shifted-runtime.test-data.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens, type TokensOptions } from '../../tokens/tokens.ts'

const HOUR = 3_600_000

/** A source that counts, and does what `fetch` says; by default it gives a token of an hour. */
function counting(fetch?: (n: number, signal: AbortSignal) => Promise<string>) {
  let count = 0
  const source: Source<TokenValue> = {
    kind: 'counting',
    identity: () => 'app',
    fetch: async ({ signal }) => {
      count += 1
      const value = (await fetch?.(count, signal)) ?? `token-${count}`
      return { value: { value, type: 'Bearer' }, lifetime: HOUR }
    },
  }
  return { source, count: () => count }
}

function environment(source: Source<TokenValue>, options: TokensOptions) {
  const tokens = createTokens({ directory: false, ...options })
  return { tokens, handle: tokens.use(source) }
}

const down: Store = {
  name: 'down',
  read: () => Promise.reject(new Error('down')),
  swap: () => Promise.reject(new Error('down')),
}

function deferred() {
  return Promise.withResolvers<string>()
}

describe('a codec', () => {
  const broken: Codec = {
    name: 'broken',
    seal: () => Promise.reject(new Error('no key')),
    open: () => Promise.reject(new Error('no key')),
  }

  it('that cannot seal does not make others wait for a value that cannot be shared', async () => {
    const store = memoryStore()
    const { source, count } = counting()
    const fleet = Array.from({ length: 6 }, () => environment(source, { store, codec: broken }).handle.get())
    expect((await Promise.all(fleet)).map(({ tier }) => tier)).toEqual(Array(6).fill('source'))
    expect(count()).toBe(6)
  })

  it('that hangs counts as failing', { timeout: 20_000 }, async () => {
    const store = memoryStore()
    const { source } = counting()
    await environment(source, { store, codec: { ...broken, seal: (text) => text, open: (text) => text } }).handle.get()
    const hanging: Codec = { name: 'hanging', seal: (text) => text, open: () => new Promise(() => {}) }
    expect((await environment(source, { store, codec: hanging }).handle.get()).value).toBe('token-2')
  })
})

describe('a failure', () => {
  it('that this environment met does not hide what another has published since', async () => {
    const { runtime, advance } = shiftedRuntime()
    const store = memoryStore({ wall: runtime.wall })
    const withSecret = (secret: string): Source<TokenValue> => ({
      ...counting(async () => {
        if (secret === 'old') throw new SourceRefusedError('no', { code: 'invalid_client' })
        return 'good'
      }).source,
      secretFingerprint: () => secret,
    })
    const old = environment(withSecret('old'), { store, runtime }).handle
    await expect(old.get()).rejects.toMatchObject({ code: 'invalid_client' })
    expect((await environment(withSecret('new'), { store, runtime }).handle.get()).value).toBe('good')
    advance(6_000)
    expect((await old.get()).value).toBe('good')
  })

  it('is paused for longer each time, without the store too', async () => {
    const { runtime, advance } = shiftedRuntime()
    const { source, count } = counting(() => Promise.reject(new SourceUnavailableError('503')))
    const { handle } = environment(source, { store: down, runtime })
    for (let second = 0; second < 600; second += 1) {
      await expect(handle.get()).rejects.toMatchObject({ name: 'SourceUnavailableError' })
      advance(1_000)
    }
    // 1, 2, 4 … 60 s, and then one a minute.
    expect(count()).toBeLessThan(25)
  })

  it('of a source that hangs is recorded by short calls too', async () => {
    const store = memoryStore()
    const kinds: string[] = []
    const { source } = counting(() => new Promise(() => {}))
    const { handle } = environment(source, {
      store,
      sourceTimeout: 300,
      storeTimeout: 100,
      onEvent: (event) => event.type === 'cool-down' && kinds.push(event.kind),
    })
    await expect(handle.get({ timeout: 700 })).rejects.toMatchObject({ retryable: true })
    expect(kinds).toEqual(['unavailable'])
  })

  it('of a source that throws at once is a failure like any other, and shows nothing of it', async () => {
    const { source, count } = counting()
    const throwing = {
      ...source,
      fetch: () => {
        throw new Error('secret=marked')
      },
    }
    const { handle } = environment(throwing, { store: memoryStore() })
    const error = await handle.get().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code: 'SOURCE_FAILED' })
    expect(`${(error as Error).stack}${String((error as Error).cause)}`).not.toContain('marked')
    expect(count()).toBe(0)
  })

  it('of a store shows nothing of what the store said', async () => {
    const talkative: Store = { ...down, read: () => Promise.reject(new Error('record {"sealed":"marked"}')) }
    const source: Source<TokenValue> = { ...counting().source, exclusive: { spends: () => 'x', afterCrash: 'stop' } }
    const error = await environment(source, { store: talkative })
      .handle.get()
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'StoreError' })
    expect(`${(error as Error).stack}${String((error as Error).cause)}`).not.toContain('marked')
  })
})

describe('time', () => {
  it('of a caller with little does not end the call of one with more', async () => {
    const { source } = counting()
    const { handle } = environment(source, { store: memoryStore() })
    const hasty = handle.get({ timeout: 50 }).catch((error: unknown) => error)
    const patient = handle.get({ timeout: 10_000 })
    expect(await hasty).toMatchObject({ code: 'TIMEOUT' })
    expect((await patient).value).toBe('token-1')
  })

  it('that one invocation has left does not end what another is waiting for', async () => {
    const answer = deferred()
    const { source } = counting(() => answer.promise)
    const { tokens, handle } = environment(source, { store: memoryStore() })
    const [leaveOne, leaveTwo] = [tokens.enter(), tokens.enter()]
    const waiting = handle.get()
    leaveOne()
    await tokens.settle({ timeout: 0 })
    answer.resolve('late but good')
    expect((await waiting).value).toBe('late but good')
    leaveTwo()
  })

  it('of a second is enough for a source that answers at once', async () => {
    const { source } = counting()
    expect((await environment(source, { store: memoryStore() }).handle.get({ timeout: 1_000 })).value).toBe('token-1')
  })

  it('may be longer than a timer of Node can wait', async () => {
    const { source } = counting()
    expect((await environment(source, { store: memoryStore() }).handle.get({ timeout: 3e9 })).value).toBe('token-1')
  })

  it('is enough where the store may take as long as the whole call', async () => {
    const { source, count } = counting()
    const options = { store: memoryStore(), storeTimeout: 3_000, timeout: 3_000 }
    expect((await environment(source, options).handle.get()).value).toBe('token-1')
    expect(count()).toBe(1)
  })
})

describe('a token that was refused', () => {
  it('comes back only by a call that began after it was refused', async () => {
    const { runtime, advance }: { runtime: Runtime; advance(ms: number): void } = shiftedRuntime()
    const answer = deferred()
    const asked = deferred()
    const { source, count } = counting(async (n) => {
      if (n === 2) asked.resolve('')
      return n === 1 ? 'same' : answer.promise
    })
    const { handle } = environment(source, { store: memoryStore({ wall: runtime.wall }), runtime })
    const token = await handle.get()
    advance(0.5 * HOUR)
    const renewing = handle.get({ minLifetime: 0.6 * HOUR }).catch((error: unknown) => error)
    await asked.promise
    const rejecting = handle.reject(token).catch((error: unknown) => error)
    answer.resolve('same')
    await Promise.all([renewing, rejecting])
    // The first, the one in progress, and one that asks because of the refusal.
    expect(count()).toBe(3)
  })
})
