import { describe, expect, it } from 'vitest'
import type { Codec, Store } from '../contracts.ts'
import { type CacheOptions, createCache } from '../data/cache.ts'
import type { CacheEvent } from '../data/events.ts'
import { countingStore, fakeTime } from '../data/fake.test-data.ts'
import { CollectionFullError, counter, hash, list, set } from './collections.ts'

const HOUR = 3_600_000

function world(change: (store: Store) => Store = (store) => store) {
  const time = fakeTime()
  const { store, counts, state } = countingStore(time.now)
  const events: CacheEvent[] = []
  const environment = (more: Partial<CacheOptions> = {}) =>
    createCache({
      name: 'shop',
      store: change(store),
      runtime: time.runtime,
      onEvent: (event) => void events.push(event),
      ...more,
    })
  return { time, store, counts, state, events, environment }
}

describe('a hash', () => {
  const bind = (cache: ReturnType<typeof createCache>) => hash(cache, { key: 'cart:{user}', usable: HOUR })

  it('sets, gets and deletes fields, and keeps the order in which they came', async () => {
    const { environment } = world()
    const cart = bind(environment())
    expect(await cart.get({ user: 7 }, 'sku')).toBeUndefined()
    await cart.set({ user: 7 }, 'sku', 2)
    await cart.set({ user: 7 }, 'gift', { wrap: true })
    await cart.set({ user: 7 }, 'sku', 3)
    expect(await cart.get({ user: 7 }, 'sku')).toBe(3)
    expect(Object.entries(await cart.getAll({ user: 7 }))).toEqual([
      ['sku', 3],
      ['gift', { wrap: true }],
    ])
    expect(await cart.deleteField({ user: 7 }, 'sku', 'none')).toBe(1)
    expect(Object.keys(await cart.getAll({ user: 7 }))).toEqual(['gift'])
    expect(await cart.getAll({ user: 8 })).toEqual({})
  })

  it('takes __proto__ and constructor for data', async () => {
    const { environment } = world()
    const cart = bind(environment())
    expect(await cart.get({ user: 7 }, 'constructor')).toBeUndefined()
    await cart.set({ user: 7 }, '__proto__', { polluted: true })
    await cart.set({ user: 7 }, 'constructor', 1)
    const all = await bind(environment()).getAll({ user: 7 })
    expect(Object.getPrototypeOf(all)).toBeNull()
    expect(Object.keys(all)).toEqual(['__proto__', 'constructor'])
    expect(Reflect.get(all, '__proto__')).toEqual({ polluted: true })
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(await cart.deleteField({ user: 7 }, '__proto__')).toBe(1)
  })

  it('returns frozen values, and copies what it is given', async () => {
    const { environment } = world()
    const cart = bind(environment())
    const mine = { n: 1 }
    await cart.set({ user: 7 }, 'a', mine)
    mine.n = 2
    expect(await cart.get({ user: 7 }, 'a')).toEqual({ n: 1 })
    expect(Object.isFrozen(await cart.get({ user: 7 }, 'a'))).toBe(true)
    expect(Object.isFrozen(await cart.getAll({ user: 7 }))).toBe(true)
  })

  it('leaves out stored fields that the schema refuses, and keeps them', async () => {
    const { environment } = world()
    await bind(environment()).set({ user: 7 }, 'old', 'text')
    const numbers = hash(environment(), {
      key: 'cart:{user}',
      usable: HOUR,
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }),
        },
      },
    })
    await numbers.set({ user: 7 }, 'new', 1)
    expect(await numbers.getAll({ user: 7 })).toEqual({ new: 1 })
    expect(await bind(environment()).getAll({ user: 7 })).toEqual({ old: 'text', new: 1 })
    await expect(numbers.set({ user: 7 }, 'x', 'text' as unknown as number)).rejects.toThrow(/schema of cart:\{user\}/)
  })
})

describe('a list', () => {
  it('pushes, pops, ranges and removes at both ends', async () => {
    const { environment } = world()
    const feed = list(environment(), { key: 'feed', usable: HOUR })
    expect(await feed.popLeft(undefined)).toBeUndefined()
    expect(await feed.pushRight(undefined, 'c', 'd')).toBe(2)
    expect(await feed.pushLeft(undefined, 'a', 'b')).toBe(4)
    expect(await feed.range(undefined)).toEqual(['a', 'b', 'c', 'd'])
    expect(await feed.range(undefined, { start: 1, end: -1 })).toEqual(['b', 'c'])
    expect(await feed.popLeft(undefined)).toBe('a')
    expect(await feed.popRight(undefined)).toBe('d')
    await feed.pushRight(undefined, { x: 1, y: 2 }, 'b')
    expect(await feed.remove(undefined, { y: 2, x: 1 })).toBe(1)
    expect(await feed.remove(undefined, 'b')).toBe(2)
    expect(await feed.range(undefined)).toEqual(['c'])
  })

  it('refuses a push beyond its bound, or drops the other end', async () => {
    const { environment } = world()
    const cache = environment()
    const strict = list(cache, { key: 'strict', usable: HOUR, max: 2 })
    await strict.pushRight(undefined, 1, 2)
    await expect(strict.pushRight(undefined, 3)).rejects.toMatchObject({
      code: 'COLLECTION_FULL',
      retryable: false,
      message: expect.stringMatching(/3 items, but at most 2 are allowed; remove items first/),
    })
    expect(await strict.range(undefined)).toEqual([1, 2])
    const latest = list(cache, { key: 'latest', usable: HOUR, max: 2, onFull: 'drop' })
    await latest.pushLeft(undefined, 1)
    await latest.pushLeft(undefined, 2)
    await latest.pushLeft(undefined, 3)
    expect(await latest.range(undefined)).toEqual([3, 2])
    await latest.pushRight(undefined, 4, 5, 6)
    expect(await latest.range(undefined)).toEqual([5, 6])
  })
})

it('names the key of the full record in its error', async () => {
  const { environment } = world()
  const cache = environment()
  const strict = list(cache, { key: 'strict:{user}', usable: HOUR, max: 1 })
  await expect(strict.pushRight({ user: 7 }, 1, 2)).rejects.toMatchObject({ key: 'strict:7' })
  const views = counter(cache, { key: 'views:{id}', usable: HOUR })
  await views.add({ id: 7 }, Number.MAX_SAFE_INTEGER)
  await expect(views.add({ id: 7 }, 1)).rejects.toMatchObject({ key: 'views:7' })
})

describe('a set', () => {
  it('adds, removes and knows its members', async () => {
    const { environment } = world()
    const online = set(environment(), { key: 'online:{room}', usable: HOUR })
    expect(await online.add({ room: 1 }, 'ann', 'bob', 'ann')).toBe(2)
    expect(await online.add({ room: 1 }, 'ann')).toBe(0)
    expect(await online.has({ room: 1 }, 'ann')).toBe(true)
    expect(await online.has({ room: 2 }, 'ann')).toBe(false)
    expect(await online.remove({ room: 1 }, 'ann', 'eve')).toBe(1)
    expect(await online.all({ room: 1 })).toEqual(['bob'])
  })
})

describe('a counter', () => {
  it('adds and takes away', async () => {
    const { environment } = world()
    const views = counter(environment(), { key: 'views:{id}', usable: HOUR })
    expect(await views.read({ id: 1 })).toBe(0)
    expect(await views.add({ id: 1 })).toBe(1)
    expect(await views.add({ id: 1 }, 5)).toBe(6)
    expect(await views.add({ id: 1 }, -2)).toBe(4)
    const beyond = views.add({ id: 1 }, Number.MAX_SAFE_INTEGER)
    await expect(beyond).rejects.toThrow(CollectionFullError)
    await expect(beyond).rejects.toThrow(/2\^53; clear it, or count under several keys$/)
    expect(await views.read({ id: 1 })).toBe(4)
  })

  it('that is sharded adds up its shards, and expires and clears them all', async () => {
    const { environment, counts } = world()
    const views = counter(environment(), { key: 'views:{id}', usable: HOUR, shards: 4 })
    const before = counts.swaps
    for (let n = 0; n < 40; n += 1) await views.add({ id: 1 }, 2)
    expect(counts.swaps).toBeGreaterThan(before)
    const other = counter(environment(), { key: 'views:{id}', usable: HOUR, shards: 4, tags: ({ id }) => [`v:${id}`] })
    expect(await other.read({ id: 1 })).toBe(80)
    expect(await views.expire({ id: 1 }, 60_000)).toBe(true)
    expect(await views.remaining({ id: 1 })).toBeLessThanOrEqual(60_000)
    await views.clear({ id: 1 })
    expect(await views.read({ id: 1 })).toBe(0)
  })
})

describe('every collection', () => {
  it('lives for `usable` from its first change, or from its last one, or as `expire` says', async () => {
    const { environment, time } = world()
    const cache = environment()
    const fixed = set(cache, { key: 'fixed', usable: 10_000 })
    const renewed = set(cache, { key: 'renewed', usable: 10_000, renew: true })
    await fixed.add(undefined, 'a')
    await renewed.add(undefined, 'a')
    time.pass(6_000)
    await fixed.add(undefined, 'b')
    await renewed.add(undefined, 'b')
    expect(await fixed.remaining(undefined)).toBeLessThanOrEqual(4_000)
    expect(await renewed.remaining(undefined)).toBeGreaterThan(9_000)
    time.pass(6_000)
    expect(await fixed.all(undefined)).toEqual([])
    expect(await renewed.all(undefined)).toEqual(['a', 'b'])
    expect(await renewed.expire(undefined, 20_000)).toBe(true)
    time.pass(15_000)
    expect(await renewed.all(undefined)).toEqual(['a', 'b'])
    expect(await fixed.expire(undefined, 20_000)).toBe(false)
    await renewed.clear(undefined)
    expect(await renewed.all(undefined)).toEqual([])
  })

  it('is seen by other environments within recheck, and at once when it is read live', async () => {
    const { environment, time } = world()
    const bind = () => set(environment(), { key: 'online', usable: HOUR })
    const [here, there] = [bind(), bind()]
    await here.add(undefined, 'ann')
    expect(await there.all(undefined)).toEqual(['ann'])
    await here.remove(undefined, 'ann')
    await here.add(undefined, 'bob')
    expect(await here.all(undefined)).toEqual(['bob'])
    expect(await there.all(undefined, { live: true })).toEqual(['bob'])
    await here.clear(undefined)
    time.pass(5_000)
    expect(await there.all(undefined)).toEqual([])
  })

  it('is read from memory without a request', async () => {
    const { environment, counts } = world()
    const online = set(environment(), { key: 'online', usable: HOUR })
    await online.add(undefined, 'ann')
    const { reads } = counts
    expect(await online.has(undefined, 'ann')).toBe(true)
    expect(counts.reads).toBe(reads)
  })

  it('reads an empty one without a write', async () => {
    const { environment, counts } = world()
    const online = set(environment(), { key: 'online', usable: HOUR })
    expect(await online.all(undefined)).toEqual([])
    expect(counts.swaps).toBe(0)
  })

  it('is invalidated like an entry: by tag, by pattern and as a whole', async () => {
    const { environment } = world()
    const cache = environment()
    const cart = hash(cache, { key: 'cart:{user}:items', usable: HOUR, tags: ({ user }) => [`user:${user}`] })
    for (const what of [{ tags: ['user:7'] }, { match: 'cart:7:*' }, { everything: true }]) {
      await cart.set({ user: 7 }, 'a', 1)
      await cache.invalidate(what)
      expect(await cart.getAll({ user: 7 })).toEqual({})
      // What was invalidated does not come back with the next change.
      await cart.set({ user: 7 }, 'b', 1)
      expect(Object.keys(await cart.getAll({ user: 7 }))).toEqual(['b'])
    }
  })

  it('rejects a change while it is switched to read-only', async () => {
    const { environment } = world()
    const cache = environment()
    const online = set(cache, { key: 'online', name: 'online', usable: HOUR })
    await online.add(undefined, 'ann')
    await cache.control({ sources: { online: { readOnly: true } } })
    await expect(online.add(undefined, 'bob')).rejects.toMatchObject({ code: 'CACHE_READ_ONLY' })
    expect(await online.all(undefined, { live: true })).toEqual(['ann'])
  })

  it('says each change by an event, with its attempts and nothing of its contents', async () => {
    const { environment, events } = world()
    await hash(environment(), { key: 'cart', usable: HOUR }).set(undefined, 'field-1', 'value-1')
    const changes = events.filter(({ type }) => type === 'change')
    expect(changes).toMatchObject([{ type: 'change', outcome: 'written', attempts: 1 }])
    expect(JSON.stringify(events)).not.toMatch(/field-1|value-1/)
  })

  it('counts a damaged record as empty', async () => {
    const { environment } = world()
    const wrong = environment().use({ key: 'online', usable: HOUR, load: () => ({ items: ['a', 'a'], recent: [] }) })
    await wrong.get(undefined)
    const online = set(environment(), { key: 'online', usable: HOUR })
    expect(await online.all(undefined)).toEqual([])
    expect(await online.add(undefined, 'b')).toBe(1)
    expect(await online.all(undefined)).toEqual(['b'])
  })

  it('is never taken for empty where its body cannot be read, and can be cleared', async () => {
    let isLost = false
    const forgetful = (store: Store): Store => ({
      name: store.name,
      swap: store.swap,
      async read(key, options) {
        const seen = await store.read(key, options)
        return isLost && key.startsWith('body~') ? { ...seen, image: undefined } : seen
      },
    })
    const { environment } = world(forgetful)
    const bind = () => hash(environment(), { key: 'cart', usable: HOUR })
    const random = seeded(5)
    for (let n = 0; n < 3; n += 1) {
      const text = Array.from({ length: 8_000 }, () => String.fromCharCode(33 + Math.floor(random() * 90))).join('')
      await bind().set(undefined, `field-${n}`, text)
    }
    isLost = true
    const cart = bind()
    await expect(cart.getAll(undefined)).rejects.toMatchObject({ code: 'STORE_BODY_UNREAD', retryable: true })
    await expect(cart.set(undefined, 'more', 1)).rejects.toMatchObject({ code: 'STORE_BODY_UNREAD' })
    isLost = false
    expect(Object.keys(await cart.getAll(undefined))).toEqual(['field-0', 'field-1', 'field-2'])
    isLost = true
    const other = bind()
    await other.clear(undefined)
    await other.set(undefined, 'more', 1)
    expect(await other.getAll(undefined)).toEqual({ more: 1 })
  })

  it('is never taken for empty where the codec cannot open it for a moment', async () => {
    let fails = false
    const codec: Codec = {
      name: 'failing',
      seal: (text) => Buffer.from(text).toString('base64'),
      open: async (text) => {
        if (fails) throw Object.assign(new Error('throttled'), { code: 'KMS_THROTTLED' })
        return Buffer.from(text, 'base64').toString()
      },
    }
    const { environment } = world()
    const bind = () => hash(environment({ codec }), { key: 'cart', usable: HOUR })
    await bind().set(undefined, 'one', 1)
    await bind().set(undefined, 'two', 2)
    fails = true
    const unread = { code: 'STORE_VALUE_UNREAD', retryable: true }
    await expect(bind().getAll(undefined)).rejects.toMatchObject(unread)
    await expect(bind().set(undefined, 'three', 3)).rejects.toMatchObject(unread)
    await expect(bind().expire(undefined, HOUR)).rejects.toMatchObject(unread)
    fails = false
    expect(await bind().getAll(undefined)).toEqual({ one: 1, two: 2 })
  })

  it('holds at most 1,000 items and 48,000 bytes, and a refused change leaves it as it was', async () => {
    const { environment } = world()
    const cache = environment()
    const members = Array.from({ length: 1_000 }, (_, index) => `m${index}`)
    const online = set(cache, { key: 'online', usable: HOUR })
    await online.add(undefined, ...members)
    await expect(online.add(undefined, 'more')).rejects.toMatchObject({ name: 'CollectionFullError' })
    expect(await online.all(undefined)).toEqual(members)
    const cart = hash(cache, { key: 'cart', usable: HOUR })
    await cart.set(undefined, 'small', 1)
    await expect(cart.set(undefined, 'large', 'é'.repeat(24_000))).rejects.toThrow(/48000 bytes/)
    expect(await cart.getAll(undefined)).toEqual({ small: 1 })
  })
})

describe('a change whose answer is lost', () => {
  /** A store that loses answers of writes, and has others write meanwhile. */
  function lossy(meanwhile: () => Promise<void> = async () => {}) {
    const state = { losing: 0 }
    const change = (store: Store): Store => ({
      ...store,
      async swap(...parts) {
        const swapped = await store.swap(...parts)
        if (state.losing === 0) return swapped
        state.losing -= 1
        await meanwhile()
        return { outcome: 'unknown', cause: undefined }
      },
    })
    return { state, change }
  }

  it('is applied once, and gives its result, when others have followed', async () => {
    let others = async (): Promise<void> => {}
    const { state, change } = lossy(() => others())
    const { environment, store, time } = world(change)
    const plain = createCache({ name: 'shop', store, runtime: time.runtime })
    const [mine, theirs] = [environment(), plain].map((cache) => list(cache, { key: 'jobs', usable: HOUR }))
    await mine?.pushRight(undefined, 'a', 'b', 'c')
    others = async () => {
      for (let n = 0; n < 30; n += 1) await theirs?.pushRight(undefined, n)
    }
    state.losing = 1
    expect(await time.run(mine?.popLeft(undefined) ?? Promise.reject())).toBe('a')
    expect((await theirs?.range(undefined, { live: true }))?.slice(0, 3)).toEqual(['b', 'c', 0])
  })

  it('is rejected as unknown when more have followed than a collection remembers', async () => {
    let others = async (): Promise<void> => {}
    const { state, change } = lossy(() => others())
    const { environment, store, time } = world(change)
    const plain = createCache({ name: 'shop', store, runtime: time.runtime })
    const [mine, theirs] = [environment(), plain].map((cache) => counter(cache, { key: 'n', usable: HOUR }))
    await mine?.add(undefined)
    others = async () => {
      for (let n = 0; n < 70; n += 1) await theirs?.add(undefined)
    }
    state.losing = 1
    await expect(time.run(mine?.add(undefined) ?? Promise.resolve(0))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(await theirs?.read(undefined, { live: true })).toBe(72)
  })

  it('is counted once in two thousand changes of six environments', async () => {
    const random = seeded(3)
    const losing = (store: Store): Store => ({
      ...store,
      async swap(...parts) {
        const draw = random()
        if (draw < 0.1) return { outcome: 'unknown', cause: undefined }
        const swapped = await store.swap(...parts)
        return draw < 0.3 ? { outcome: 'unknown', cause: undefined } : swapped
      },
    })
    const { environment, time } = world(losing)
    const pushed: number[] = []
    const popped: unknown[] = []
    let total = 0
    let left = 2_000
    const worker = async (): Promise<void> => {
      const cache = environment()
      const jobs = list(cache, { key: 'jobs', usable: HOUR })
      const count = counter(cache, { key: 'n', usable: HOUR })
      while (left > 0) {
        left -= 1
        const id = left
        const draw = random()
        if (draw < 0.4) {
          await count.add(undefined, id)
          total += id
        } else if (draw < 0.7) {
          await jobs.pushRight(undefined, id)
          pushed.push(id)
        } else {
          const job = await jobs.popLeft(undefined)
          if (job !== undefined) popped.push(job)
        }
      }
    }
    await time.run(Promise.all(Array.from({ length: 6 }, worker)))
    const cache = environment()
    expect(await counter(cache, { key: 'n', usable: HOUR }).read(undefined)).toBe(total)
    const rest = await list(cache, { key: 'jobs', usable: HOUR }).range(undefined)
    const byNumber = (one: unknown, other: unknown): number => Number(one) - Number(other)
    expect([...popped, ...rest].sort(byNumber)).toEqual([...pushed].sort(byNumber))
    expect(popped.length).toBeGreaterThan(100)
  })
})

/** A reproducible source of numbers in [0, 1). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

describe('bad input', () => {
  it('is refused with an error that names the option, the field or the place in the value', async () => {
    const { environment } = world()
    const cache = environment()
    expect(() => set(cache, { key: 'a' } as never)).toThrow(/"usable"/)
    expect(() => set(cache, { key: 'a', usable: 1, ttl: 2 } as never)).toThrow(/"ttl"/)
    expect(() => list(cache, { key: 'a', usable: 1, max: 1_001 })).toThrow(/"max"/)
    expect(() => list(cache, { key: 'a', usable: 1, onFull: 'both' as never })).toThrow(/"onFull"/)
    expect(() => counter(cache, { key: 'a', usable: 1, shards: 65 })).toThrow(/"shards"/)
    expect(() => set({} as never, { key: 'a', usable: 1 })).toThrow(/createCache/)
    const cart = hash(cache, { key: 'cart:{user}', usable: HOUR })
    await expect(cart.set({ user: 1 }, '', 1)).rejects.toThrow(/"field"/)
    await expect(cart.set({ user: 1 }, '\ud800', 1)).rejects.toThrow(/well-formed/)
    await expect(cart.set({ user: 1 }, 'x'.repeat(501), 1)).rejects.toThrow(/500/)
    await expect(cart.set({ user: 1 }, 'a', { b: 1n } as never)).rejects.toMatchObject({ code: 'VALUE_INVALID' })
    await expect(cart.set({ user: 'a:b' }, 'a', 1)).rejects.toThrow(/"user"/)
    await expect(cart.getAll({ user: 1 }, { fast: true } as never)).rejects.toThrow(/"fast"/)
    await expect(cart.expire({ user: 1 }, 0)).rejects.toThrow(/"usable"/)
    const feed = list(cache, { key: 'feed', usable: HOUR })
    await expect(feed.pushLeft(undefined)).rejects.toThrow(/at least one/)
    await expect(feed.range(undefined, { start: 0.5 })).rejects.toThrow(/"start"/)
    const online = set(cache, { key: 'online', usable: HOUR })
    await expect(online.add(undefined, 7 as never)).rejects.toThrow(/each member/)
    await expect(counter(cache, { key: 'n', usable: HOUR }).add(undefined, 0.5)).rejects.toThrow(/"by"/)
    expect(() => set(cache, { key: 'online', usable: HOUR })).toThrow(/bound already/)
  })
})
