import { describe, expect, it } from 'vitest'
import type { Seen, Store } from '../contracts.ts'
import { type CacheOptions, createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'
import { createKnowledge } from './knowledge.ts'

function world() {
  const time = fakeTime()
  const { store, counts, state } = countingStore(time.now)
  const events: CacheEvent[] = []
  const truth = { value: 'old', loads: 0 }
  const load = () => {
    truth.loads += 1
    return truth.value
  }
  const environment = (options: Partial<CacheOptions> = {}) => {
    const onEvent = (event: CacheEvent) => void events.push(event)
    const cache = createCache({ name: 'shop', store, runtime: time.runtime, onEvent, ...options })
    const tagged = cache.use({
      key: 'tagged:{id}:x',
      fresh: 600_000,
      tags: ({ id }) => [`owner:${id}`],
      load: async () => load(),
    })
    const late = cache.use({
      key: 'late:{id}',
      fresh: 600_000,
      load: async (_params, { keep }) => keep(load(), { tags: ['late'] }),
    })
    return { cache, tagged, late }
  }
  return { time, store, counts, state, events, truth, environment }
}

describe('while the store is down', () => {
  it.each(['tagged', 'late'] as const)('a cold environment serves what one load gives (%s)', async (name) => {
    const { environment, state, time, truth } = world()
    state.isDown = true
    const resource = environment()[name]
    expect(await time.run(resource.get({ id: 1 }))).toBe('old')
    expect(truth.loads).toBe(1)
  })

  it.each(['tagged', 'late'] as const)('a warm environment serves a key with tags never read (%s)', async (name) => {
    const { environment, state, time, truth } = world()
    const resource = environment()[name]
    await time.run(resource.get({ id: 1 }))
    state.isDown = true
    time.pass(10_000)
    expect(await time.run(resource.get({ id: 2 }))).toBe('old')
    expect(truth.loads).toBe(2)
  })

  it.each(['tagged', 'late'] as const)(
    'what was loaded is served for `unchecked`, and no longer (%s)',
    async (name) => {
      const { environment, state, time, truth } = world()
      state.isDown = true
      const resource = environment()[name]
      await time.run(resource.get({ id: 1 }))
      truth.value = 'new'
      time.pass(59_000)
      expect(await time.run(resource.get({ id: 1 }))).toBe('old')
      time.pass(1_001)
      expect(await time.run(resource.get({ id: 1 }))).toBe('new')
      expect(truth.loads).toBe(2)
    },
  )

  it('what was loaded is forbidden by an invalidation that this environment makes once the store answers', async () => {
    const { environment, state, time, truth } = world()
    state.isDown = true
    const { cache, tagged } = environment()
    await time.run(tagged.get({ id: 1 }))
    state.isDown = false
    truth.value = 'new'
    await time.run(cache.invalidate({ tags: ['owner:1'] }))
    expect(await time.run(tagged.get({ id: 1 }))).toBe('new')
  })
})

describe('a store that gives no answer', () => {
  const noise = (words: number) =>
    Array.from({ length: words }, (_, n) => Math.imul(n * n, 0x9e3779b1).toString(36)).join('')

  it('keeps no large value from a cold environment, which has it in memory then', async () => {
    const { environment, state, time, truth, counts } = world()
    state.isSilent = true
    const large = noise(3_000)
    truth.value = large
    const { tagged } = environment()
    expect(await time.run(tagged.get({ id: 1 }))).toBe(large)
    expect(await time.run(tagged.get({ id: 1 }))).toBe(large)
    expect([truth.loads, counts.swaps]).toEqual([1, 0])
  })

  it('for bodies keeps no large value from anyone, and is no failure of the loader', async () => {
    const { environment, time, truth, events } = world()
    const { store: bodies, state } = countingStore(time.now)
    state.isSilent = true
    truth.value = noise(20_000)
    for (const { tagged } of [environment({ bodies }), environment({ bodies })])
      expect(await time.run(tagged.get({ id: 1 }))).toBe(truth.value)
    expect(events.filter(({ type }) => type === 'cool-down')).toEqual([])
  })

  it.each([true, false])('keeps no value from a caller with little time (background: %s)', async (background) => {
    const { environment, state, time } = world()
    state.isSilent = true
    const { tagged } = environment({ background })
    expect(await time.run(tagged.get({ id: 1 }, { timeout: 3_000 }))).toBe('old')
  })

  it.each(['tagged', 'late'] as const)('from a load on keeps nothing from those who wait for it (%s)', async (name) => {
    const { environment, state, time, truth, events } = world()
    const { [name]: resource } = environment()
    Object.defineProperty(truth, 'value', {
      get: () => {
        state.isSilent = true
        return 'loaded'
      },
    })
    expect(await time.run(resource.get({ id: 1 }, { timeout: 3_000 }))).toBe('loaded')
    expect(truth.loads).toBe(1)
    expect(events.filter(({ type }) => type === 'cool-down')).toEqual([])
  })

  it('to the look for a late tag takes no value from a loader that needed most of its time', async () => {
    const { environment, state, time, events } = world()
    const slow = environment().cache.use({
      key: 'slow',
      fresh: 600_000,
      load: async (_params, { keep }) => {
        await new Promise<void>((resolve) => void time.runtime.after(2_000, resolve))
        state.isSilent = true
        return keep('slow', { tags: ['late'] })
      },
    })
    expect(await time.run(slow.get(undefined))).toBe('slow')
    expect(events.filter(({ type }) => type === 'cool-down')).toEqual([])
  })
})

describe('while the store is down, a late tag that was invalidated', () => {
  it('before the load forbids nothing that is loaded after it', async () => {
    const { environment, state, time, truth } = world()
    const { cache, late } = environment()
    await time.run(cache.invalidate({ tags: ['late'] }))
    time.pass(10_000)
    state.isDown = true
    expect(await time.run(late.get({ id: 1 }))).toBe('old')
    expect(await time.run(late.get({ id: 1 }))).toBe('old')
    expect(truth.loads).toBe(1)
  })
})

describe('a store whose clock was once far ahead', () => {
  it('gives values again once its clock is right, in environments that have seen it too', async () => {
    const { environment, store, time } = world()
    let ahead = 0
    const told = (seen: Seen): Seen => ({ ...seen, time: seen.time && { ...seen.time, at: seen.time.at + ahead } })
    const moved: Store = {
      name: store.name,
      read: async (key, options) => told(await store.read(key, options)),
      swap: async (key, swap, options) => {
        const swapped = await store.swap(key, swap, options)
        return swapped.outcome === 'conflict' ? { ...swapped, seen: told(swapped.seen) } : swapped
      },
    }
    const { cache, tagged } = environment({ store: moved })
    ahead = 500 * 86_400_000
    await time.run(cache.invalidate({ tags: ['owner:1'] }))
    await time.run(cache.invalidate({ everything: true }))
    await time.run(tagged.get({ id: 1 }))
    ahead = 0
    for (const resource of [tagged, environment({ store: moved }).tagged])
      for (const id of [2, 1, 3]) {
        time.pass(10_000)
        expect(await time.run(resource.get({ id }))).toBe('old')
      }
  })
})

describe('a store that answers no read of late tags', () => {
  it('fails no load: the value is given to the caller, and stored nowhere', async () => {
    const { environment, store, time, truth, counts } = world()
    const hanging: Store = {
      ...store,
      readMany: (keys, options) =>
        truth.loads === 0 ? (store.readMany?.(keys, options) ?? Promise.reject()) : new Promise(() => {}),
      read: (key, options) => (key.startsWith('gen~') ? new Promise(() => {}) : store.read(key, options)),
    }
    const { late } = environment({ store: hanging })
    expect(await time.run(late.get({ id: 1 }))).toBe('old')
    expect(truth.loads).toBe(1)
    // The lease is taken and given back.
    expect(counts.swaps).toBe(2)
  })
})

describe('an entry with a number that no record would hold', () => {
  it('is loaded again, and says nothing about other keys', async () => {
    const { environment, store, time, truth, events } = world()
    await time.run(environment().tagged.get({ id: 1 }))
    const key = events.find((event) => event.type === 'publish')?.key ?? ''
    const { image } = await store.read(key, { signal: new AbortController().signal, consistent: true })
    const record = JSON.parse(image?.body ?? '')
    record.value.sealed = JSON.stringify({ ...JSON.parse(record.value.sealed), root: 9e15 })
    const signal = new AbortController().signal
    const keepUntil = time.now() + 86_400_000
    await store.swap(key, { expected: image, body: JSON.stringify(record), tag: 'x', keepUntil }, { signal })
    events.length = 0
    for (const environmentNow of [environment(), environment(), environment()])
      for (const id of [1, 2, 3]) expect(await time.run(environmentNow.tagged.get({ id }))).toBe('old')
    expect(truth.loads).toBe(4)
    expect(events.filter(({ type }) => type === 'generation-lost' || type === 'bad-generation')).toEqual([])
  })
})

describe('the switches that an environment has written', () => {
  it('hold in it at once, although a look that was sent later was answered from before', async () => {
    const { environment, store, time } = world()
    const opened = gate()
    let holds = false
    const slow: Store = {
      ...store,
      swap: async (...args) => {
        const isHeld = holds
        holds = false
        if (isHeld) await opened.opened
        return store.swap(...args)
      },
    }
    const { cache, tagged } = environment({ store: slow })
    await time.run(tagged.get({ id: 1 }))
    holds = true
    const changed = cache.control({ readOnly: true })
    await new Promise((resolve) => setImmediate(resolve))
    time.pass(3)
    await time.run(tagged.inspect({ id: 2 }, { live: true }))
    opened.open()
    expect(await time.run(changed)).toEqual({ readOnly: true })
    await expect(time.run(tagged.set({ id: 1 }, 'new'))).rejects.toMatchObject({ code: 'CACHE_READ_ONLY' })
  })
})

describe('garbage that was read before its record was written again', () => {
  it('does not count when it is answered late', () => {
    const knowledge = createKnowledge()
    knowledge.seeTag('a', { generation: undefined, sentAt: 1, gotAt: 2, latest: 1_000 })
    expect(knowledge.tag('a')).toBe('damaged')
    knowledge.seeTag('a', { generation: { hard: 10, soft: 0 }, sentAt: 4, gotAt: 5, latest: 1_000 })
    expect(knowledge.seeTag('a', { generation: undefined, sentAt: 3, gotAt: 6, latest: 1_000 })).toBe('same')
    expect(knowledge.tag('a')).toEqual({ hard: 10, soft: 0 })
  })
})
