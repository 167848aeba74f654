import { describe, expect, it } from 'vitest'
import type { Codec, Seen, Store } from '../contracts.ts'
import { type CacheOptions, createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'
import { NO_GENERATION, NO_ROOT, printGeneration, printRoot } from './generations.ts'
import { ValueError } from './value.ts'

function world(options: Partial<CacheOptions> = {}) {
  const time = fakeTime()
  const { store, counts, state } = countingStore(time.now)
  const events: CacheEvent[] = []
  const environment = (more: Partial<CacheOptions> = {}) =>
    createCache({
      name: 'shop',
      store,
      runtime: time.runtime,
      onEvent: (event) => void events.push(event),
      ...options,
      ...more,
    })
  const truth = { value: 1, loads: 0 }
  const bind = (cache: ReturnType<typeof createCache>) =>
    cache.use({
      key: 'project:{id}:info',
      fresh: 600_000,
      usable: 7_200_000,
      tags: ({ id }) => [`owner:${id}`],
      load: async ({ id }) => {
        truth.loads += 1
        return { id, value: truth.value }
      },
    })
  return { time, store, counts, state, events, environment, truth, bind }
}

describe('a cache on a store that may lose what it acknowledged', () => {
  it('says so when it is made, and no other does', () => {
    const { environment, store, events } = world()
    environment()
    expect(events).toEqual([])
    environment({ store: { ...store, forgets: true } })
    expect(events).toEqual([{ type: 'store-forgets', store: 'counting' }])
  })
})

/** The store with a clock that tells whole seconds, as an HTTP header does. */
function wholeSeconds(store: Store): Store {
  const told = (seen: Seen): Seen => ({ ...seen, time: seen.time && { ...seen.time, precision: 1_000 } })
  return {
    name: store.name,
    read: async (key, options) => told(await store.read(key, options)),
    swap: (key, swap, options) => store.swap(key, swap, options),
  }
}

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

describe('invalidate', () => {
  it.each([
    ['a tag', { tags: ['owner:42'] }],
    ['a prefix', { match: 'project:42:*' }],
    ['a pattern', { match: '*:info' }],
    ['everything', { everything: true }],
  ])('by %s: the own environment serves it no more, others not after recheck', async (_what, what) => {
    const { environment, bind, truth, time, counts } = world()
    const cache = environment()
    const [here, there] = [bind(cache), bind(environment())]
    await here.get({ id: 42 })
    await there.get({ id: 42 })
    truth.value = 2
    const before = counts.reads + counts.swaps
    await cache.invalidate(what)
    expect(counts.reads + counts.swaps - before).toBe(2)
    expect(here.peek({ id: 42 })).toBeUndefined()
    expect(await here.get({ id: 42 })).toEqual({ id: 42, value: 2 })
    time.pass(5_000)
    expect(await there.get({ id: 42 })).toEqual({ id: 42, value: 2 })
    expect(truth.loads).toBe(2)
  })

  it('takes two requests for a tag of a thousand values, which are all forbidden', async () => {
    const { environment, bind, truth, time, counts } = world()
    const [cache, other] = [environment(), environment()]
    const [here, there] = [cache, other].map((one) =>
      one.use({ key: 'post:{id}', fresh: 600_000, tags: () => ['posts'], load: async () => truth.value }),
    )
    const list = Array.from({ length: 1_000 }, (_, id) => ({ id }))
    await time.run(Promise.resolve(here?.getMany(list)))
    await bind(cache).get({ id: 42 })
    truth.value = 2
    const before = counts.reads + counts.swaps
    await cache.invalidate({ tags: ['posts'] })
    expect(counts.reads + counts.swaps - before).toBe(2)
    expect(list.filter((params) => here?.peek(params) !== undefined)).toEqual([])
    expect(new Set(await time.run(Promise.resolve(there?.getMany(list))))).toEqual(new Set([2]))
  })

  it('leaves other keys alone', async () => {
    const { environment, bind, truth } = world()
    const cache = environment()
    const here = bind(cache)
    await here.get({ id: 42 })
    await here.get({ id: 7 })
    await cache.invalidate({ tags: ['owner:42'] })
    await cache.invalidate({ match: 'project:42:*' })
    await here.get({ id: 7 })
    expect(truth.loads).toBe(2)
  })

  it.each([0, 5_000])(
    'with stale: serves the old value when the load fails, also a cold environment (recheck %d)',
    async (recheck) => {
      const { environment, time } = world({ recheck })
      const cache = environment()
      let fails = false
      let loads = 0
      const bind = (one: typeof cache) =>
        one.use({
          key: 'a:{id}',
          fresh: 600_000,
          load: async () => {
            loads += 1
            if (fails) throw new Error('down')
            return 1
          },
        })
      const here = bind(cache)
      await here.get({ id: 1 })
      fails = true
      await cache.invalidate({ match: 'a:*', stale: true })
      expect(await time.run(bind(environment()).get({ id: 1 }))).toBe(1)
      const before = loads
      expect(before).toBeGreaterThan(1)
      time.pass(120_000)
      expect(await time.run(here.get({ id: 1 }))).toBe(1)
      expect(loads).toBeGreaterThan(before)
    },
  )

  it('emits what was invalidated and how, and how long it took', async () => {
    const { environment, store, time, events } = world()
    const slow: Store = {
      ...store,
      swap: (...parts) => {
        time.pass(7)
        return store.swap(...parts)
      },
    }
    const cache = environment({ store: slow })
    await cache.invalidate({ tags: ['owner:42'] })
    await cache.invalidate({ match: 'project:*', stale: true })
    await cache.invalidate({ everything: true })
    expect(events.filter(({ type }) => type === 'invalidate')).toEqual([
      { type: 'invalidate', what: 'owner:42', by: 'tag', stale: false, took: 7 },
      { type: 'invalidate', what: 'project:*', by: 'match', stale: true, took: 7 },
      { type: 'invalidate', what: '*', by: 'everything', stale: false, took: 7 },
    ])
  })

  it('with stale: serves the old value while it is refreshed', async () => {
    const { environment, bind, truth } = world()
    const cache = environment()
    const here = bind(cache)
    await here.get({ id: 42 })
    truth.value = 2
    await cache.invalidate({ tags: ['owner:42'], stale: true })
    const leave = cache.enter()
    expect(await here.get({ id: 42 })).toEqual({ id: 42, value: 1 })
    await cache.settle()
    leave()
    expect(await here.get({ id: 42 })).toEqual({ id: 42, value: 2 })
  })

  it('while a load is in progress: its value is never kept', async () => {
    const { environment, truth } = world()
    const cache = environment()
    const [started, finish] = [gate(), gate()]
    let loads = 0
    const here = cache.use({
      key: 'project:{id}:info',
      fresh: 600_000,
      load: async () => {
        const { value } = truth
        loads += 1
        if (loads === 1) {
          started.open()
          await finish.opened
        }
        return value
      },
    })
    const first = here.get({ id: 1 })
    await started.opened
    truth.value = 2
    await cache.invalidate({ match: 'project:1:*' })
    const joined = here.get({ id: 1 })
    finish.open()
    expect([await first, await joined]).toEqual([2, 2])
    expect(await here.get({ id: 1 })).toBe(2)
    expect(loads).toBe(2)
  })

  it('never serves what is dead, not even when the load fails', async () => {
    const { environment, time } = world()
    const cache = environment()
    let fails = false
    const here = cache.use({
      key: 'a:{id}:b',
      fresh: 60_000,
      load: async () => {
        if (fails) throw new Error('down')
        return 1
      },
    })
    await here.get({ id: 1 })
    fails = true
    await cache.invalidate({ match: 'a:1:*' })
    await expect(time.run(here.get({ id: 1 }))).rejects.toMatchObject({ name: 'SourceUnavailableError' })
  })

  it('rejects what names nothing, or a wrong tag', async () => {
    const cache = world().environment()
    await expect(cache.invalidate({})).rejects.toThrow(/"tags", "match" or "everything"/)
    await expect(cache.invalidate({ tags: [''] })).rejects.toThrow(/"tags"/)
    await expect(cache.invalidate({ tags: [] })).rejects.toThrow(/"tags"/)
    await expect(cache.invalidate({ tags: ['x'.repeat(201)] })).rejects.toThrow(/"tags"/)
    await expect(cache.invalidate({ match: '' })).rejects.toThrow(/"match"/)
  })
})

describe('a generation record', () => {
  const corrupt = async (store: ReturnType<typeof world>['store'], key: string, body: string): Promise<void> => {
    const signal = new AbortController().signal
    const { image } = await store.read(key, { signal, consistent: true })
    await store.swap(key, { expected: image, body, tag: crypto.randomUUID(), keepUntil: 0 }, { signal })
  }
  const generationKey = async (w: ReturnType<typeof world>): Promise<string> => {
    const keys: string[] = []
    const cache = w.environment({
      store: {
        ...w.store,
        swap: async (key, swap, options) => {
          keys.push(key)
          return w.store.swap(key, swap, options)
        },
      },
    })
    await cache.invalidate({ tags: ['owner:42'] })
    return keys[0] ?? ''
  }

  it('that is garbage forbids what rests on it, with an event, and is written again', async () => {
    const w = world()
    const key = await generationKey(w)
    const here = w.bind(w.environment())
    await here.get({ id: 42 })
    await corrupt(w.store, key, 'garbage')
    w.truth.value = 2
    w.time.pass(5_000)
    expect(await here.get({ id: 42 })).toEqual({ id: 42, value: 2 })
    expect(w.events.map(({ type }) => type)).toContain('bad-generation')
    const there = w.bind(w.environment())
    expect(await there.get({ id: 42 })).toEqual({ id: 42, value: 2 })
    expect(w.truth.loads).toBe(2)
  })

  it('that lost its number forbids what rests on it, where the entry has seen a higher one', async () => {
    const w = world()
    const key = await generationKey(w)
    await w.bind(w.environment()).get({ id: 42 })
    await corrupt(w.store, key, JSON.stringify({ schema: 1, key, hard: 0, soft: 0 }))
    w.truth.value = 2
    const there = w.bind(w.environment())
    expect(await there.get({ id: 42 })).toEqual({ id: 42, value: 2 })
    expect(w.events.map(({ type }) => type)).toContain('generation-lost')
    expect(await w.bind(w.environment()).get({ id: 42 })).toEqual({ id: 42, value: 2 })
    expect(w.truth.loads).toBe(2)
  })
})

/** A store that can lose the record of a key, until it is written again. */
function losing(store: Store) {
  const lost = { key: '' }
  const nothing: Seen = { image: undefined, time: undefined }
  const forgetful: Store = {
    name: store.name,
    read: async (key, options) => (key === lost.key ? nothing : store.read(key, options)),
    async swap(key, swap, options) {
      if (key !== lost.key) return store.swap(key, swap, options)
      const { image } = await store.read(key, { ...options, consistent: true })
      lost.key = ''
      return store.swap(key, { ...swap, expected: image }, options)
    },
  }
  return { forgetful, lost }
}

describe('a generation record of which this environment has seen a higher number', () => {
  it.each([
    ['holds a lower one', 'tag', 'lower'],
    ['is gone', 'tag', 'absent'],
    ['of the root holds a lower one', 'root', 'lower'],
    ['of the root is gone', 'root', 'absent'],
  ])('and that %s now forbids what rests on it, with one event, and is written again', async (_how, what, how) => {
    const w = world()
    const { forgetful, lost } = losing(w.store)
    const keys: string[] = []
    const noting: Store = {
      ...forgetful,
      swap(...parts) {
        keys.push(parts[0])
        return forgetful.swap(...parts)
      },
    }
    const cache = w.environment({ store: noting })
    const here = w.bind(cache)
    await cache.invalidate(what === 'root' ? { everything: true } : { tags: ['owner:42'] })
    const key = keys[0] ?? ''
    await here.get({ id: 42 })
    if (how === 'absent') lost.key = key
    else {
      const { signal } = new AbortController()
      const { image } = await w.store.read(key, { signal, consistent: true })
      const body = what === 'root' ? printRoot(NO_ROOT, key) : printGeneration(NO_GENERATION, key)
      const swap = { expected: image, body, tag: 'lower', keepUntil: 0 }
      await w.store.swap(key, swap, { signal })
    }
    w.truth.value = 2
    w.time.pass(5_000)
    expect(await here.get({ id: 42 })).toEqual({ id: 42, value: 2 })
    expect(w.events.filter(({ type }) => type === 'generation-lost')).toEqual([
      { type: 'generation-lost', tag: what === 'root' ? '' : 'owner:42' },
    ])
    expect(await w.bind(w.environment({ store: noting })).get({ id: 42 })).toEqual({ id: 42, value: 2 })
    expect(w.truth.loads).toBe(2)
  })
})

describe('set, update, touch and delete', () => {
  it('are seen by the own environment at once and by others within recheck', async () => {
    const { environment, bind, time, truth } = world()
    const [here, there] = [bind(environment()), bind(environment())]
    await here.get({ id: 1 })
    await there.get({ id: 1 })
    await here.set({ id: 1 }, { id: 1, value: 5 })
    expect(here.peek({ id: 1 })).toEqual({ id: 1, value: 5 })
    time.pass(5_000)
    expect(await there.get({ id: 1 })).toEqual({ id: 1, value: 5 })
    expect(await there.update({ id: 1 }, (old) => old && { ...old, value: old.value + 1 })).toEqual({ id: 1, value: 6 })
    time.pass(5_000)
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 6 })
    await here.delete({ id: 1 })
    expect(here.peek({ id: 1 })).toBeUndefined()
    truth.value = 9
    time.pass(5_000)
    expect(await there.get({ id: 1 })).toEqual({ id: 1, value: 9 })
  })

  it('fence a load in progress anywhere', async () => {
    const { environment, truth } = world()
    const [started, finish] = [gate(), gate()]
    const bind = (cache: ReturnType<typeof environment>) =>
      cache.use({
        key: 'a:{id}',
        fresh: 60_000,
        load: async () => {
          const { value } = truth
          started.open()
          await finish.opened
          return value
        },
      })
    const [here, there] = [bind(environment()), bind(environment())]
    const loading = there.get({ id: 1 })
    await started.opened
    await here.set({ id: 1 }, 7)
    finish.open()
    expect(await loading).toBe(7)
    expect(await here.get({ id: 1 })).toBe(7)
  })

  it('update treats what is dead as absent', async () => {
    const { environment } = world()
    const cache = environment()
    const here = cache.use({ key: 'a:{id}:b', fresh: 60_000, load: async () => 1 })
    await here.get({ id: 1 })
    await cache.invalidate({ match: 'a:1:*' })
    const seen: unknown[] = []
    await here.update({ id: 1 }, (old) => {
      seen.push(old)
      return 2
    })
    expect(seen).toEqual([undefined])
    expect(await here.get({ id: 1 })).toBe(2)
    await cache.invalidate({ match: 'a:1:*' })
    expect(await here.touch({ id: 1 })).toBe(false)
  })

  it('concurrent updates of one key all count', async () => {
    const { environment, time } = world()
    const bind = (cache: ReturnType<typeof environment>) => cache.use({ key: 'n', fresh: 60_000, load: async () => 0 })
    const all = Array.from({ length: 5 }, () => bind(environment()))
    await time.run(Promise.all(all.map((one) => one.update(undefined, (n) => (n ?? 0) + 1))))
    expect(await bind(environment()).get(undefined)).toBe(5)
  })

  it('update whose change throws rejects with that, and leaves the value as it was', async () => {
    const { environment, bind, counts } = world()
    const here = bind(environment())
    await here.get({ id: 1 })
    const { swaps } = counts
    const mine = new Error('mine')
    const throwing = here.update({ id: 1 }, () => {
      throw mine
    })
    await expect(throwing).rejects.toBe(mine)
    expect(counts.swaps).toBe(swaps)
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 1 })
    expect(await here.update({ id: 1 }, (old) => old && { ...old, value: 2 })).toEqual({ id: 1, value: 2 })
  })

  it('update whose change is so slow that others write meanwhile is made again on what they wrote', async () => {
    const { environment, bind, time } = world()
    const [here, there] = [bind(environment()), bind(environment())]
    await here.get({ id: 1 })
    let calls = 0
    let other: Promise<unknown> = Promise.resolve()
    const slow = here.update({ id: 1 }, (old) => {
      calls += 1
      // The processor is busy for a minute; the write of another environment is on its way by then.
      time.pass(60_000)
      if (calls === 1) other = there.update({ id: 1 }, (was) => was && { ...was, value: was.value + 10 })
      return old && { ...old, value: old.value + 1 }
    })
    await time.run(Promise.all([slow, other]))
    expect(await time.run(here.inspect({ id: 1 }, { live: true }))).toMatchObject({ value: { value: 12 } })
  })

  it('update whose change is asynchronous is a ValueError, and leaves the value as it was', async () => {
    const { environment, bind } = world()
    const here = bind(environment())
    await here.get({ id: 1 })
    const asynchronous = here.update({ id: 1 }, (async () => ({ id: 1, value: 2 })) as never)
    await expect(asynchronous).rejects.toThrow(ValueError)
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 1 })
  })

  it('update whose answers are lost leaves the value that is stored in force', async () => {
    const { environment, store, time } = world()
    let losing = false
    const lossy: typeof store = {
      ...store,
      swap: async (...parts) => (losing ? { outcome: 'unknown', cause: undefined } : store.swap(...parts)),
    }
    const here = environment({ store: lossy }).use({ key: 'n', fresh: 60_000, load: async () => 1 })
    await here.get(undefined)
    losing = true
    const add = (n: number | undefined): number => (n ?? 100) + 1
    await expect(time.run(here.update(undefined, add))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    losing = false
    expect(await time.run(here.update(undefined, add))).toBe(2)
  })

  it('update is not applied again when its answer is lost and more writes follow than a record lists', async () => {
    const { environment, store, time } = world()
    const bind = (cache: ReturnType<typeof environment>) => cache.use({ key: 'n', fresh: 60_000, load: async () => 0 })
    const other = bind(environment())
    await other.get(undefined)
    let losing = false
    const lossy: typeof store = {
      ...store,
      async swap(...parts) {
        if (!losing) return store.swap(...parts)
        losing = false
        await store.swap(...parts)
        for (let n = 0; n < 12; n += 1) await other.update(undefined, (count) => (count ?? 0) + 1)
        return { outcome: 'unknown', cause: undefined }
      },
    }
    const here = bind(environment({ store: lossy }))
    await here.get(undefined)
    losing = true
    const done = here.update(undefined, (count) => (count ?? 0) + 1)
    await expect(time.run(done)).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(await other.update(undefined, () => undefined)).toBe(13)
  })

  it.each([
    ['throttled', () => Promise.reject(Object.assign(new Error('throttled'), { code: 'KMS_THROTTLED' }))],
    ['silent', () => Promise.reject(undefined)],
  ])('never take a value for absent that the codec cannot open for a moment: %s', async (_name, fail) => {
    let fails = false
    const codec: Codec = {
      name: 'failing',
      seal: (text) => Buffer.from(text).toString('base64'),
      open: (text) => (fails ? fail() : Buffer.from(text, 'base64').toString()),
    }
    const { environment } = world()
    const bind = () =>
      environment({ codec }).use({ key: 'cart:{id}', usable: 600_000, load: (): string[] => ['loaded'] })
    await bind().set({ id: 1 }, ['a', 'b'])
    fails = true
    const unread = { name: 'StoreError', code: 'STORE_VALUE_UNREAD', retryable: true }
    await expect(bind().update({ id: 1 }, (value) => [...(value ?? []), 'c'])).rejects.toMatchObject(unread)
    await expect(bind().touch({ id: 1 })).rejects.toMatchObject(unread)
    await expect(bind().inspect({ id: 1 })).rejects.toMatchObject(unread)
    fails = false
    expect(await bind().update({ id: 1 }, (value) => [...(value ?? []), 'c'])).toEqual(['a', 'b', 'c'])
    fails = true
    await bind().set({ id: 1 }, ['new'])
    fails = false
    expect(await bind().get({ id: 1 })).toEqual(['new'])
  })

  it.each([
    ['a small value', 'old'],
    [
      'a value with a body',
      Array.from({ length: 40_000 }, (_, n) => ((n * 2_654_435_761) % 9_973).toString(36)).join(''),
    ],
  ])('take %s of an older shape for absent', async (_name, old) => {
    const { environment } = world()
    const bind = (version: number) =>
      environment().use({
        key: 'cart:{id}',
        usable: 600_000,
        form: {
          print: (value: string) => `${version}${value}`,
          parse: (text) => (text.startsWith(`${version}`) ? text.slice(1) : undefined),
        },
        load: () => 'loaded',
      })
    await bind(1).set({ id: 1 }, old)
    expect(await bind(2).inspect({ id: 1 })).toBeUndefined()
    expect(await bind(2).touch({ id: 1 })).toBe(false)
    expect(await bind(2).update({ id: 1 }, (value) => value ?? 'none')).toBe('none')
  })

  it('inspect does not show a value that another environment has deleted', async () => {
    const { environment, bind, time } = world()
    const [here, there] = [bind(environment()), bind(environment())]
    await here.get({ id: 1 })
    await there.delete({ id: 1 })
    expect(await here.inspect({ id: 1 })).toMatchObject({ value: { value: 1 } })
    expect(await here.inspect({ id: 1 }, { live: true })).toBeUndefined()
    await there.get({ id: 1 })
    await here.inspect({ id: 1 }, { live: true })
    await there.delete({ id: 1 })
    time.pass(5_000)
    expect(await here.inspect({ id: 1 })).toBeUndefined()
  })

  it('touch renews the lives', async () => {
    const { environment, time } = world()
    let loads = 0
    const here = environment().use({ key: 'a', fresh: 10_000, load: async () => ++loads })
    await here.get(undefined)
    time.pass(8_000)
    expect(await here.touch(undefined)).toBe(true)
    time.pass(8_000)
    expect(await here.get(undefined)).toBe(1)
  })
})

describe('the recheck', () => {
  it('is one request for all entries that are due, and renews them', async () => {
    const { environment, bind, counts, time, truth } = world()
    const here = bind(environment())
    for (let id = 0; id < 10; id += 1) await here.get({ id })
    time.pass(4_000)
    for (let id = 0; id < 10; id += 1) await here.get({ id })
    time.pass(1_000)
    const { reads } = counts
    for (let id = 0; id < 10; id += 1) expect(await here.get({ id })).toEqual({ id, value: 1 })
    expect(counts.reads - reads).toBe(1)
    expect(truth.loads).toBe(10)
  })

  it('emits how many entries it has checked and dropped, and how long it took', async () => {
    const { environment, bind, store, time, events } = world()
    const slow: Store = {
      ...store,
      readMany: async (...parts) => {
        const found = await store.readMany?.(...parts)
        time.pass(3)
        return found ?? new Map()
      },
    }
    const [here, there] = [bind(environment({ store: slow })), bind(environment())]
    for (const id of [1, 2, 3]) await here.get({ id })
    await there.set({ id: 2 }, { id: 2, value: 5 })
    time.pass(5_000)
    await here.get({ id: 1 })
    expect(events.filter(({ type }) => type === 'recheck')).toEqual([
      { type: 'recheck', entries: 3, dropped: 1, took: 3 },
    ])
  })

  it('runs in the background from half of the bound where callers settle', async () => {
    const { environment, bind, counts, time } = world()
    const cache = environment()
    const here = bind(cache)
    const leave = cache.enter()
    await here.get({ id: 1 })
    time.pass(3_000)
    const { reads } = counts
    const value = here.get({ id: 1 })
    expect(await value).toEqual({ id: 1, value: 1 })
    expect(cache.busy).toBe(true)
    await cache.settle()
    expect(counts.reads - reads).toBe(1)
    leave()
  })

  it('that cannot reach the store serves what was checked within `unchecked`, then loads alone', async () => {
    const { environment, bind, state, time, truth } = world()
    const here = bind(environment())
    await here.get({ id: 1 })
    state.isDown = true
    truth.value = 2
    time.pass(30_000)
    expect(await time.run(here.get({ id: 1 }))).toEqual({ id: 1, value: 1 })
    time.pass(31_000)
    expect(await time.run(here.get({ id: 1 }))).toEqual({ id: 1, value: 2 })
    expect(truth.loads).toBe(2)
  })

  it('with `unchecked` 0 serves nothing that was not checked', async () => {
    const { environment, bind, state, time, truth } = world({ unchecked: 0 })
    const here = bind(environment())
    await here.get({ id: 1 })
    state.isDown = true
    truth.value = 2
    time.pass(5_001)
    expect(await time.run(here.get({ id: 1 }))).toEqual({ id: 1, value: 2 })
  })

  it('with `recheck` 0 every get reads the store', async () => {
    const { environment, bind, truth, counts } = world({ recheck: 0 })
    const [here, there] = [bind(environment()), bind(environment())]
    await here.get({ id: 1 })
    await there.set({ id: 1 }, { id: 1, value: 5 })
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 5 })
    const { reads } = counts
    await here.get({ id: 1 })
    expect(counts.reads - reads).toBe(1)
    expect(truth.loads).toBe(1)
  })
})

describe('control', () => {
  it('switches a resource off, to read-only, or to live loads, and is seen within recheck', async () => {
    const { environment, bind, time, truth } = world()
    const cache = environment()
    const here = bind(cache)
    const there = bind(environment())
    await here.get({ id: 1 })
    await there.get({ id: 1 })
    const name = 'project:{id}:info'
    expect(await cache.control({ sources: { [name]: { enabled: false } } })).toEqual({
      sources: { [name]: { enabled: false } },
    })
    truth.value = 2
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 2 })
    time.pass(5_000)
    expect(await there.get({ id: 1 })).toEqual({ id: 1, value: 2 })
    await cache.control({ sources: { [name]: { enabled: true, readOnly: true } } })
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 1 })
    await expect(here.set({ id: 1 }, { id: 1, value: 3 })).rejects.toMatchObject({ code: 'CACHE_READ_ONLY' })
    await cache.control({ sources: { [name]: { readOnly: false, bypass: true } } })
    truth.value = 4
    time.pass(1)
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 4 })
    await cache.control({ sources: { [name]: { bypass: false } } })
    truth.value = 5
    expect(await here.get({ id: 1 })).toEqual({ id: 1, value: 4 })
  })

  it.each([
    ['off', { enabled: false }],
    ['to read-only', { readOnly: true }],
  ])(
    'switched %s, the first get of a cold environment gives what it loads, and nothing is written',
    async (_how, switches) => {
      const { environment, bind, truth, counts } = world()
      await environment().control(switches)
      const { swaps } = counts
      const cold = bind(environment())
      expect(await cold.get({ id: 1 })).toEqual({ id: 1, value: 1 })
      truth.value = 2
      expect(await cold.get({ id: 1 })).toEqual({ id: 1, value: 2 })
      expect(counts.swaps).toBe(swaps)
      expect(await cold.inspect({ id: 1 }, { live: true })).toBeUndefined()
    },
  )

  it('makes each environment emit the new switches, once', async () => {
    const { environment, bind, time, events } = world()
    const cache = environment()
    const there = bind(environment())
    await there.get({ id: 1 })
    const told = () => events.splice(0).filter(({ type }) => type === 'control')
    expect(told()).toEqual([])
    await cache.control({ readOnly: true })
    expect(told()).toEqual([{ type: 'control', control: { readOnly: true } }])
    time.pass(5_000)
    await there.get({ id: 1 })
    await there.get({ id: 1 })
    expect(told()).toEqual([{ type: 'control', control: { readOnly: true } }])
  })

  it('refuses what it does not know', async () => {
    const cache = world().environment()
    await expect(cache.control({ readonly: true } as never)).rejects.toThrow(/"readonly"/)
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
