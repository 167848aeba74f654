import { describe, expect, it } from 'vitest'
import { type CacheOptions, createCache } from './cache.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'

/** A cache over a truth that tests change, on a clock that stands still. */
function world(options: Partial<CacheOptions> = {}) {
  const time = fakeTime()
  const { store, counts } = countingStore(time.now)
  const truth = { value: 'old', loads: 0 }
  const load = async (): Promise<string> => {
    truth.loads += 1
    return truth.value
  }
  const environment = () => {
    const cache = createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {}, ...options })
    return { cache, resource: cache.use({ key: 'p:{id}', fresh: 600_000, usable: 3_600_000, load }) }
  }
  return { time, counts, truth, environment, ...environment() }
}

describe('get with maxAge: 0', () => {
  it('loads again although the value was loaded in the same tick of the clock', async () => {
    const { resource, truth } = world()
    expect(await resource.get({ id: 1 })).toBe('old')
    truth.value = 'new'
    expect(await resource.get({ id: 1 }, { maxAge: 0 })).toBe('new')
    expect(truth.loads).toBe(2)
  })

  it('loads once for all who ask together', async () => {
    const { resource, truth } = world()
    await resource.get({ id: 1 })
    truth.value = 'new'
    const all = await Promise.all(Array.from({ length: 20 }, () => resource.get({ id: 1 }, { maxAge: 0 })))
    expect(new Set(all)).toEqual(new Set(['new']))
    expect(truth.loads).toBe(2)
  })

  it('loads again where the cache is switched off and an earlier load is in progress', async () => {
    const { cache, time } = world()
    const first = gate<string>()
    const loads: string[] = []
    const resource = cache.use({
      key: 'q:{id}',
      fresh: 600_000,
      load: () => {
        loads.push('load')
        return loads.length === 1 ? first.opened : Promise.resolve('new')
      },
    })
    await cache.control({ enabled: false })
    const before = resource.get({ id: 1 })
    await new Promise((resolve) => setImmediate(resolve))
    time.pass(1)
    expect(await resource.get({ id: 1 }, { maxAge: 0 })).toBe('new')
    first.open('old')
    expect(await before).toBe('old')
  })

  it('loads in flood mode too, whatever is stored', async () => {
    const { resource, truth, environment } = world()
    await resource.get({ id: 'known' })
    const other = environment().resource
    for (let n = 0; n < 51; n += 1) await other.get({ id: `random${n}` })
    truth.value = 'new'
    expect(await other.get({ id: 'known' }, { maxAge: 0 })).toBe('new')
  })
})

describe('get with minLifetime', () => {
  it('asks the store for nothing while the value in memory lives long enough', async () => {
    const { resource, counts, time } = world()
    await resource.get({ id: 1 })
    const { reads } = counts
    for (let n = 0; n < 10; n += 1) {
      time.pass(100)
      expect(await resource.get({ id: 1 }, { minLifetime: 1_800_000 })).toBe('old')
    }
    expect(counts.reads).toBe(reads)
  })
})

describe('what memory has forgotten', () => {
  it('is not rechecked, nor kept by that', async () => {
    const rechecked: number[] = []
    const { resource, time } = world({
      maxBytes: 1_000,
      onEvent: (event) => void (event.type === 'recheck' && rechecked.push(event.entries)),
    })
    for (const id of [1, 2, 3]) await resource.get({ id })
    time.pass(5_001)
    await resource.get({ id: 3 })
    expect(rechecked).toEqual([1])
  })
})

describe('the report of a resource', () => {
  it('counts what memory serves after a check, or while it is refreshed, as served by memory', async () => {
    const { cache, resource, time } = world()
    await resource.get({ id: 1 })
    for (let n = 0; n < 3; n += 1) {
      time.pass(5_001)
      await resource.get({ id: 1 })
    }
    expect(cache.report().resources['p:{id}']).toMatchObject({ loads: 1, hits: { memory: 3, store: 0 }, hitRate: 0.75 })
  })

  it('counts what the store serves, to each caller', async () => {
    const { resource, environment } = world()
    await resource.get({ id: 1 })
    const other = environment()
    await other.resource.get({ id: 1 })
    await other.resource.get({ id: 1 })
    expect(other.cache.report().resources['p:{id}']).toMatchObject({ loads: 0, hits: { memory: 1, store: 1 } })
  })
})
