import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Codec, Exclusive, Issued, Runtime, Source, Store, TokenValue } from '../../contracts.ts'
import { SignInRequiredError, SourceUnavailableError } from '../../errors.ts'
import { shiftedRuntime } from '../../lib/shifted-runtime.test-data.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens, type TokensOptions } from '../../tokens/tokens.ts'

const HOUR = 3_600_000

interface World {
  /** The seed that a person left behind. */
  seed: string
  /** What the issuer does with a refresh token. Default: gives the next pair. */
  answer: (spent: string, signal: AbortSignal) => Promise<Issued<TokenValue>> | undefined
  /** Every refresh token that the issuer has seen. */
  readonly spent: string[]
}

/** A source whose refresh tokens rotate, and the issuer's side of it. */
function rotating(afterCrash: Exclusive<TokenValue>['afterCrash'] = 'stop'): World & { source: Source<TokenValue> } {
  const world: World = { seed: 'seed-1', answer: () => undefined, spent: [] }
  const chainOf = (previous: TokenValue | undefined): string =>
    typeof previous?.chain === 'string' && previous.chain.startsWith(world.seed) ? previous.chain : world.seed
  return Object.assign(world, {
    source: {
      kind: 'rotating',
      identity: () => 'app',
      secretFingerprint: () => world.seed,
      exclusive: { afterCrash, spends: chainOf },
      fetch: async ({ previous, spends, signal }) => {
        const spending = chainOf(previous)
        expect(spends).toBe(spending)
        world.spent.push(spending)
        const number = world.spent.length
        const next = { value: `access-${number}`, type: 'Bearer', chain: `${world.seed}/refresh-${number}` }
        return world.answer(spending, signal) ?? { value: next, lifetime: HOUR }
      },
    } satisfies Source<TokenValue>,
  })
}

function environment(source: Source<TokenValue>, options: TokensOptions) {
  const tokens = createTokens({ directory: false, ...options })
  return { tokens, handle: tokens.use(source) }
}

interface Stage {
  readonly store: Store
  readonly runtime: Runtime
  advance(ms: number): void
}

function stage(): Stage {
  const { runtime, advance } = shiftedRuntime()
  return { runtime, advance, store: memoryStore({ wall: runtime.wall }) }
}

/** A holder that vanishes while the issuer works on its request; its lease ends. */
async function vanish(world: ReturnType<typeof rotating>, { store, runtime, advance }: Stage): Promise<void> {
  let dead = false
  const alive = async <R>(call: () => Promise<R>): Promise<R> => {
    if (dead) throw new Error('it has vanished')
    return call()
  }
  const dying: Store = {
    name: store.name,
    read: (key, how) => alive(() => store.read(key, how)),
    swap: (key, swap, how) => alive(() => store.swap(key, swap, how)),
  }
  const asked = new Promise<void>((arrived) => {
    world.answer = () => {
      arrived()
      return new Promise(() => {})
    }
  })
  void environment(world.source, { store: dying, runtime })
    .handle.get()
    .catch(() => {})
  await asked
  dead = true
  world.answer = () => undefined
  advance(7_000)
}

/** A store that refuses to take what `isRefused` says. */
function refusing(store: Store, isRefused: (body: string) => boolean): Store {
  return {
    ...store,
    swap: (key, swap, how) =>
      isRefused(swap.body) ? Promise.reject(new Error('refused by the test')) : store.swap(key, swap, how),
  }
}

describe('a source whose refresh tokens rotate', () => {
  it('spends each refresh token once, and the next one after it', async () => {
    const { runtime, advance } = shiftedRuntime()
    const store = memoryStore({ wall: runtime.wall })
    const world = rotating()
    for (let lifetime = 1; lifetime <= 3; lifetime += 1) {
      const fleet = Array.from({ length: 20 }, () => environment(world.source, { store, runtime }).handle)
      const values = new Set((await Promise.all(fleet.map((one) => one.get()))).map(({ value }) => value))
      expect([...values]).toEqual([`access-${lifetime}`])
      advance(HOUR + 10_000)
    }
    expect(world.spent).toEqual(['seed-1', 'seed-1/refresh-1', 'seed-1/refresh-2'])
  })

  it('hands a value out only once it is committed, and commits a kept one without asking again', async () => {
    const memory = memoryStore()
    let broken = true
    const store = refusing(memory, (body) => broken && body.includes('"value":'))
    const world = rotating()
    const { handle } = environment(world.source, { store, storeTimeout: 20, sourceTimeout: 1_000 })
    await expect(handle.get()).rejects.toMatchObject({ code: 'STORE_UNCOMMITTED', retryable: true })
    broken = false
    expect((await handle.get({ timeout: 20_000 })).value).toBe('access-1')
    expect(world.spent).toEqual(['seed-1'])
    expect((await environment(world.source, { store }).handle.get()).value).toBe('access-1')
  })

  it('never is stored in the file tier', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'warmtoken-exclusive-'))
    try {
      const store = memoryStore()
      await environment(rotating().source, { store, directory }).handle.get()
      expect(readdirSync(directory)).toEqual([])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('is never asked without the lease; a living value is served while the store is down', async () => {
    const { runtime, advance } = shiftedRuntime()
    const memory = memoryStore({ wall: runtime.wall })
    let down = true
    const fail = async (): Promise<never> => {
      throw new Error('down')
    }
    const store: Store = {
      name: 'down',
      read: (...args) => (down ? fail() : memory.read(...args)),
      swap: (...args) => (down ? fail() : memory.swap(...args)),
    }
    const world = rotating()
    const { handle } = environment(world.source, { store, runtime })
    await expect(handle.get()).rejects.toMatchObject({ name: 'StoreError', retryable: true })
    expect(world.spent).toEqual([])
    down = false
    advance(5_000)
    const token = await handle.get()
    down = true
    advance(0.9 * HOUR)
    expect((await handle.get()).value).toBe(token.value)
    expect(world.spent).toHaveLength(1)
  })

  it('asks for a person after a holder vanished, and continues with what the person left', async () => {
    const { store, runtime, advance } = stage()
    const world = rotating('stop')
    await vanish(world, { store, runtime, advance })
    const { handle } = environment(world.source, { store, runtime })
    await expect(handle.get()).rejects.toBeInstanceOf(SignInRequiredError)
    await expect(environment(world.source, { store, runtime }).handle.get()).rejects.toMatchObject({
      code: 'SIGN_IN_REQUIRED',
    })
    expect(world.spent).toEqual(['seed-1'])
    world.seed = 'seed-2'
    expect((await handle.get()).value).toBe('access-2')
    expect(world.spent).toEqual(['seed-1', 'seed-2'])
  })

  it('with retry-once tries one more time', async () => {
    const { store, runtime, advance } = stage()
    const world = rotating('retry-once')
    await vanish(world, { store, runtime, advance })
    await vanish(world, { store, runtime, advance })
    await expect(environment(world.source, { store, runtime }).handle.get()).rejects.toBeInstanceOf(SignInRequiredError)
    expect(world.spent).toEqual(['seed-1', 'seed-1'])
  })

  it('with retry-once goes on when the second try succeeds', async () => {
    const { store, runtime, advance } = stage()
    const world = rotating('retry-once')
    await vanish(world, { store, runtime, advance })
    expect((await environment(world.source, { store, runtime }).handle.get()).value).toBe('access-2')
  })

  it('with a grace tries again within it, and not after', async () => {
    const { store, runtime, advance } = stage()
    const world = rotating({ grace: 60_000 })
    await vanish(world, { store, runtime, advance })
    advance(30_000)
    await vanish(world, { store, runtime, advance })
    advance(30_000)
    await expect(environment(world.source, { store, runtime }).handle.get()).rejects.toBeInstanceOf(SignInRequiredError)
    expect(world.spent).toHaveLength(2)
  })

  it('is not cut off by the end of an invocation while it spends', async () => {
    const { store, runtime } = stage()
    const world = rotating('stop')
    let answer: () => void = () => {}
    const asked = new Promise<void>((arrived) => {
      world.answer = (_spent, signal) => {
        arrived()
        return new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
          answer = () =>
            resolve({ value: { value: 'access-1', type: 'Bearer', chain: 'seed-1/refresh-1' }, lifetime: HOUR })
        })
      }
    })
    const { tokens, handle } = environment(world.source, { store, runtime })
    const got = handle.get()
    await asked
    await tokens.settle({ timeout: 0 })
    answer()
    expect((await got).value).toBe('access-1')
  })

  it('has not spent anything when the call was given up before', async () => {
    const { store, runtime } = stage()
    const world = rotating('stop')
    let sealing: () => void = () => {}
    const started = new Promise<void>((arrived) => {
      sealing = arrived
    })
    let seal: () => void = () => {}
    const slow: Codec = {
      name: 'slow',
      seal: (text) => {
        sealing()
        return new Promise((resolve) => {
          seal = () => resolve(text)
        })
      },
      open: (sealed) => sealed,
    }
    const { tokens, handle } = environment(world.source, { store, runtime, codec: slow })
    const lost = handle.get().catch((error: unknown) => error)
    await started
    await tokens.settle({ timeout: 0 })
    seal()
    expect(await lost).toMatchObject({ code: 'TIMEOUT' })
    expect(world.spent).toEqual([])
    expect((await environment(world.source, { store, runtime }).handle.get()).value).toBe('access-1')
  })

  it('does not be stored in the record by what `spends` says, however long that is', async () => {
    const { store, runtime } = stage()
    const { source, spent } = rotating('stop')
    const long = { ...source, exclusive: { ...source.exclusive, spends: () => 'marked'.padEnd(4_000, '-') } }
    const bodies: string[] = []
    const watched: Store = {
      ...store,
      swap: (key, swap, how) => {
        bodies.push(swap.body)
        return store.swap(key, swap, how)
      },
    }
    const plain = {
      ...long,
      fetch: async () => ({ value: { value: 'a', type: 'Bearer' }, lifetime: HOUR }),
    } as typeof source
    await environment(plain, { store: watched, runtime }).handle.get()
    expect(bodies.length).toBeGreaterThan(1)
    expect(bodies.join()).not.toContain('marked')
    expect(spent).toEqual([])
  })

  it('never spends again what the issuer has called dead, however long ago', async () => {
    const { runtime, advance } = shiftedRuntime()
    const store = memoryStore({ wall: runtime.wall })
    const world = rotating('repeat')
    world.answer = () => Promise.reject(new SignInRequiredError('invalid_grant'))
    for (let day = 0; day < 3; day += 1) {
      await expect(environment(world.source, { store, runtime }).handle.get()).rejects.toBeInstanceOf(
        SignInRequiredError,
      )
      advance(86_400_000)
    }
    expect(world.spent).toHaveLength(1)
  })

  it('keeps its right to try where the issuer certainly did nothing', async () => {
    const { runtime, advance } = shiftedRuntime()
    const store = memoryStore({ wall: runtime.wall })
    const world = rotating('stop')
    world.answer = () => Promise.reject(new SourceUnavailableError('busy', { throttled: true }))
    await expect(environment(world.source, { store, runtime }).handle.get()).rejects.toMatchObject({
      kind: 'throttled',
    })
    world.answer = () => undefined
    advance(120_000)
    expect((await environment(world.source, { store, runtime }).handle.get()).value).toBe('access-3')
  })

  it('is not asked while its value could not be sealed, and fails closed when it cannot be opened', async () => {
    const store = memoryStore()
    const world = rotating()
    let broken = true
    const codec: Codec = {
      name: 'test',
      seal: (text) => {
        if (broken) throw new Error('no key')
        return Buffer.from(text).toString('base64')
      },
      open: (sealed) => {
        if (broken) throw new Error('no key')
        return Buffer.from(sealed, 'base64').toString()
      },
    }
    const failure = { code: 'CODEC_FAILED', retryable: true }
    await expect(environment(world.source, { store, codec }).handle.get()).rejects.toMatchObject(failure)
    expect(world.spent).toEqual([])
    broken = false
    await environment(world.source, { store, codec }).handle.get()
    broken = true
    await expect(environment(world.source, { store, codec }).handle.get()).rejects.toMatchObject(failure)
    expect(world.spent).toHaveLength(1)
  })
})
