import { describe, expect, it } from 'vitest'
import type { Image, Store, Swap } from '../contracts.ts'
import { custom } from '../sources/custom.ts'
import { createTokens } from '../tokens/tokens.ts'
import { type FrontedStoreOptions, type FrontProblem, frontedStore } from './fronted.ts'
import { memoryStore } from './memory.ts'

const HOUR = 3_600_000
const near = { signal: new AbortController().signal, consistent: false }
const strong = { ...near, consistent: true }
function write(expected: Image | undefined, tag: string): Swap {
  return {
    expected,
    body: `body ${tag}`,
    tag,
    keepUntil: 1e13,
  }
}

/** A store that writes down what it is asked and can be down, or hang. */
function switched(name: string, inner: Store = memoryStore()) {
  const asked: string[] = []
  let state: 'up' | 'down' | 'hangs' = 'up'
  const gate = async (what: string): Promise<void> => {
    asked.push(`${name} ${what}`)
    if (state === 'down')
      throw Object.assign(new Error(`${name} is down`), { code: 'STORE_UNAVAILABLE', retryable: true })
    if (state === 'hangs') await new Promise(() => {})
  }
  const store: Store = {
    name,
    read: (key, how) => gate('read').then(() => inner.read(key, how)),
    swap: (key, swap, how) => gate('swap').then(() => inner.swap(key, swap, how)),
  }
  return {
    store,
    inner,
    asked,
    turn(next: typeof state) {
      state = next
    },
  }
}

function pair(options: Partial<FrontedStoreOptions> = {}) {
  const front = switched('front')
  const authority = switched('authority')
  const problems: FrontProblem[] = []
  const store = frontedStore({
    front: front.store,
    authority: authority.store,
    onProblem: (problem) => problems.push(problem),
    ...options,
  })
  const asked = (): readonly string[] => [...front.asked.splice(0), ...authority.asked.splice(0)]
  return { store, front, authority, problems, asked }
}

describe('a front before an authority', () => {
  it('answers reads by its copy, and the authority is not asked', async () => {
    const { store, asked } = pair()
    await store.swap('key', write(undefined, 'a'), near)
    asked()
    expect((await store.read('key', near)).image).toEqual({ body: 'body a', tag: 'a' })
    expect(asked()).toEqual(['front read'])
  })

  it('is given what the authority holds, by the first read that it cannot answer', async () => {
    const { store, authority, asked } = pair()
    await authority.inner.swap('key', write(undefined, 'a'), near)
    expect((await store.read('key', near)).image?.tag).toBe('a')
    expect(asked()).toEqual(['front read', 'front swap', 'authority read'])
    expect((await store.read('key', near)).image?.tag).toBe('a')
    expect(asked()).toEqual(['front read'])
  })

  it('is passed over by consistent reads', async () => {
    const { store, authority, asked } = pair()
    const first = await store.swap('key', write(undefined, 'a'), near)
    if (first.outcome !== 'swapped') throw new Error(first.outcome)
    await authority.inner.swap('key', write(first.image, 'b'), near)
    asked()
    expect((await store.read('key', near)).image?.tag).toBe('a')
    expect((await store.read('key', strong)).image?.tag).toBe('b')
    expect(asked()).toEqual(['front read', 'front swap', 'front swap', 'authority read'])
    expect((await store.read('key', near)).image?.tag).toBe('b')
  })

  it('costs a conflict when its copy is stale, and is right from then on', async () => {
    const { store, authority } = pair()
    const first = await store.swap('key', write(undefined, 'a'), near)
    if (first.outcome !== 'swapped') throw new Error(first.outcome)
    await authority.inner.swap('key', write(first.image, 'b'), near)
    const { image } = await store.read('key', near)
    expect((await store.swap('key', write(image, 'c'), near)).outcome).toBe('conflict')
    expect((await store.read('key', near)).image?.tag).toBe('b')
  })

  it('keeps the mark that the authority needs', async () => {
    const authority = memoryStore()
    const marked: Store = {
      name: 'marked',
      read: (key, how) => authority.read(key, how),
      async swap(key, swap, how) {
        if (swap.expected !== undefined) expect(swap.expected.mark).toBe('"etag"')
        const result = await authority.swap(key, swap, how)
        return result.outcome === 'swapped' ? { ...result, image: { ...result.image, mark: '"etag"' } } : result
      },
    }
    const { store } = pair({ authority: marked })
    await store.swap('key', write(undefined, 'a'), near)
    const { image } = await store.read('key', near)
    expect(image).toEqual({ body: 'body a', tag: 'a', mark: '"etag"' })
    expect((await store.swap('key', write(image, 'b'), near)).outcome).toBe('swapped')
  })

  it('is no copy when someone else wrote it', async () => {
    const { store, front, authority } = pair()
    await authority.inner.swap('key', write(undefined, 'a'), near)
    await front.inner.swap('key', { expected: undefined, body: 'something', tag: 'x', keepUntil: 1e13 }, near)
    expect((await store.read('key', near)).image?.tag).toBe('a')
    expect((await front.inner.read('key', near)).image?.tag).toBe('a')
  })

  it('tells the time no better than its clock is in step with the authority', async () => {
    const { store } = pair({ front: memoryStore({ wall: () => 10_000 }), skew: 700 })
    await store.swap('key', write(undefined, 'a'), near)
    expect((await store.read('key', near)).time).toEqual({ at: 9_300, precision: 1_400 })
  })
})

describe('a front that is down', () => {
  it.each(['down', 'hangs'] as const)(
    '(%s) is told once and left alone; the authority does its work',
    async (state) => {
      const { store, front, problems, asked } = pair({ frontTimeout: 20 })
      const first = await store.swap('key', write(undefined, 'a'), near)
      front.turn(state)
      asked()
      expect((await store.read('key', near)).image?.tag).toBe('a')
      expect((await store.read('key', near)).image?.tag).toBe('a')
      const image = first.outcome === 'swapped' ? first.image : undefined
      expect((await store.swap('key', write(image, 'b'), near)).outcome).toBe('swapped')
      expect(asked()).toEqual(['front read', 'authority read', 'authority read', 'authority swap'])
      expect(problems).toMatchObject([{ operation: 'read', key: 'key' }])
    },
  )

  it('does not take a swap away that the authority has applied, nor does a listener that throws', async () => {
    const thrower = (): never => {
      throw new Error('listener')
    }
    const { store, front } = pair({ onProblem: thrower })
    front.turn('down')
    expect((await store.swap('key', write(undefined, 'a'), near)).outcome).toBe('swapped')
    expect((await store.read('key', near)).image?.tag).toBe('a')
  })
})

describe('an authority that is down', () => {
  it('leaves the copies readable; swaps and consistent reads reject', async () => {
    const { store, authority } = pair()
    const first = await store.swap('key', write(undefined, 'a'), near)
    authority.turn('down')
    expect((await store.read('key', near)).image?.tag).toBe('a')
    const image = first.outcome === 'swapped' ? first.image : undefined
    await expect(store.swap('key', write(image, 'b'), near)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(store.read('key', strong)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(store.read('other', near)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    authority.turn('up')
    expect((await store.swap('key', write(image, 'b'), near)).outcome).toBe('swapped')
  })

  it('does not keep a living token from a cold environment', async () => {
    const { store, authority } = pair()
    let fetches = 0
    const environment = () => {
      const source = custom({
        identity: { app: 'x' },
        fetch: async () => ({ value: `token ${++fetches}`, lifetime: HOUR }),
      })
      return createTokens({ store, directory: false }).use(source)
    }
    await environment().get()
    authority.turn('down')
    const token = await environment().get()
    expect([token.tier, token.value, fetches]).toEqual(['store', 'token 1', 1])
  })
})

describe('reading many', () => {
  it('asks the authority only for what the front does not have', async () => {
    const front = memoryStore()
    const authority = memoryStore()
    const wanted: (readonly string[])[] = []
    const watched: Store = {
      ...authority,
      readMany: (keys, how) => {
        wanted.push(keys)
        return authority.readMany?.(keys, how) ?? Promise.resolve(new Map())
      },
    }
    const store = frontedStore({ front, authority: watched })
    await store.swap('a', write(undefined, 'a'), near)
    await authority.swap('b', write(undefined, 'b'), near)
    const found = await store.readMany?.(['a', 'b', 'c'], near)
    expect([...(found ?? [])].map(([key, { image }]) => [key, image?.tag])).toEqual([
      ['a', 'a'],
      ['b', 'b'],
      ['c', undefined],
    ])
    expect(wanted).toEqual([['b', 'c']])
  })
})

describe('options', () => {
  it.each([
    [{ front: memoryStore() }, 'authority'],
    [{ authority: memoryStore() }, 'front'],
    [{ front: memoryStore(), authority: memoryStore(), skew: -1 }, 'skew'],
    [{ front: memoryStore(), authority: memoryStore(), timeout: 1 }, 'timeout'],
  ])('%# are refused by name', (options, name) => {
    expect(() => frontedStore(options as unknown as FrontedStoreOptions)).toThrow(new RegExp(`"${name}"`))
  })
})

describe('a front that keeps a connection', () => {
  /** A front whose `open` does what the test says. */
  function opening(open: () => Promise<void>) {
    const front = { ...memoryStore(), open }
    const problems: FrontProblem[] = []
    const store = frontedStore({
      front,
      authority: memoryStore(),
      frontTimeout: 20,
      onProblem: (problem) => problems.push(problem),
    })
    return { store, problems }
  }

  it('may take long to connect at first, and later no longer than any call to it', async () => {
    const hangs = new Promise<void>(() => {})
    let opened = 0
    const { store, problems } = opening(() => {
      opened += 1
      return opened === 1 ? new Promise((resolve) => setTimeout(resolve, 60)) : hangs
    })
    await store.open?.()
    expect(problems).toEqual([])
    await store.open?.()
    expect(problems).toEqual([{ operation: 'open', key: '', cause: undefined }])
    // It is left alone for a while.
    await store.open?.()
    expect(opened).toBe(2)
  })

  it('does not keep the authority from being opened', async () => {
    const { store, problems } = opening(() => Promise.reject(new Error('refused')))
    await store.open?.()
    expect(problems).toMatchObject([{ operation: 'open', cause: { message: 'refused' } }])
  })

  it('forgets what it likes: the authority decides whether the two of them do', () => {
    const forgetful = { ...memoryStore(), forgets: true }
    expect(frontedStore({ front: forgetful, authority: memoryStore() }).forgets).not.toBe(true)
    expect(frontedStore({ front: memoryStore(), authority: forgetful }).forgets).toBe(true)
  })
})
