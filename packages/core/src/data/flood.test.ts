import { describe, expect, it } from 'vitest'
import { type CacheOptions, createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'

function world(options: Partial<CacheOptions> = {}) {
  const time = fakeTime()
  const { store, counts } = countingStore(time.now)
  const events: CacheEvent[] = []
  const truth: { loads: number; known: Set<string>; during?: () => Promise<void> } = { loads: 0, known: new Set() }
  const cache = createCache({
    name: 'shop',
    store,
    runtime: time.runtime,
    onEvent: (event) => void events.push(event),
    ...options,
  })
  const resource = cache.use({
    key: 'user:{id}',
    fresh: 60_000,
    none: 30_000,
    load: async ({ id }) => {
      truth.loads += 1
      await truth.during?.()
      return truth.known.has(String(id)) ? `user ${id}` : undefined
    },
  })
  const flood = async () => {
    for (let n = 0; n < 50; n += 1) await resource.get({ id: `filler${n}` })
  }
  return { time, counts, events, truth, cache, resource, flood }
}

describe('more than 50 new keys a second', () => {
  it('are loaded without a lease, and nothing is written', async () => {
    const { flood, resource, counts, events, truth } = world()
    await flood()
    const { swaps } = counts
    for (let n = 0; n < 100; n += 1) expect(await resource.get({ id: `random${n}` })).toBeUndefined()
    expect(counts.swaps).toBe(swaps)
    expect(truth.loads).toBe(150)
    expect(events.filter(({ type }) => type === 'flood')).toEqual([{ type: 'flood', limit: 50 }])
  })

  it('are remembered in memory to have no value, for recheck at most', async () => {
    const { flood, resource, truth, time } = world()
    await flood()
    await resource.get({ id: 'x' })
    await resource.get({ id: 'x' })
    expect(truth.loads).toBe(51)
    time.pass(5_001)
    await resource.get({ id: 'x' })
    expect(truth.loads).toBe(52)
  })

  it('are not remembered when they were invalidated during the load', async () => {
    const { flood, resource, truth, cache } = world()
    await flood()
    truth.during = () => cache.invalidate({ everything: true })
    await resource.get({ id: 'x' })
    delete truth.during
    await resource.get({ id: 'x' })
    expect(truth.loads).toBe(52)
  })

  it('are served what is stored, and what is set or invalidated here counts at once', async () => {
    const { flood, resource, truth, cache } = world()
    await flood()
    await resource.get({ id: 'x' })
    await resource.set({ id: 'x' }, 'set')
    expect(await resource.get({ id: 'x' })).toBe('set')
    await resource.get({ id: 'y' })
    truth.known.add('y')
    await cache.invalidate({ everything: true })
    expect(await resource.get({ id: 'y' })).toBe('user y')
  })

  it('end flood mode with the second, and a value that exists is kept by the next call', async () => {
    const { flood, resource, truth, time, counts } = world()
    await flood()
    truth.known.add('real')
    expect(await resource.get({ id: 'real' })).toBe('user real')
    const { swaps } = counts
    expect(await resource.get({ id: 'real' })).toBe('user real')
    expect(counts.swaps).toBe(swaps + 2)
    time.pass(1_000)
    await resource.get({ id: 'later' })
    expect(counts.swaps).toBe(swaps + 4)
  })

  it('are counted once each, however many callers ask for one at the same time', async () => {
    const { resource, events, truth, counts } = world()
    truth.known.add('hot')
    const all = await Promise.all(Array.from({ length: 200 }, () => resource.get({ id: 'hot' })))
    expect(new Set(all)).toEqual(new Set(['user hot']))
    expect(events.filter(({ type }) => type === 'flood')).toEqual([])
    expect({ loads: truth.loads, ...counts }).toMatchObject({ loads: 1, reads: 1, swaps: 2 })
  })

  it('that one getMany asks for are no flood', async () => {
    const { resource, time, events } = world()
    await time.run(resource.getMany(Array.from({ length: 200 }, (_, id) => ({ id }))))
    expect(events.filter(({ type }) => type === 'flood')).toEqual([])
  })
})

describe('a load without the cache that is in progress', () => {
  async function switchedOff() {
    const { cache, resource, truth, time } = world({ recheck: 1_000 })
    await cache.control({ enabled: false })
    const first = gate()
    truth.during = () => first.opened
    const before = resource.get({ id: 'x' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(truth.loads).toBe(1)
    // From here on the truth is another one, and the loader reads it when it begins.
    delete truth.during
    return { cache, resource, truth, time, before, first }
  }

  it('is shared by callers who come at once', async () => {
    const { resource, truth, before, first } = await switchedOff()
    const joined = resource.get({ id: 'x' })
    first.open()
    await Promise.all([before, joined])
    expect(truth.loads).toBe(1)
  })

  it('is not joined by a get after an invalidation of this environment', async () => {
    const { cache, resource, truth, before, first } = await switchedOff()
    await cache.invalidate({ everything: true })
    const after = resource.get({ id: 'x' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(truth.loads).toBe(2)
    first.open()
    await Promise.all([before, after])
  })

  it('is not joined by a get after a change of the key by this environment', async () => {
    const { resource, truth, before, first } = await switchedOff()
    await resource.set({ id: 'x' }, 'set')
    const after = resource.get({ id: 'x' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(truth.loads).toBe(2)
    first.open()
    await Promise.all([before, after])
  })

  it('is not joined any more once it has taken as long as recheck', async () => {
    const { resource, truth, time, before, first } = await switchedOff()
    time.pass(1_001)
    const after = resource.get({ id: 'x' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(truth.loads).toBe(2)
    first.open()
    await Promise.all([before, after])
  })
})

describe('jitter', () => {
  it.each([0, 0.25, 0.5, 0.999])(
    'makes a value due earlier by its share of an eighth of fresh (%d)',
    async (random) => {
      const base = fakeTime()
      const runtime = { ...base.runtime, random: () => random }
      const { store } = countingStore(base.now)
      let loads = 0
      const resource = createCache({ name: 'shop', store, runtime, recheck: 100_000, onEvent: () => {} }).use({
        key: 'a:{id}',
        fresh: 60_000,
        usable: 120_000,
        load: async () => {
          loads += 1
          return loads
        },
      })
      await resource.get({ id: 1 })
      const due = Math.floor(60_000 - 7_500 * random)
      expect((await resource.inspect({ id: 1 }))?.fresh).toBe(due)
      expect((await resource.inspect({ id: 1 }))?.usable).toBeLessThanOrEqual(120_000)
      base.pass(due - 1)
      expect(resource.peek({ id: 1 })).toBe(1)
      base.pass(1)
      expect(resource.peek({ id: 1 })).toBeUndefined()
    },
  )
})
