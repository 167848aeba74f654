import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { type CacheOptions, createCache } from './cache.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'
import { ValueError } from './value.ts'
import { wholeSeconds, world } from './world.test-data.ts'

describe('a cache on a store that may lose what it acknowledged', () => {
  it('says so when it is made, and no other does', () => {
    const { environment, store, events } = world()
    environment()
    expect(events).toEqual([])
    environment({ store: { ...store, forgets: true } })
    expect(events).toEqual([{ type: 'store-forgets', store: 'counting' }])
  })
})

describe('get', () => {
  it('loads once for all environments, and serves memory without a request', async () => {
    const { environment, bind, truth, counts } = world()
    const [here, there] = [bind(environment()), bind(environment())]
    expect(await here.get({ id: 42 })).toEqual({ id: 42, value: 1 })
    expect(await there.get({ id: 42 })).toEqual({ id: 42, value: 1 })
    expect(truth.loads).toBe(1)
    const { reads } = counts
    expect(here.get({ id: 42 })).toBe(here.get({ id: 42 }))
    expect(here.peek({ id: 42 })).toEqual({ id: 42, value: 1 })
    expect(counts.reads).toBe(reads)
  })

  it('shares one load among callers of one environment', async () => {
    const { environment, bind, truth } = world()
    const here = bind(environment())
    const all = await Promise.all(Array.from({ length: 20 }, () => here.get({ id: 1 })))
    expect(all.every((value) => value === all[0])).toBe(true)
    expect(truth.loads).toBe(1)
  })

  it('serves frozen values', async () => {
    const { environment, bind } = world()
    expect(Object.isFrozen(await bind(environment()).get({ id: 1 }))).toBe(true)
  })

  it('reads record, root and tags by one request', async () => {
    const { environment, bind, counts } = world()
    await bind(environment()).get({ id: 1 })
    expect([counts.reads, counts.keys, counts.swaps]).toEqual([1, 4, 2])
  })

  it('with maxAge 0 loads now, and keeps what it loads', async () => {
    const { environment, bind, truth, time } = world()
    const [here, there] = [bind(environment()), bind(environment())]
    await here.get({ id: 1 })
    truth.value = 2
    time.pass(1)
    expect(await here.get({ id: 1 }, { maxAge: 0 })).toEqual({ id: 1, value: 2 })
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 2 })
    expect(await there.get({ id: 1 })).toEqual({ id: 1, value: 2 })
    expect(truth.loads).toBe(2)
  })

  it.each([
    ['there is no value', () => undefined],
    ['the loader skips it', (skip: (value: string) => unknown) => skip('passing')],
  ])('with maxAge 0 loads once although the store tells whole seconds, where %s', async (_, result) => {
    const time = fakeTime()
    const { store } = countingStore(() => Math.floor(time.now() / 1_000) * 1_000)
    const cache = createCache({ name: 'shop', store: wholeSeconds(store), runtime: time.runtime, onEvent: () => {} })
    let loads = 0
    const here = cache.use({
      key: 'a:{id}',
      fresh: 60_000,
      load: (_params, { skip }) => {
        loads += 1
        time.pass(10)
        return result(skip as never) as string | undefined
      },
    })
    time.pass(500)
    await here.get({ id: 1 }, { maxAge: 0 })
    expect(loads).toBe(1)
  })

  it('keeps a tag that only the loader names when a set of the same key names it during the load', async () => {
    const { store: inner, time, environment } = world()
    const state = { refusesWrites: false }
    const store: Store = {
      ...inner,
      swap: (key, swap, options) =>
        state.refusesWrites
          ? Promise.reject(Object.assign(new Error('down'), { code: 'STORE_UNAVAILABLE', retryable: true }))
          : inner.swap(key, swap, options),
    }
    const [began, load] = [gate(), gate()]
    const truth = { value: 1 }
    const bind = () =>
      environment({ store }).use({
        key: 'a:{id}',
        fresh: 60_000,
        load: async (_params, { keep }) => {
          const { value } = truth
          began.open()
          await load.opened
          return keep(value, { tags: ['late'] })
        },
      })
    const here = bind()
    const loaded = here.get({ id: 1 })
    await began.opened
    state.refusesWrites = true
    await expect(here.set({ id: 1 }, 7, { tags: ['late'] })).rejects.toThrow(/down/)
    state.refusesWrites = false
    time.pass(1_000)
    load.open()
    expect(await loaded).toBe(1)
    truth.value = 2
    await environment({ store }).invalidate({ tags: ['late'] })
    expect(await bind().get({ id: 1 })).toBe(2)
  })

  it('serves a value that is not older than maxAge', async () => {
    const { environment, bind, truth, time } = world()
    const here = bind(environment())
    await here.get({ id: 1 })
    time.pass(3_000)
    await here.get({ id: 1 }, { maxAge: 4_000 })
    expect(truth.loads).toBe(1)
    await here.get({ id: 1 }, { maxAge: 2_000 })
    expect(truth.loads).toBe(2)
  })

  it('refreshes after fresh, and serves the old value in the meantime where callers settle', async () => {
    const { environment, bind, truth, time } = world()
    const cache = environment()
    const here = bind(cache)
    await here.get({ id: 1 })
    truth.value = 2
    time.pass(601_000)
    const leave = cache.enter()
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 1 })
    await cache.settle()
    leave()
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 2 })
  })

  it('serves the old value until usable when the loader fails, also beyond recheck', async () => {
    const { environment, time } = world()
    let fails = false
    const here = environment().use({
      key: 'a:{id}',
      fresh: 1_000,
      usable: 100_000,
      load: async () => {
        if (fails) throw new Error('down')
        return 1
      },
    })
    await here.get({ id: 1 })
    fails = true
    for (const ms of [2_000, 4_000, 6_000, 30_000]) {
      time.pass(ms)
      expect(await time.run(here.get({ id: 1 }))).toBe(1)
    }
    time.pass(100_000)
    await expect(time.run(here.get({ id: 1 }))).rejects.toMatchObject({ name: 'SourceUnavailableError' })
  })

  it('rejects with TypeError for wrong parameters and options', async () => {
    const { environment, bind } = world()
    const here = bind(environment())
    await expect(here.get({ id: '' })).rejects.toThrow(/"id"/)
    await expect(here.get({ id: 'a:b' })).rejects.toThrow(TypeError)
    await expect(here.get({ id: 1 }, { maxAge: -1 })).rejects.toThrow(/maxAge/)
  })
})

describe('a version', () => {
  it.each([
    ['createCache', { version: '2' }, {}],
    ['use', {}, { version: '2' }],
  ])('of %s is a part of the key: with another one, every value is loaded again', async (_where, cache, resource) => {
    const { environment, truth } = world()
    const bind = (options: { version?: string }, own: { version?: string }) =>
      environment(options).use({ key: 'a:{id}', fresh: 60_000, load: async () => (truth.loads += 1), ...own })
    const [before, after] = [bind({}, {}), bind(cache, resource)]
    expect(await before.get({ id: 1 })).toBe(1)
    expect(await after.get({ id: 1 })).toBe(2)
    expect(await bind({}, {}).get({ id: 1 })).toBe(1)
    expect(await bind(cache, resource).get({ id: 1 })).toBe(2)
    expect(after.topicOf({ id: 1 })).not.toBe(before.topicOf({ id: 1 }))
  })
})

describe('what a loader may return', () => {
  it('has no lives that contradict each other: an error names the call that gave them', async () => {
    const wrong = { fresh: 2_000, usable: 1_000 }
    const { environment, time } = world()
    const cache = environment()
    const pages = cache.use({ key: 'page:{id}', usable: 5_000, load: (_params, { keep }) => keep('loaded', wrong) })
    const posts = cache.use({
      key: 'post:{id}',
      usable: 5_000,
      load: ({ id }, { keep, previous, unchanged }) => (previous === undefined ? keep(`post ${id}`) : unchanged(wrong)),
      write: () => 'written',
    })
    const params = { id: 1 }
    await posts.get(params)
    time.pass(1_000)
    await expect(pages.get(params)).rejects.toThrow(/^keep: "fresh" must not be longer than "usable"/)
    await expect(posts.get(params, { maxAge: 0 })).rejects.toThrow(/^unchanged: "fresh" must/)
    await expect(posts.set(params, 'set', wrong)).rejects.toThrow(/^set: "fresh" must/)
    await expect(posts.write(params, 'written', wrong)).rejects.toThrow(/^write: "fresh" must/)
    await expect(posts.update(params, (value) => `${value}!`, wrong)).rejects.toThrow(/^update: "fresh" must/)
    await expect(posts.touch(params, wrong)).rejects.toThrow(/^touch: "fresh" must/)
  })

  it('undefined is remembered for `none`, and null is a value', async () => {
    const { environment, time } = world()
    let loads = 0
    const answers: (null | undefined)[] = [undefined, null]
    const here = environment().use({
      key: 'a:{id}',
      fresh: 60_000,
      none: 3_000,
      load: async (): Promise<null | undefined> => answers[loads++],
    })
    expect(await here.get({ id: 1 })).toBeUndefined()
    expect(await here.get({ id: 1 })).toBeUndefined()
    expect(loads).toBe(1)
    expect(await here.inspect({ id: 1 })).toMatchObject({ none: true })
    time.pass(3_001)
    expect(await here.get({ id: 1 })).toBeNull()
    expect(await here.get({ id: 1 })).toBeNull()
    expect(loads).toBe(2)
  })

  it('is never shown as fresh for longer than it may be served', async () => {
    const { environment } = world()
    const here = environment().use({ key: 'a', fresh: 60_000, load: async () => 'value' })
    await here.get(undefined)
    const { fresh = 0, usable = 0 } = (await here.inspect(undefined)) ?? {}
    expect(fresh).toBeGreaterThan(0)
    expect(fresh).toBeLessThanOrEqual(usable)
  })

  it('undefined is not remembered without `none`', async () => {
    const { environment } = world()
    let loads = 0
    const here = environment().use({
      key: 'a',
      fresh: 60_000,
      load: async () => {
        loads += 1
        return undefined
      },
    })
    await here.get(undefined)
    await here.get(undefined)
    expect(loads).toBe(2)
  })

  describe('undefined without `none`, where there was a value', () => {
    const setUp = async (more: Partial<CacheOptions> = {}) => {
      const w = world(more)
      const truth: { load: () => string | undefined | Promise<undefined> } = { load: () => 'old' }
      const bind = (cache: ReturnType<typeof w.environment>) =>
        cache.use({ key: 'a:{id}', fresh: 600_000, usable: 7_200_000, load: async () => truth.load() })
      const cache = w.environment()
      const here = bind(cache)
      await here.get({ id: 1 })
      w.time.pass(1)
      return { ...w, cache, truth, here, bindOther: () => bind(w.environment()) }
    }
    const none = () => undefined
    const fail = () => {
      throw new Error('down')
    }

    it('replaces it here at once and elsewhere within recheck, also when the loader fails after that', async () => {
      const { truth, here, bindOther, time } = await setUp()
      const there = bindOther()
      await there.get({ id: 1 })
      truth.load = none
      expect(await here.get({ id: 1 }, { maxAge: 0 })).toBeUndefined()
      expect(await here.get({ id: 1 })).toBeUndefined()
      truth.load = fail
      time.pass(5_000)
      for (const resource of [here, there, bindOther()])
        await expect(time.run(resource.get({ id: 1 }))).rejects.toMatchObject({ code: 'LOAD_FAILED' })
    })

    it('replaces it in the background', async () => {
      const { truth, here, cache, time } = await setUp({ background: true })
      truth.load = none
      time.pass(601_000)
      expect(await here.get({ id: 1 })).toBe('old')
      await cache.settle()
      expect(await here.get({ id: 1 })).toBeUndefined()
    })

    it('replaces what was invalidated softly', async () => {
      const { truth, here, cache, bindOther, time } = await setUp()
      truth.load = none
      await cache.invalidate({ everything: true, stale: true })
      expect(await here.get({ id: 1 })).toBeUndefined()
      truth.load = fail
      await expect(time.run(bindOther().get({ id: 1 }))).rejects.toMatchObject({ code: 'LOAD_FAILED' })
    })

    it('leaves a value that was set meanwhile', async () => {
      const { truth, here, bindOther } = await setUp()
      const [began, answer] = [gate(), gate<undefined>()]
      truth.load = () => {
        began.open()
        return answer.opened
      }
      const got = here.get({ id: 1 }, { maxAge: 0 })
      await began.opened
      await bindOther().set({ id: 1 }, 'set meanwhile')
      answer.open(undefined)
      await got
      expect(await bindOther().get({ id: 1 })).toBe('set meanwhile')
    })

    it('replaces it here while the store is away, and after that', async () => {
      const { truth, here, state, time } = await setUp()
      truth.load = none
      state.isDown = true
      time.pass(70_000)
      expect(await time.run(here.get({ id: 1 }))).toBeUndefined()
      state.isDown = false
      time.pass(30_000)
      expect(await time.run(here.get({ id: 1 }))).toBeUndefined()
    })
  })

  it('keep gives lives, tags and a mark of its own, unchanged renews them, and skip keeps nothing', async () => {
    const { environment, time } = world()
    const marks: unknown[] = []
    let next: 'keep' | 'unchanged' | 'skip' = 'keep'
    const here = environment().use({
      key: 'a:{id}',
      fresh: 60_000,
      load: async (_params, { previous, keep, unchanged, skip }) => {
        marks.push(previous?.mark)
        if (next === 'unchanged') return unchanged({ fresh: 1_000, usable: 5_000 })
        if (next === 'skip') return skip('skipped')
        return keep('kept', { fresh: 1_000, usable: 5_000, mark: 'etag', tags: ['team:7'] })
      },
    })
    expect(await here.get({ id: 1 })).toBe('kept')
    expect(await here.inspect({ id: 1 })).toMatchObject({ mark: 'etag', tags: ['team:7'] })
    next = 'unchanged'
    time.pass(1_500)
    expect(await here.get({ id: 1 })).toBe('kept')
    expect(await here.inspect({ id: 1 })).toMatchObject({ mark: 'etag', tags: ['team:7'], fresh: 1_000 })
    next = 'skip'
    time.pass(6_000)
    expect(await Promise.all([here.get({ id: 1 }), here.get({ id: 1 })])).toEqual(['skipped', 'skipped'])
    expect(here.peek({ id: 1 })).toBeUndefined()
    await here.get({ id: 1 })
    expect(marks).toEqual([undefined, 'etag', 'etag', 'etag'])
  })

  it('what cannot be kept is a ValueError, and nothing is written', async () => {
    const { environment, counts } = world()
    const here = environment().use({ key: 'a', fresh: 60_000, load: async () => ({ at: 10n }) as unknown })
    await expect(here.get(undefined)).rejects.toThrow(ValueError)
    await expect(here.get(undefined)).rejects.toThrow('$.at')
    const { swaps } = counts
    await expect(here.set(undefined, () => 1)).rejects.toThrow(ValueError)
    expect(counts.swaps).toBe(swaps)
    const named = environment().use({ key: 'b:{id}', name: 'notes', fresh: 60_000, load: (): unknown => undefined })
    await expect(named.set({ id: 1 }, 1n)).rejects.toMatchObject({ resource: 'notes', path: '$' })
  })

  it('__proto__ and constructor are data', async () => {
    const { environment } = world()
    const value = JSON.parse('{"__proto__":{"a":1},"constructor":2}') as unknown
    const [here, there] = [environment(), environment()].map((cache) =>
      cache.use({ key: 'a', fresh: 60_000, load: async () => value }),
    )
    await here?.get(undefined)
    expect(JSON.stringify(await there?.get(undefined))).toBe('{"__proto__":{"a":1},"constructor":2}')
  })
})

describe('inspect', () => {
  it('shows nothing of a value that another environment has deleted, or that has expired', async () => {
    const { environment, bind, time } = world({ recheck: 0 })
    const [here, there] = [bind(environment()), bind(environment())]
    await here.get({ id: 1 })
    expect(await here.inspect({ id: 1 })).toMatchObject({ value: { id: 1, value: 1 } })
    await there.delete({ id: 1 })
    expect(await here.inspect({ id: 1 })).toBeUndefined()
    await here.get({ id: 2 })
    time.pass(7_300_000)
    expect(await here.inspect({ id: 2 })).toBeUndefined()
  })
})

describe('memory', () => {
  it('is bounded in bytes: the least recently used go', async () => {
    const { environment, truth, time } = world({ maxBytes: 20_000 })
    const cache = environment()
    const here = cache.use({
      key: 'a:{id}',
      fresh: 600_000,
      load: async () => {
        truth.loads += 1
        return 'x'.repeat(1_000)
      },
    })
    for (let id = 0; id < 30; id += 1) {
      await here.get({ id })
      await here.get({ id: 0 })
    }
    expect(cache.report().bytes).toBeLessThanOrEqual(20_000)
    expect(here.peek({ id: 0 })).toBeDefined()
    expect(here.peek({ id: 1 })).toBeUndefined()
    expect(truth.loads).toBe(30)
    time.pass(1)
  })
})

describe('a key that memory forgets', () => {
  it('is still written while others push it out', async () => {
    const { environment } = world({ maxBytes: 5_000 })
    const cache = environment()
    const here = cache.use({ key: 'a:{id}', fresh: 600_000, load: async () => 'x'.repeat(1_000) })
    const writing = here.set({ id: 0 }, 'written')
    await Promise.all(Array.from({ length: 20 }, (_, id) => here.get({ id: id + 1 })))
    await writing
    for (let id = 30; id < 50; id += 1) await here.get({ id })
    expect(await here.get({ id: 0 })).toBe('written')
    expect(cache.report().bytes).toBeLessThanOrEqual(5_000)
  })
})

describe('the report', () => {
  it('counts by resource and tier', async () => {
    const { environment, bind } = world()
    const cache = environment()
    const [here, there] = [bind(environment()), bind(cache)]
    await here.get({ id: 1 })
    await there.get({ id: 1 })
    await there.get({ id: 1 })
    await cache.invalidate({ everything: true })
    await there.get({ id: 1 })
    const { resources, invalidations, entries } = cache.report()
    expect(resources['project:{id}:info']).toMatchObject({
      hits: { memory: 1, store: 1 },
      hitRate: 2 / 3,
      hitRates: { memory: 1 / 3, store: 1 / 3 },
      loads: 1,
    })
    expect([invalidations, entries]).toEqual([1, 1])
  })

  it('counts rechecks, negative hits and bytes, and names the slowest loads', async () => {
    const { environment, time } = world()
    const cache = environment()
    const project = cache.use({
      key: 'project:{id}',
      name: 'project',
      fresh: 60_000,
      none: 60_000,
      load: async ({ id }) => {
        await new Promise<void>((resolve) => time.runtime.after(10 * Number(id), resolve))
        return id === 9 ? undefined : 'x'.repeat(100)
      },
    })
    for (const id of [1, 2, 3, 4, 5, 6, 7, 9]) await time.run(project.get({ id }))
    const { bytes } = cache.report()
    expect(bytes).toBeGreaterThan(7 * 200)
    await project.get({ id: 9 })
    time.pass(5_001)
    await time.run(project.get({ id: 1 }))
    const { resources, rechecks, dropped } = cache.report()
    expect([rechecks, dropped]).toEqual([1, 0])
    expect(resources['project']?.negativeHits).toBe(2)
    const slowest = resources['project']?.slowest ?? []
    expect(slowest.map(({ key }) => key)).toEqual(['project:9', 'project:7', 'project:6', 'project:5', 'project:4'])
    expect(slowest[0]?.took).toBeGreaterThanOrEqual(90)
  })
})
