import { describe, expect, it } from 'vitest'
import type { Source, Store, TokenValue } from '../contracts.ts'
import { createCache } from '../data/index.ts'
import { shiftedRuntime } from '../lib/shifted-runtime.test-data.ts'
import { memoryStore } from '../stores/memory.ts'
import { createTokens } from '../tokens/tokens.ts'
import { development, enterprise, large, type Preset, small } from './presets.ts'

/** A store that can be switched off, and counts its reads. */
interface Switchable {
  readonly store: Store
  down: boolean
  reads: number
}

function switchable(): Switchable {
  const inner = memoryStore()
  const failing = async (): Promise<never> =>
    Promise.reject(Object.assign(new Error('down'), { code: 'STORE_UNAVAILABLE', retryable: true }))
  const self: Switchable = {
    down: false,
    reads: 0,
    store: {
      name: 'switchable',
      read(key, how) {
        self.reads += 1
        return self.down ? failing() : inner.read(key, how)
      },
      swap: (key, swap, how) => (self.down ? failing() : inner.swap(key, swap, how)),
    },
  }
  return self
}

/** A source that counts how often it was asked. */
function counting() {
  let calls = 0
  const source: Source<TokenValue> = {
    kind: 'counting',
    identity: () => 'one',
    fetch: async () => ({ value: { value: `token-${++calls}`, type: 'Bearer' }, lifetime: 3_600_000 }),
  }
  return { source, calls: () => calls }
}

describe('every preset', () => {
  const PRESETS: readonly (readonly [string, () => Preset])[] = [
    ['development', development],
    ['small', () => small({ store: memoryStore(), namespace: 'test' })],
    ['large', () => large({ store: memoryStore() })],
    ['enterprise', () => enterprise({ front: memoryStore(), authority: memoryStore() })],
  ]

  it.each(PRESETS)('%s is taken as it is by createTokens and by createCache', async (_name, preset) => {
    const options = preset()
    const { source, calls } = counting()
    const environment = () => createTokens({ directory: false, ...options }).use(source)
    expect((await environment().get()).value).toBe('token-1')
    // Another environment shares it.
    expect((await environment().get()).value).toBe('token-1')
    expect(calls()).toBe(1)
    const cache = createCache({ name: 'shop', ...options })
    const item = cache.use({ key: 'item:{id}', fresh: 60_000, load: async ({ id }) => ({ id }) })
    expect(await item.get({ id: 7 })).toEqual({ id: 7 })
  })
})

describe('enterprise', () => {
  const stage = () => {
    const [front, authority] = [switchable(), switchable()]
    const problems: string[] = []
    const preset = enterprise({
      front: front.store,
      authority: authority.store,
      onProblem: ({ operation }) => problems.push(operation),
    })
    const { source, calls } = counting()
    const { runtime, advance } = shiftedRuntime()
    const environment = () => createTokens({ directory: false, runtime, ...preset }).use(source)
    return { front, authority, problems, environment, calls, advance }
  }

  it('reads from the front, and from the authority while the front is down, and recovers', async () => {
    const { front, authority, problems, environment, calls } = stage()
    await environment().get()
    const before = authority.reads
    await environment().get()
    expect(authority.reads).toBe(before)
    front.down = true
    expect((await environment().get()).value).toBe('token-1')
    expect(authority.reads).toBeGreaterThan(before)
    expect(problems).toContain('read')
    front.down = false
    expect((await environment().get()).value).toBe('token-1')
    expect(calls()).toBe(1)
  })

  it('serves from the front while the authority is down', async () => {
    const { authority, environment, calls } = stage()
    await environment().get()
    authority.down = true
    expect((await environment().get()).value).toBe('token-1')
    authority.down = false
    expect((await environment().get()).value).toBe('token-1')
    expect(calls()).toBe(1)
  })
})

describe('wrong use', () => {
  it.each<[string, () => unknown, string]>([
    ['no store', () => small({} as never), 'small: option "store" must be { read, swap }'],
    [
      'a store by another name',
      () => large({ store: memoryStore(), redis: 1 } as never),
      'large: unknown option "redis"',
    ],
    ['no authority', () => enterprise({ front: memoryStore() } as never), 'enterprise: option "authority"'],
    ['a codec that is none', () => small({ store: memoryStore(), codec: {} } as never), 'option "codec"'],
  ])('%s is refused with a message that names it', (_what, call, message) => {
    expect(call).toThrow(message)
  })
})
