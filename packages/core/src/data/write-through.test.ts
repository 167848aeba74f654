import { describe, expect, it } from 'vitest'
import type { Runtime, Store } from '../contracts.ts'
import { SourceRefusedError } from '../errors.ts'
import { type CacheOptions, createCache } from './cache.ts'
import type { CacheListener } from './events.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'
import type { WriteContext } from './types.ts'
import '../engine/miss/miss-path.ts'
import { ValueError, ValueTooLargeError } from './value.ts'

/** The longest that a lease of a write lasts with the default policy, in ms. */
const LEASE = 8_000
const RECHECK = 5_000

type Writer = (context: WriteContext, n: number) => Promise<void>

/** A truth, and environments that write it through a cache. */
function world() {
  const time = fakeTime()
  const { store, state } = countingStore(time.now)
  const truth = { n: 1, loads: 0 }
  const changes: unknown[] = []
  const contexts: WriteContext[] = []
  const onEvent: CacheListener = (event) => {
    if (event.type === 'change') changes.push([event.outcome, event.attempts])
  }
  const environment = ({
    writer = async (_context, n) => {
      truth.n = n
    },
    answers = (n) => ({ n }),
    loads = async () => ({ n: truth.n }),
    ...options
  }: Partial<CacheOptions> & {
    writer?: Writer
    answers?: (n: number) => { n: number } | undefined
    loads?: () => Promise<{ n: number }>
  } = {}) => {
    const cache = createCache({ name: 'shop', store, runtime: time.runtime, recheck: RECHECK, onEvent, ...options })
    const post = cache.use({
      key: 'post:{id}',
      fresh: 600_000,
      usable: 7_200_000,
      tags: () => ['posts'],
      load: async () => {
        truth.loads += 1
        return loads()
      },
      write: async (_params, n: number, context) => {
        contexts.push(context)
        await writer(context, n)
        return answers(n)
      },
    })
    return {
      cache,
      post,
      get: () => time.run(post.get({ id: 1 })),
      write: (n: number) => time.run(post.write({ id: 1 }, n)),
    }
  }
  return { time, store, state, truth, contexts, changes, environment }
}

/** A store whose swaps can be watched, lost and refused. */
function between(
  store: Store,
  change: (key: string, send: () => ReturnType<Store['swap']>) => ReturnType<Store['swap']>,
): Store {
  return { ...store, swap: (key, swap, options) => change(key, () => store.swap(key, swap, options)) }
}

/** A runtime whose timers never fire: that of a frozen environment. */
function frozen(runtime: Runtime): Runtime {
  return { ...runtime, after: () => () => {} }
}

const never = (): Promise<never> => new Promise(() => {})

describe('write', () => {
  it('writes the truth, and every environment that reads the store sees the value without a load', async () => {
    const { environment, truth, changes } = world()
    const [here, there] = [environment(), environment()]
    await here.get()
    expect(await here.write(2)).toEqual({ outcome: 'cached', value: { n: 2 } })
    expect(changes).toEqual([['written', 1]])
    expect(truth.n).toBe(2)
    expect(await here.get()).toEqual({ n: 2 })
    expect(await there.get()).toEqual({ n: 2 })
    expect(truth.loads).toBe(1)
  })

  it('is seen within recheck by an environment that holds the old value in memory', async () => {
    const { environment, time } = world()
    const [here, there] = [environment(), environment()]
    await there.get()
    await here.write(2)
    time.pass(RECHECK)
    expect(await there.get()).toEqual({ n: 2 })
  })

  it('drops the key when the writer returns nothing, so that the next get loads', async () => {
    const { environment, truth } = world()
    const here = environment({ answers: () => undefined })
    await here.get()
    expect(await here.write(2)).toEqual({ outcome: 'dropped', value: undefined })
    expect(await here.get()).toEqual({ n: 2 })
    expect(truth.loads).toBe(2)
  })

  it('hands the writer a number that rises with each write, and a mark that is new', async () => {
    const { environment, contexts } = world()
    for (const one of [environment(), environment()]) for (const n of [2, 3]) await one.write(n)
    const numbers = contexts.map(({ n }) => n)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(new Set(numbers).size).toBe(4)
    expect(new Set(contexts.map(({ id }) => id)).size).toBe(4)
  })

  it('keeps lives, tags and a mark of its own', async () => {
    const { environment, time } = world()
    const { cache, post } = environment()
    await time.run(post.write({ id: 1 }, 2, { fresh: 1_000, usable: 2_000, tags: ['by:ann'], mark: 'e1' }))
    expect(await time.run(post.inspect({ id: 1 }))).toMatchObject({ tags: ['posts', 'by:ann'], mark: 'e1' })
    await time.run(cache.invalidate({ tags: ['by:ann'] }))
    expect(await time.run(post.inspect({ id: 1 }))).toBeUndefined()
  })

  it('lets other environments serve the old value while the truth is written', async () => {
    const { environment, time, contexts } = world()
    const opened = gate()
    const [here, there] = [environment({ writer: () => opened.opened }), environment()]
    await here.get()
    const writing = here.post.write({ id: 1 }, 2)
    while (contexts.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(await here.get()).toEqual({ n: 1 })
    expect(await there.get()).toEqual({ n: 1 })
    opened.open()
    await time.run(writing)
    expect(await here.get()).toEqual({ n: 2 })
  })

  it('lets other environments read an old value of 30 KB while the truth is written, and leaves its body where it is', async () => {
    const { environment, time, contexts, store } = world()
    const bodyKeys = new Set<string>()
    const watched = between(store, (key, send) => {
      if (key.startsWith('body~')) bodyKeys.add(key)
      return send()
    })
    const text = Array.from(crypto.getRandomValues(new Uint8Array(1e4))).join()
    const large = { n: 1, text }
    const opened = gate()
    const here = environment({
      store: watched,
      loads: async () => large,
      writer: () => opened.opened,
      answers: () => undefined,
    })
    await here.get()
    expect(bodyKeys.size).toBe(1)
    const writing = here.post.write({ id: 1 }, 2)
    while (contexts.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(await environment().get()).toEqual(large)
    expect(bodyKeys.size).toBe(1)
    opened.open()
    await time.run(writing)
  })

  it('writes one at a time: the second begins once the first has ended', async () => {
    const { environment, truth, time } = world()
    const opened = gate()
    const order: string[] = []
    const first = environment({
      writer: async () => {
        order.push('first begins')
        await opened.opened
        truth.n = 2
        order.push('first ends')
      },
    })
    const second = environment({
      writer: async () => {
        order.push('second begins')
        truth.n = 3
      },
    })
    const one = first.post.write({ id: 1 }, 2)
    while (order.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const two = second.post.write({ id: 1 }, 3)
    for (let turn = 0; turn < 100; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      time.pass(1)
    }
    expect(order).toEqual(['first begins'])
    opened.open()
    await time.run(Promise.all([one, two]))
    expect(order).toEqual(['first begins', 'first ends', 'second begins'])
    time.pass(RECHECK)
    expect(await first.get()).toEqual({ n: 3 })
    expect(await second.get()).toEqual({ n: 3 })
  })

  it('fences a load that began before', async () => {
    const { environment, time, truth } = world()
    const opened = gate()
    const loading = gate()
    const here = environment()
    const there = environment({
      loads: async () => {
        const { n } = truth
        loading.open()
        await opened.opened
        return { n }
      },
    })
    const got = there.post.get({ id: 1 })
    await loading.opened
    await here.write(2)
    opened.open()
    await time.run(got)
    time.pass(RECHECK)
    expect(await here.get()).toEqual({ n: 2 })
    expect(await there.get()).toEqual({ n: 2 })
  })
})

describe('a write that ends before the truth is touched', () => {
  it('rejects when the store does not answer, and the writer is not called', async () => {
    const { environment, state, contexts } = world()
    const here = environment()
    await here.get()
    state.isDown = true
    await expect(here.write(2)).rejects.toMatchObject({ name: 'StoreError' })
    expect(contexts).toEqual([])
  })

  it('rejects with WRITE_BUSY while others write for all of its time', async () => {
    const { environment, time, contexts, changes } = world()
    const [here, there] = [environment({ writer: never }), environment()]
    void here.post.write({ id: 1 }, 2).catch(() => {})
    while (contexts.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await expect(time.run(there.post.write({ id: 1 }, 3, { timeout: 500 }))).rejects.toMatchObject({
      code: 'WRITE_BUSY',
      retryable: true,
    })
    expect(contexts).toHaveLength(1)
    expect(changes).toEqual([['conflict', expect.any(Number)]])
  })

  it('rejects while the resource is switched to read-only', async () => {
    const { environment, time, contexts } = world()
    const here = environment()
    await time.run(here.cache.control({ readOnly: true }))
    await expect(here.write(2)).rejects.toMatchObject({
      code: 'CACHE_READ_ONLY',
      message: expect.stringMatching(/read-only; switch it back with cache\.control$/),
    })
    expect(contexts).toEqual([])
  })

  it('rejects with TypeError for wrong options, and for a resource that has no writer', async () => {
    const { environment } = world()
    const { post, cache } = environment()
    await expect(post.write({ id: 1 }, 2, { usable: -1 })).rejects.toThrow(/usable/)
    await expect(post.write({ id: 1 }, 2, { timeout: 0 })).rejects.toThrow(/timeout/)
    const none = cache.use({ key: 'none:{id}', fresh: 1_000, load: () => 1 })
    await expect(none.write({ id: 1 }, 2)).rejects.toThrow(/bind none:\{id\} with option "write"/)
    expect(() => cache.use({ key: 'x:{id}', fresh: 1_000, load: () => 1, write: 1 as never })).toThrow(/write/)
  })

  it('is recognized by its nonce when the answer to its announcement is lost', async () => {
    const { environment, store, contexts } = world()
    let swaps = 0
    const here = environment({
      store: between(store, async (_key, send) => {
        swaps += 1
        const result = await send()
        return swaps === 1 ? { outcome: 'unknown', cause: undefined } : result
      }),
    })
    expect(await here.write(2)).toMatchObject({ outcome: 'cached' })
    expect(contexts).toHaveLength(1)
  })
})

describe('a writer that fails', () => {
  it('gives the value its lives back when it says that nothing was written', async () => {
    const { environment, time, truth } = world()
    const here = environment({
      writer: async () => {
        throw new SourceRefusedError('not yours')
      },
    })
    await here.get()
    await expect(here.write(2)).rejects.toThrow('not yours')
    const before = time.now()
    await expect(here.write(2)).rejects.toThrow('not yours')
    expect(time.now() - before).toBeLessThan(1_000)
    time.pass(LEASE + RECHECK)
    expect(await here.get()).toEqual({ n: 1 })
    expect(truth.loads).toBe(1)
  })

  it('leaves no old value beyond its lease when it may have written, and a repeat waits for the end of that', async () => {
    const { environment, time, truth } = world()
    let fails = true
    const [here, there] = [
      environment({
        writer: async (_context, n) => {
          truth.n = n
          if (fails) throw new Error('the connection ended')
        },
      }),
      environment(),
    ]
    await there.get()
    await expect(here.write(2)).rejects.toThrow('the connection ended')
    time.pass(LEASE + RECHECK)
    expect(await there.get()).toEqual({ n: 2 })
    const before = time.now()
    await expect(here.write(3)).rejects.toThrow('the connection ended')
    fails = false
    expect(await here.write(4)).toMatchObject({ outcome: 'cached' })
    // The request of the one that failed may still be on its way.
    expect(time.now() - before).toBeGreaterThan(5_000)
  })

  it('is aborted when the time of its lease is over', async () => {
    const { environment, contexts } = world()
    const here = environment({ writer: never })
    await expect(here.write(2)).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/within \d+ ms; raise "sourceTimeout"\. It may still write$/),
    })
    expect(contexts[0]?.signal.aborted).toBe(true)
  })
})

describe('a write after the truth was written', () => {
  it('is pending when the store does not answer any more: nobody serves the old value beyond the lease', async () => {
    const { environment, state, time, truth, changes } = world()
    const [here, there] = [
      environment({
        writer: async (_context, n) => {
          truth.n = n
          state.isDown = true
        },
      }),
      environment(),
    ]
    await there.get()
    await here.get()
    expect(await here.write(2)).toEqual({ outcome: 'pending', value: { n: 2 } })
    expect(changes).toEqual([['unknown', 1]])
    expect(here.post.peek({ id: 1 })).toBeUndefined()
    state.isDown = false
    time.pass(LEASE + RECHECK)
    expect(await there.get()).toEqual({ n: 2 })
    expect(await here.get()).toEqual({ n: 2 })
  })

  it('drops the key when another change of it has come in between', async () => {
    const { environment, time, truth } = world()
    const other = environment()
    const here = environment({
      writer: async (_context, n) => {
        truth.n = n
        await other.post.set({ id: 1 }, { n: 99 })
      },
    })
    expect(await here.write(2)).toEqual({ outcome: 'dropped', value: { n: 2 } })
    time.pass(RECHECK)
    expect(await other.get()).toEqual({ n: 2 })
  })

  it('drops the key when it was frozen beyond its lease and another has loaded what was there before', async () => {
    const { environment, time, truth } = world()
    const there = environment()
    const here = environment({
      writer: async (_context, n) => {
        time.pass(LEASE)
        expect(await there.get()).toEqual({ n: 1 })
        truth.n = n
      },
      runtime: frozen(time.runtime),
    })
    expect(await time.run(here.post.write({ id: 1 }, 2))).toEqual({ outcome: 'dropped', value: { n: 2 } })
    time.pass(RECHECK)
    expect(await there.get()).toEqual({ n: 2 })
  })

  it('names the key that must be deleted when an older value may be left', async () => {
    const { environment, state, time, truth } = world()
    const there = environment()
    const here = environment({
      writer: async (_context, n) => {
        time.pass(LEASE)
        await time.run(there.post.get({ id: 1 }))
        truth.n = n
        state.isDown = true
      },
      runtime: frozen(time.runtime),
    })
    await expect(time.run(here.post.write({ id: 1 }, 2))).rejects.toMatchObject({ code: 'WRITE_NOT_DROPPED' })
  })

  it('drops the key and says so when its value cannot be kept', async () => {
    const { environment, truth } = world()
    const here = environment({ answers: () => ({ n: 1n as unknown as number }) })
    await here.get()
    await expect(here.write(2)).rejects.toThrow(ValueError)
    expect(await here.get()).toEqual({ n: 2 })
    const large = environment({
      answers: () => ({ n: 2, text: crypto.getRandomValues(new Uint8Array(6e4)).join() }) as { n: number },
    })
    const huge = environment({
      answers: () =>
        ({
          n: 3,
          text: Array.from({ length: 10 }, () => crypto.getRandomValues(new Uint8Array(6e4)).join()),
        }) as unknown as { n: number },
    })
    expect(await large.write(3)).toMatchObject({ outcome: 'cached' })
    await expect(huge.write(4)).rejects.toThrow(ValueTooLargeError)
    expect(truth.n).toBe(4)
    expect(await huge.get()).toEqual({ n: 4 })
  })

  it('keeps nothing that was invalidated while the truth was written', async () => {
    const { environment, truth, time } = world()
    const other = environment()
    const here = environment({
      writer: async (_context, n) => {
        truth.n = n
        await other.cache.invalidate({ tags: ['posts'] })
      },
    })
    await here.write(2)
    expect(await time.run(other.post.inspect({ id: 1 }, { live: true }))).toBeUndefined()
  })
})
