import { describe, expect, it } from 'vitest'
import { type CacheOptions, createCache } from '../data/cache.ts'
import { countingStore, fakeTime, gate } from '../data/fake.test-data.ts'
import { type BloomOptions, bloomGuard } from './bloom.ts'
import { buildFilter, filterForm } from './filter.ts'
import { addRecent, lacksSome, MAX_RECENT, NO_RECENT, recentForm } from './recent.ts'

interface Params {
  readonly id: string | number
}

function world(options: Partial<BloomOptions<Params>> = {}) {
  const time = fakeTime()
  const { store, counts, state } = countingStore(time.now)
  const truth = { ids: Array.from({ length: 1_000 }, (_, id) => id), lists: 0, loads: 0 }
  const environment = (more: Partial<CacheOptions> = {}) => {
    const cache = createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {}, ...more })
    const resource = cache.use({
      key: 'project:{id}',
      fresh: 600_000,
      write: async (_params, input: string) => input,
      load: async ({ id }) => {
        truth.loads += 1
        return truth.ids.includes(Number(id)) ? `project ${id}` : undefined
      },
    })
    const guarded = bloomGuard(cache, resource, {
      name: 'projects',
      list: () => {
        truth.lists += 1
        return truth.ids.map((id) => ({ id }))
      },
      ...options,
    })
    return { cache, guarded }
  }
  return { time, store, counts, state, truth, environment }
}

/** Ids that do not exist. */
const guesses = (count: number): readonly Params[] =>
  Array.from({ length: count }, (_, index) => ({ id: 1_000_000 + index }))

describe('a guarded resource', () => {
  it('answers at least 98 of 100 absent keys without a load, and loads every key that exists', async () => {
    const { environment, truth } = world()
    const { guarded } = environment()
    for (const params of guesses(2_000)) expect(await guarded.get(params)).toBeUndefined()
    expect(truth.loads).toBeLessThan(40)
    const { refused, passed, unguarded, keys, falsePositives } = guarded.guardReport()
    expect([refused + passed, unguarded, keys, truth.loads]).toEqual([2_000, 0, 1_000, passed])
    expect(falsePositives).toBeLessThan(0.01)
    for (const id of truth.ids) expect(await guarded.get({ id })).toBe(`project ${id}`)
    expect(truth.lists).toBe(1)
  })

  it('makes no request for an absent key once the filter is in memory', async () => {
    const { environment, counts } = world()
    const { guarded } = environment()
    await guarded.get({ id: 1 })
    const before = counts.reads + counts.swaps
    const refusedBefore = guarded.guardReport().refused
    const [absent] = guesses(1)
    if (absent === undefined) throw new Error('no guess')
    await guarded.get(absent)
    const { refused } = guarded.guardReport()
    // One of 125 keys passes the filter.
    expect(counts.reads + counts.swaps === before).toBe(refused > refusedBefore)
  })

  it('is built once for the fleet', async () => {
    const { environment, truth } = world()
    const all = [environment(), environment(), environment()]
    for (const { guarded } of all) expect(await guarded.get({ id: 7 })).toBe('project 7')
    expect(truth.lists).toBe(1)
  })

  it('keeps the order of getMany, and asks the resource only for what passes', async () => {
    const { environment, time } = world()
    const { guarded } = environment()
    const found = await time.run(guarded.getMany([{ id: 1 }, ...guesses(3), { id: 2 }]))
    expect(found).toEqual(['project 1', undefined, undefined, undefined, 'project 2'])
  })

  it('asks the resource with maxAge, which is for the truth', async () => {
    const { environment, truth } = world()
    const { guarded } = environment()
    truth.ids.push(5_000)
    expect(await guarded.get({ id: 5_000 }, { maxAge: 0 })).toBe('project 5000')
    expect(truth.lists).toBe(0)
  })

  it('reads a list that comes in pages', async () => {
    async function* pages() {
      yield { id: 1 }
      yield { id: 2 }
    }
    const { guarded } = world({ list: () => pages() }).environment()
    expect(await guarded.get({ id: 2 })).toBe('project 2')
    expect(guarded.guardReport().keys).toBe(2)
  })

  it('rejects wrong parameters, and names wrong options', async () => {
    const { environment } = world()
    const { cache, guarded } = environment()
    await expect(guarded.get({ id: '' })).rejects.toThrow(/parameter "id"/)
    const bind = (options: object) => () => bloomGuard(cache, guarded, options as never)
    expect(bind({ name: 'x' })).toThrow(/option "list"/)
    expect(bind({ name: 'X', list: () => [] })).toThrow(/option "name"/)
    expect(bind({ name: 'x', list: () => [], max: 2_000_000 })).toThrow(/option "max"/)
    expect(bind({ name: 'x', list: () => [], fresh: 1_000 })).toThrow(/option "fresh"/)
    expect(() => bloomGuard(cache, {} as never, { name: 'x', list: () => [] })).toThrow(/second argument/)
    await expect(guarded.add(...guesses(1_001))).rejects.toThrow(/at most 1000/)
  })
})

describe('a new key', () => {
  it('passes here as soon as it was added, and elsewhere within recheck', async () => {
    const { environment, truth, time } = world()
    const [here, there] = [environment().guarded, environment().guarded]
    await there.get({ id: 1 })
    truth.ids.push(5_000)
    await here.add({ id: 5_000 })
    expect(await here.get({ id: 5_000 })).toBe('project 5000')
    time.pass(5_001)
    expect(await time.run(there.get({ id: 5_000 }))).toBe('project 5000')
    expect(truth.lists).toBe(1)
  })

  it('passes when it was set', async () => {
    const { environment } = world()
    const { guarded } = environment()
    await guarded.set({ id: 5_000 }, 'written')
    expect(await guarded.get({ id: 5_000 })).toBe('written')
    expect(await guarded.update({ id: 5_001 }, () => 'made')).toBe('made')
    expect(await guarded.get({ id: 5_001 })).toBe('made')
    await guarded.write({ id: 5_002 }, 'the truth')
    expect(await guarded.get({ id: 5_002 })).toBe('the truth')
  })

  it('passes for good when it was added while the filter was being built from an older list', async () => {
    const held = gate()
    const lists: number[][] = []
    const { environment, truth, time } = world({
      list: async () => {
        const ids = [...truth.ids]
        lists.push(ids)
        if (lists.length === 2) await held.opened
        return ids.map((id) => ({ id }))
      },
    })
    const { guarded } = environment()
    await guarded.get({ id: 1 })
    time.pass(1)
    const building = guarded.rebuild()
    await time.run(new Promise<void>((resolve) => time.runtime.after(5, resolve)))
    expect(lists).toHaveLength(2)
    truth.ids.push(5_000)
    await time.run(guarded.add({ id: 5_000 }))
    held.open()
    await time.run(building)
    expect(lists[1]).not.toContain(5_000)
    expect(await time.run(guarded.get({ id: 5_000 }))).toBe('project 5000')
    // Two builds later the filter has it, and it is no new key any more.
    for (let build = 0; build < 2; build += 1) {
      time.pass(1)
      await time.run(guarded.rebuild())
    }
    await time.run(guarded.add({ id: 5_001 }))
    expect(await time.run(environment().guarded.get({ id: 5_000 }))).toBe('project 5000')
  })

  it('beyond a thousand lets every key pass, until the filter was built twice', async () => {
    const { environment, time } = world()
    const { guarded } = environment()
    for (let start = 0; start < 3; start += 1)
      await guarded.add(...Array.from({ length: 500 }, (_, index) => ({ id: 10_000 + 500 * start + index })))
    const [absent, other] = guesses(2)
    if (absent === undefined || other === undefined) throw new Error('no guesses')
    await guarded.get(absent)
    expect(guarded.guardReport()).toMatchObject({ refused: 0, unguarded: 1 })
    for (let build = 0; build < 2; build += 1) {
      time.pass(1)
      await time.run(guarded.rebuild())
    }
    await guarded.get(other)
    expect(guarded.guardReport()).toMatchObject({ unguarded: 1 })
  })
})

describe('a filter that is not available', () => {
  it('lets every key pass, and its list is not read for each', async () => {
    let lists = 0
    const { environment, truth, time } = world({
      list: () => {
        lists += 1
        throw new Error('the database is down')
      },
    })
    const { guarded } = environment()
    for (const params of guesses(20)) expect(await time.run(guarded.get(params))).toBeUndefined()
    // The engine has tried it a few times for the first of them.
    expect(lists).toBeLessThan(5)
    expect([truth.loads, guarded.guardReport().unguarded]).toEqual([20, 20])
  })

  it('is one with more keys than "max"', async () => {
    const { environment, time } = world({ max: 999 })
    const { guarded } = environment()
    await expect(time.run(guarded.rebuild())).rejects.toMatchObject({
      code: 'LIST_TOO_LONG',
      cause: { message: expect.stringMatching(/more than 999 keys; raise "max"/) },
    })
    expect(await time.run(guarded.get({ id: 1 }))).toBe('project 1')
  })

  it('is one whose list has wrong parameters', async () => {
    const { environment, time } = world({ list: () => [{ id: 1 }, { id: '' }] })
    const { guarded } = environment()
    await expect(time.run(guarded.rebuild())).rejects.toMatchObject({
      code: 'LIST_INVALID',
      cause: { message: expect.stringMatching(/"list" gave wrong parameters: .*parameter "id" must be/) },
    })
    expect(await time.run(guarded.get({ id: 1 }))).toBe('project 1')
  })

  it('is not asked for while the cache is switched off more than once a minute', async () => {
    const { environment, truth } = world()
    const { cache, guarded } = environment()
    await cache.control({ enabled: false })
    for (let id = 0; id < 20; id += 1) expect(await guarded.get({ id })).toBe(`project ${id}`)
    expect(truth.lists).toBe(1)
  })

  it('is one that the store returns as garbage, which counts as a miss', async () => {
    for (const text of [
      '',
      'b1.1.0.5.0123456789abcdef.',
      'b2.1.0.5.0123456789abcdef.AAAA',
      `b1.x.0.5.${'0'.repeat(16)}.AAAAAA==`,
    ])
      expect(() => filterForm.parse(text)).toThrow(TypeError)
    for (const text of ['{}', '{"keys":[["a"]],"isFull":false}', 'null', `{"keys":[],"isFull":1}`])
      expect(() => recentForm.parse(text)).toThrow(TypeError)
    const filter = await buildFilter(['a', 'b'], { max: 2, previous: undefined })
    const again = filterForm.parse(filterForm.print(filter))
    expect([again.has('a'), again.has('b'), again.keys, again.build]).toEqual([true, true, 2, filter.build])
    const recent = addRecent(NO_RECENT, ['a'], filter)
    expect(recentForm.parse(recentForm.print(recent))).toEqual(recent)
  })
})

describe('new keys', () => {
  const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `k${from + index}`)

  it('are dropped once the build before the last one began after they were added', () => {
    const added = addRecent(NO_RECENT, ['a'], { build: 5, before: 4 })
    expect([...addRecent(added, [], { build: 6, before: 5 }).keys.keys()]).toEqual(['a'])
    expect([...addRecent(added, [], { build: 7, before: 6 }).keys.keys()]).toEqual([])
  })

  it('know that some were dropped for want of room, as long as the filter may lack them', () => {
    const full = addRecent(NO_RECENT, names(MAX_RECENT + 1), { build: 5, before: 4 })
    expect([full.keys.size, lacksSome(full, { before: 5 })]).toEqual([MAX_RECENT, true])
    const later = addRecent(full, names(1, 5_000), { build: 6, before: 5 })
    expect(lacksSome(later, { before: 5 })).toBe(true)
    expect(lacksSome(later, { before: 6 })).toBe(false)
    expect(addRecent(later, [], { build: 7, before: 6 }).isFull).toBe(false)
  })
})
