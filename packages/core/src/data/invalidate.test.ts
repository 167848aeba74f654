import { describe, expect, it } from 'vitest'
import type { Seen, Store } from '../contracts.ts'
import { gate } from './fake.test-data.ts'
import { NO_GENERATION, NO_ROOT, printGeneration, printRoot } from './generations.ts'
import { world } from './world.test-data.ts'

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
