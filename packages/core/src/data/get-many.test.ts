import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { SourceUnavailableError } from '../errors.ts'
import { type CacheOptions, createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'

function world(options: Partial<CacheOptions> = {}) {
  const time = fakeTime()
  const { store, counts } = countingStore(time.now)
  const events: CacheEvent[] = []
  const calls: (readonly string[])[] = []
  const bind = (more: Partial<CacheOptions> = {}) =>
    createCache({
      name: 'shop',
      store,
      runtime: time.runtime,
      onEvent: (event) => void events.push(event),
      ...options,
      ...more,
    }).use({
      key: 'post:{id}',
      fresh: 600_000,
      load: async ({ id }) => `one ${id}`,
      loadMany: async (list) => {
        calls.push(list.map(({ id }) => String(id)))
        return list.map(({ id }) => (id === 'bad' ? new SourceUnavailableError('no such luck') : `many ${id}`))
      },
    })
  return { time, store, counts, events, calls, bind }
}

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, index) => ({ id: index + from }))

describe('getMany', () => {
  it('loads what is nowhere by one call, and serves the next environment by one read', async () => {
    const { bind, calls, counts, time } = world()
    const first = await time.run(bind().getMany(ids(300)))
    expect(first).toEqual(ids(300).map(({ id }) => `many ${id}`))
    expect(calls.map((list) => list.length)).toEqual([300])
    counts.reads = 0
    counts.keys = 0
    const other = bind()
    expect(await time.run(other.getMany(ids(300)))).toEqual(first)
    expect([counts.reads, counts.keys, calls.length]).toEqual([1, 301, 1])
  })

  it('makes no request for what memory has, and reads only the rest', async () => {
    const { bind, counts, time } = world()
    const posts = bind()
    await time.run(posts.getMany(ids(10)))
    counts.reads = 0
    await time.run(posts.getMany(ids(10)))
    expect(counts.reads).toBe(0)
    counts.keys = 0
    await time.run(posts.getMany(ids(12)))
    // The root record was checked a moment ago.
    expect([counts.reads, counts.keys]).toEqual([1, 2])
  })

  it('returns the error of one value in its place, and none where the loader has none', async () => {
    const { bind, time } = world()
    const found = await time.run(bind().getMany([{ id: 1 }, { id: 'bad' }, { id: 2 }]))
    expect(found[0]).toBe('many 1')
    expect(found[1]).toMatchObject({ name: 'SourceUnavailableError' })
    expect(found[2]).toBe('many 2')
  })

  it('loads a key once that is asked for twice', async () => {
    const { bind, calls, time } = world()
    expect(await time.run(bind().getMany([{ id: 1 }, { id: 1 }]))).toEqual(['many 1', 'many 1'])
    expect(calls).toEqual([['1']])
  })

  it('rejects wrong parameters before anything is read', async () => {
    const { bind, counts } = world()
    await expect(bind().getMany([{ id: 1 }, { id: '' }])).rejects.toThrow(/id/)
    await expect(bind().getMany('x' as never)).rejects.toThrow(/list/)
    await expect(bind().getMany(ids(10_001))).rejects.toThrow(/10000/)
    expect(counts.reads).toBe(0)
  })

  it('gives an empty list for an empty list', async () => {
    const { bind, counts } = world()
    expect(await bind().getMany([])).toEqual([])
    expect(counts.reads).toBe(0)
  })

  it('loads at once what it won, and polls what another environment is loading by one read a round', async () => {
    const { time, store, counts } = world()
    const held = gate()
    let loads = 0
    const bind = (wait: boolean) =>
      createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {} }).use({
        key: 'post:{id}',
        fresh: 600_000,
        load: async () => 0,
        loadMany: async (list) => {
          loads += list.length
          if (wait) await held.opened
          return list.map(({ id }) => Number(id))
        },
      })
    const slow = bind(true).getMany(ids(40))
    const quick = bind(false)
    await time.run(new Promise<void>((resolve) => time.runtime.after(5, resolve)))
    expect(loads).toBe(40)
    const own = quick.getMany(ids(80))
    await time.run(new Promise<void>((resolve) => time.runtime.after(20, resolve)))
    // Its own 40 were loaded while it waits for the others.
    expect(loads).toBe(80)
    counts.reads = 0
    counts.keys = 0
    await time.run(new Promise<void>((resolve) => time.runtime.after(600, resolve)))
    expect(counts.reads).toBeGreaterThanOrEqual(2)
    // Every poll is one read of all 40, in rounds of 50 ms.
    expect(counts.reads).toBeLessThanOrEqual(12)
    expect(counts.keys).toBeGreaterThanOrEqual(40 * counts.reads)
    held.open()
    expect(await time.run(own)).toEqual(ids(80).map(({ id }) => id))
    await time.run(slow)
    expect(loads).toBe(80)
  })

  it('has at most 32 writes in flight, and asks for all of more than 500', async () => {
    const time = fakeTime()
    const { store: inner } = countingStore(time.now)
    let inFlight = 0
    let most = 0
    const store: Store = {
      ...inner,
      async swap(key, swap, options) {
        inFlight += 1
        most = Math.max(most, inFlight)
        await new Promise<void>((resolve) => time.runtime.after(1, resolve))
        inFlight -= 1
        return inner.swap(key, swap, options)
      },
    }
    const { bind } = world({ store, runtime: time.runtime })
    const found = await time.run(bind().getMany(ids(700)))
    expect(found.filter((value) => value instanceof Error || value === undefined)).toEqual([])
    expect(most).toBe(32)
  })

  it('serves what another environment has invalidated meanwhile from a new load', async () => {
    const { time, store } = world()
    let version = 1
    const environment = () => {
      const cache = createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {} })
      const posts = cache.use({ key: 'blog:{blog}:post:{id}', fresh: 600_000, load: async () => version })
      return { cache, posts }
    }
    const list = ids(20).map(({ id }) => ({ blog: id % 2, id }))
    await time.run(environment().posts.getMany(list))
    version = 2
    await time.run(environment().cache.invalidate({ match: 'blog:1:*' }))
    const found = await time.run(environment().posts.getMany(list))
    expect(found).toEqual(list.map(({ blog }) => blog + 1))
  })

  it('reads what its own environment knew, and never serves beyond recheck what was invalidated elsewhere', async () => {
    const { time, store } = world()
    let version = 1
    const environment = () => {
      const cache = createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {} })
      const posts = cache.use({ key: 'post:{id}', fresh: 600_000, tags: () => ['all'], load: async () => version })
      return { cache, posts }
    }
    const [here, there, third] = [environment(), environment(), environment()]
    await time.run(third.posts.getMany(ids(4)))
    await time.run(here.posts.getMany(ids(2)))
    version = 2
    await time.run(there.cache.invalidate({ tags: ['all'] }))
    time.pass(5_001)
    expect(await time.run(here.posts.getMany(ids(4)))).toEqual([2, 2, 2, 2])
  })

  it('reads each generation once, however many values rest on it', async () => {
    const { time, store, counts } = world()
    const bind = () =>
      createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {} }).use({
        key: 'post:{id}',
        fresh: 600_000,
        tags: ({ id }) => [`author:${Number(id) % 150}`],
        load: async ({ id }) => id,
      })
    await time.run(bind().getMany(ids(500)))
    counts.reads = 0
    counts.keys = 0
    await time.run(bind().getMany(ids(500)))
    // The root and 150 authors.
    expect(counts).toMatchObject({ reads: 1, keys: 500 + 151 })
  })

  it('tells once of a right that the role lacks', async () => {
    const { time, store, events } = world()
    const lacking: Store = { ...store, lacks: () => 'dynamodb:BatchGetItem' }
    const { bind } = world({ store: lacking, runtime: time.runtime, onEvent: (event) => void events.push(event) })
    const posts = bind()
    await time.run(posts.getMany(ids(2)))
    await time.run(posts.getMany(ids(2, 2)))
    expect(events.filter(({ type }) => type === 'missing-right')).toEqual([
      { type: 'missing-right', right: 'dynamodb:BatchGetItem' },
    ])
  })

  it('calls load for each where there is no loadMany', async () => {
    const { time, store } = world()
    const asked: unknown[] = []
    const posts = createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {} }).use({
      key: 'post:{id}',
      fresh: 1_000,
      load: async ({ id }) => {
        asked.push(id)
        return id
      },
    })
    expect(await time.run(posts.getMany(ids(3)))).toEqual([0, 1, 2])
    expect(asked).toEqual([0, 1, 2])
  })
})

describe('loadMany', () => {
  it('keeps lives, tags and marks of each, and is told the previous values', async () => {
    const { time, store } = world()
    const seen: unknown[] = []
    const cache = createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {} })
    const posts = cache.use({
      key: 'post:{id}',
      fresh: 1_000,
      usable: 100_000,
      load: async () => 0,
      loadMany: async (list, { each }) =>
        list.map(({ id }, index) => {
          const one = each[index]
          seen.push(one?.previous?.mark)
          return one?.previous === undefined ? one?.keep(Number(id), { mark: `m${id}` }) : one.unchanged()
        }),
    })
    await time.run(posts.getMany(ids(2)))
    time.pass(1_500)
    expect(await time.run(posts.getMany(ids(2)))).toEqual([0, 1])
    expect(seen).toEqual([undefined, undefined, 'm0', 'm1'])
  })

  it('that returns another number of results fails for all of them', async () => {
    const { time, store } = world()
    const posts = createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {} }).use({
      key: 'post:{id}',
      fresh: 1_000,
      load: async () => 0,
      loadMany: async () => [],
    })
    const found = await time.run(posts.getMany(ids(2)))
    const mistake = new TypeError('loadMany: return a list of 2 results, in the order of what was asked for')
    expect(found).toEqual([mistake, mistake])
  })
})
