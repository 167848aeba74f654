import { describe, expect, it } from 'vitest'
import { type CacheOptions, createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { countingStore, fakeTime } from './fake.test-data.ts'

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

  it('that one getMany asks for are no flood', async () => {
    const { resource, time, events } = world()
    await time.run(resource.getMany(Array.from({ length: 200 }, (_, id) => ({ id }))))
    expect(events.filter(({ type }) => type === 'flood')).toEqual([])
  })
})

describe('jitter', () => {
  it.each([0, 0.25, 0.5, 0.999])('only ever makes a value due earlier (%d)', async (random) => {
    const base = fakeTime()
    const runtime = { ...base.runtime, random: () => random }
    const { store } = countingStore(base.now)
    let loads = 0
    const resource = createCache({ name: 'shop', store, runtime, recheck: 100_000, onEvent: () => {} }).use({
      key: 'a:{id}',
      fresh: 60_000,
      load: async () => {
        loads += 1
        return loads
      },
    })
    await resource.get({ id: 1 })
    expect((await resource.inspect({ id: 1 }))?.fresh).toBeLessThanOrEqual(60_000)
    expect((await resource.inspect({ id: 1 }))?.usable).toBeLessThanOrEqual(60_000)
    base.pass(60_000)
    expect(resource.peek({ id: 1 })).toBeUndefined()
  })
})
