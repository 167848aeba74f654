import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { custom } from '../sources/custom.ts'
import { memoryStore } from '../stores/memory.ts'
import { Token } from './token.ts'
import { createTokens, type TokensOptions } from './tokens.ts'
import type { TokenHandle } from './types.ts'

const COUNT = 20
const HOUR = 3_600_000

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A store that counts its requests; each is recorded by its keys. */
function counting(store: Store = memoryStore(), changed: Partial<Store> = {}) {
  const requests: { readonly type: string; readonly keys: readonly string[]; readonly consistent?: boolean }[] = []
  const counted: Store = {
    name: 'counting',
    read(key, how) {
      requests.push({ type: 'read', keys: [key], consistent: how.consistent })
      return store.read(key, how)
    },
    swap(key, swap, how) {
      requests.push({ type: 'swap', keys: [key] })
      return store.swap(key, swap, how)
    },
    async readMany(keys, how) {
      requests.push({ type: 'readMany', keys, consistent: how.consistent })
      return (await store.readMany?.(keys, how)) ?? new Map()
    },
    ...changed,
  }
  return { store: counted, requests, types: () => requests.map(({ type }) => type) }
}

/** An environment with many tokens. */
function environment(store: Store, options: TokensOptions = {}) {
  let fetches = 0
  const tokens = createTokens({ store, directory: false, ...options })
  const family = tokens.use(
    custom<{ readonly tenant: number }>({
      identity: ({ tenant }) => ({ tenant }),
      fetch: async ({ params }) => {
        fetches += 1
        return { value: `secret-${params.tenant}`, lifetime: HOUR }
      },
    }),
  )
  const handles: { [name: string]: TokenHandle } = {}
  for (let tenant = 0; tenant < COUNT; tenant += 1) handles[`of${tenant}`] = family.for({ tenant })
  return { tokens, handles, fetches: () => fetches }
}

/** What has handles, and is none. */
function familyOfTokens() {
  return createTokens({ directory: false }).use(
    custom<{ readonly tenant: number }>({
      identity: ({ tenant }) => ({ tenant }),
      fetch: async () => ({ value: 'a', lifetime: HOUR }),
    }),
  )
}

function valuesOf(result: { readonly [name: string]: Token | Error }): readonly (string | undefined)[] {
  return Object.values(result).map((one) => (one instanceof Token ? one.value : one.message))
}
const VALUES = Array.from({ length: COUNT }, (_, tenant) => `secret-${tenant}`)

/** A store in which all tokens rest. */
async function filled(): Promise<Store> {
  const store = memoryStore()
  const { tokens, handles } = environment(store)
  await tokens.prewarm(handles)
  return store
}

describe('prewarming many tokens', () => {
  it('of good records costs a cold environment one request', async () => {
    const { store, requests } = counting(await filled())
    const { tokens, handles, fetches } = environment(store)
    const result = await tokens.prewarm(handles)
    expect(valuesOf(result)).toEqual(VALUES)
    expect(requests).toEqual([
      { type: 'readMany', keys: Object.values(handles).map(({ key }) => key), consistent: false },
    ])
    expect(fetches()).toBe(0)
  })

  it('asks only for what is in neither memory nor file', async () => {
    const good = await filled()
    const before = environment(good, { directory })
    await before.tokens.prewarm({ one: before.handles['of0'] as TokenHandle })
    const { store, requests } = counting(good)
    const { tokens, handles } = environment(store, { directory })
    await handles['of1']?.get()
    await tokens.prewarm(handles)
    const keys = Object.values(handles).map(({ key }) => key)
    expect(requests.map((request) => request.keys)).toEqual([[keys[1]], keys.slice(2)])
    await tokens.prewarm(handles)
    expect(requests).toHaveLength(2)
  })

  it('fetches each that nobody has, and goes on from what it saw', async () => {
    const { store, types } = counting()
    const { tokens, handles, fetches } = environment(store)
    expect(valuesOf(await tokens.prewarm(handles))).toEqual(VALUES)
    expect(fetches()).toBe(COUNT)
    expect(types()).toEqual(['readMany', ...Array(2 * COUNT).fill('swap')])
  })

  it.each([
    ['rejects', async () => Promise.reject(new Error('not now'))],
    [
      'throws',
      () => {
        throw new Error('not now')
      },
    ],
    ['leaves all out', async () => new Map()],
    ['gives something else', async () => ({}) as never],
  ])('reads one by one where reading many %s', async (_how, readMany) => {
    const { store, types } = counting(await filled(), { readMany })
    const { tokens, handles, fetches } = environment(store)
    expect(valuesOf(await tokens.prewarm(handles))).toEqual(VALUES)
    expect(types()).toEqual(Array(COUNT).fill('read'))
    expect(fetches()).toBe(0)
  })

  it('reads one by one where reading many hangs, within the time of the store', async () => {
    const signals: AbortSignal[] = []
    const { store, types } = counting(await filled(), {
      readMany: (_keys, { signal }) => {
        signals.push(signal)
        return new Promise(() => {})
      },
    })
    const { tokens, handles } = environment(store, { storeTimeout: 50 })
    expect(valuesOf(await tokens.prewarm(handles))).toEqual(VALUES)
    expect(types()).toEqual(Array(COUNT).fill('read'))
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('reads one by one where a store cannot read many', async () => {
    const { readMany: _readMany, ...store } = counting(await filled()).store
    const { store: plain, types } = counting(store)
    const { readMany: _no, ...single } = plain
    const { tokens, handles } = environment(single)
    expect(valuesOf(await tokens.prewarm(handles))).toEqual(VALUES)
    expect(types()).toEqual(Array(COUNT).fill('read'))
  })

  it('leaves what is got without it alone, before and after', async () => {
    const { store, types } = counting(await filled())
    const { tokens, handles } = environment(store)
    await Promise.all(['of0', 'of1'].map((name) => handles[name]?.get()))
    await tokens.prewarm({ alone: handles['of2'] as TokenHandle })
    await tokens.prewarm({ one: handles['of3'] as TokenHandle, other: handles['of4'] as TokenHandle })
    await Promise.all(['of5', 'of6'].map((name) => handles[name]?.get()))
    expect(types()).toEqual(['read', 'read', 'read', 'readMany', 'read', 'read'])
  })
})

describe('prewarming what is not a handle', () => {
  it.each([
    ['nothing', undefined, /^prewarm: give tokens as in/],
    ['a text', 'crm', /^prewarm: give tokens as in/],
    [
      'a source',
      { crm: custom({ identity: 'x', fetch: async () => ({ value: 'a', lifetime: HOUR }) }) },
      /^prewarm: "crm" /,
    ],
    ['a family', { crm: familyOfTokens() }, /^prewarm: "crm" /],
    ['none', { crm: undefined }, /^prewarm: "crm" /],
  ])('such as %s rejects with a TypeError that says so, and nothing is asked', async (_what, given, message) => {
    const { store, requests } = counting()
    const { tokens, handles } = environment(store)
    const first = handles['of0'] as TokenHandle
    const all = typeof given === 'object' ? { first, ...given } : given
    const error = await tokens.prewarm(all as never).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(message)
    expect(requests).toEqual([])
  })

  it('but nothing at all is no fault', async () => {
    expect(await environment(memoryStore()).tokens.prewarm({})).toEqual({})
  })
})
