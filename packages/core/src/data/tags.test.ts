import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { DRIFT_TOLERANCE } from '../engine/time/clock.ts'
import { StoreError } from '../errors.ts'
import { createCache } from './cache.ts'
import { countingStore, fakeTime } from './fake.test-data.ts'

/** A late tag must have been invalidated so many ms before the look: 500, as surely as two clocks can tell. */
const MARGIN = 500 + DRIFT_TOLERANCE

function world(wrap: (store: Store) => Store = (store) => store) {
  const time = fakeTime()
  const { store, counts } = countingStore(time.now)
  const environment = () =>
    createCache({ name: 'shop', store: wrap(store), runtime: time.runtime, storeTimeout: 1_000, onEvent: () => {} })
  return { time, counts, environment }
}

describe('tags that are none', () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['empty', ''],
    ['too long', 'x'.repeat(201)],
    ['not a text', 7],
    ['not well-formed', '\ud800'],
  ]

  it.each(wrong)(
    'of `use`, such as one that is %s, reject with a TypeError that names the field',
    async (_how, tag) => {
      const { environment, counts } = world()
      const resource = environment().use({ key: 'a:{id}', fresh: 60_000, tags: () => [tag as string], load: () => 1 })
      const error: unknown = await resource.get({ id: 1 }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(TypeError)
      expect(String(error)).toMatch(/use: .*"tags"/)
      expect(counts).toEqual({ reads: 0, keys: 0, swaps: 0 })
    },
  )

  it.each(wrong)(
    'of `keep`, such as one that is %s, reject with a TypeError that names the field',
    async (_how, tag) => {
      const { environment, time } = world()
      const bind = () =>
        environment().use({
          key: 'a:{id}',
          fresh: 60_000,
          load: async (_params, { keep }) => keep(1, { tags: [tag as string] }),
        })
      const error: unknown = await time.run(bind().get({ id: 1 })).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ message: expect.stringMatching(/keep: .*"tags"/) })
      expect(await bind().inspect({ id: 1 }, { live: true })).toBeUndefined()
    },
  )
})

describe('tags that only a call names', () => {
  const calls = {
    set: (resource: Bound) => resource.set({ id: 1 }, 2, { tags: ['late'] }),
    update: (resource: Bound) => resource.update({ id: 1 }, () => 2, { tags: ['late'] }),
    write: (resource: Bound) => resource.write({ id: 1 }, 2, { tags: ['late'] }),
  }
  type Bound = ReturnType<typeof bind>
  const bind = ({ environment }: ReturnType<typeof world>) =>
    environment().use({ key: 'a:{id}', fresh: 60_000, load: async () => 1, write: async (_params, n: number) => n })
  /** A store that does so instead of reading generations of tags without the record of a value. */
  const failing = (fail: () => Promise<never>) => (store: Store) => ({
    ...store,
    readMany: (...[keys, options]: Parameters<NonNullable<Store['readMany']>>) =>
      keys.every((key) => key.startsWith('gen~')) || store.readMany === undefined
        ? fail()
        : store.readMany(keys, options),
  })

  it.each(Object.entries(calls))(
    'make `%s` reject with StoreError where the store gives no answer',
    async (_, call) => {
      const w = world(failing(() => new Promise(() => {})))
      const resource = bind(w)
      const error: unknown = await w.time.run<unknown>(call(resource)).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StoreError)
      const key = resource.topicOf({ id: 1 }).slice('key:'.length)
      expect(error).toMatchObject({ code: 'STORE_TIMEOUT', retryable: true, key })
      expect(w.counts.swaps).toBe(0)
    },
  )

  it.each(Object.entries(calls))(
    'make `%s` reject with StoreError where the store fails, and quote nothing',
    async (_, call) => {
      const w = world(failing(() => Promise.reject(new Error('quotes a record'))))
      const error: unknown = await w.time.run<unknown>(call(bind(w))).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
      expect(String(error)).not.toContain('quotes')
      expect(w.counts.swaps).toBe(0)
    },
  )
})

describe('a tag that only the loader names', () => {
  it.each([
    [MARGIN, 2],
    [MARGIN + 1, 1],
  ])('invalidated %d ms before the look makes %d loads of two environments', async (ms, expected) => {
    const { environment, time } = world()
    let loads = 0
    const bind = () =>
      environment().use({
        key: 'a:{id}',
        fresh: 60_000,
        load: async (_params, { keep }) => {
          loads += 1
          return keep(loads, { tags: ['late'] })
        },
      })
    await environment().invalidate({ tags: ['late'] })
    time.pass(ms)
    await bind().get({ id: 1 })
    await bind().get({ id: 1 })
    expect(loads).toBe(expected)
  })
})

describe('more tags than an entry may have', () => {
  const bind = ({ environment }: ReturnType<typeof world>) =>
    environment().use({
      key: 'cart:{id}',
      fresh: 60_000,
      load: async (): Promise<readonly number[]> => [],
      write: async (_params, items: readonly number[]) => items,
    })

  it('make `update` reject with TypeError before anything is written, and the value stays readable', async () => {
    const w = world()
    const cart = bind(w)
    const add = (n: number) => cart.update({ id: 1 }, (old = []) => [...old, n], { tags: [`sku:${n}`] })
    for (let n = 1; n <= 32; n += 1) await add(n)
    const { swaps } = w.counts
    await expect(add(33)).rejects.toThrow(new TypeError('update: an entry may have at most 32 tags'))
    const tags = Array.from({ length: 33 }, (_, n) => `sku:${n}`)
    await expect(cart.update({ id: 2 }, () => [], { tags })).rejects.toThrow(TypeError)
    expect(w.counts.swaps).toBe(swaps)
    expect(await bind(w).get({ id: 1 })).toHaveLength(32)
  })

  it('do not add up when each `write` names others', async () => {
    const w = world()
    const cart = bind(w)
    for (let n = 1; n <= 33; n += 1) await w.time.run(cart.write({ id: 1 }, [n], { tags: [`sku:${n}`] }))
    expect(await bind(w).inspect({ id: 1 })).toMatchObject({ value: [33], tags: ['sku:33'] })
  })
})

describe('the tags of a new value', () => {
  type Result = Parameters<Parameters<ReturnType<ReturnType<typeof world>['environment']>['use']>[0]['load']>[1]
  const bind = ({ environment }: ReturnType<typeof world>, load: (context: Result) => unknown) =>
    environment().use({
      key: 'board:{id}',
      fresh: 60_000,
      none: 60_000,
      tags: ({ id }) => [`board:${id}`],
      load: async (_params, context) => load(context) as number | undefined,
    })

  it('are those that its own load names, however many others had before', async () => {
    const w = world()
    let n = 0
    const load = ({ keep }: Result) => {
      n += 1
      return keep(n, { tags: [`leader:${n}`, 'game:7'] })
    }
    const [here, there] = [bind(w, load), bind(w, load)]
    for (let times = 1; times <= 40; times += 1) {
      w.time.pass(1)
      expect(await here.get({ id: 1 }, { maxAge: 0 })).toBe(times)
    }
    expect((await there.inspect({ id: 1 }))?.tags).toEqual(['board:1', 'game:7', 'leader:40'])
    w.time.pass(MARGIN + 1)
    await w.environment().invalidate({ tags: ['leader:39'] })
    expect(await bind(w, load).get({ id: 1 })).toBe(40)
    await w.environment().invalidate({ tags: ['leader:40'] })
    expect(await bind(w, load).get({ id: 1 })).toBe(41)
  })

  it('are those of its parameters where there is none', async () => {
    const w = world()
    let isThere = true
    const board = bind(w, ({ keep }) => (isThere ? keep(1, { tags: ['game:7'] }) : undefined))
    await board.get({ id: 1 })
    isThere = false
    w.time.pass(1)
    await board.get({ id: 1 }, { maxAge: 0 })
    expect(await board.inspect({ id: 1 })).toMatchObject({ none: true, tags: ['board:1'] })
  })

  it('stay where it is unchanged', async () => {
    const w = world()
    const board = bind(w, ({ keep, previous, unchanged }) =>
      previous === undefined ? keep(1, { tags: ['game:7'] }) : unchanged(),
    )
    await board.get({ id: 1 })
    w.time.pass(1)
    await board.get({ id: 1 }, { maxAge: 0 })
    expect((await board.inspect({ id: 1 }))?.tags).toEqual(['board:1', 'game:7'])
  })
})
