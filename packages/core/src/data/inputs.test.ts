import { describe, expect, it } from 'vitest'
import { createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { countingStore, fakeTime } from './fake.test-data.ts'

function world() {
  const time = fakeTime()
  const { store, counts } = countingStore(time.now)
  const events: CacheEvent[] = []
  const environment = () =>
    createCache({ name: 'shop', store, runtime: time.runtime, onEvent: (event) => void events.push(event) })
  return { time, counts, events, environment, cache: environment() }
}

const failed = (error: unknown) => error

describe('parameters that the caller changes later', () => {
  const options = {
    key: 'me:{user}',
    fresh: 60_000,
    load: async ({ user }: { user: unknown }) => `of ${user}`,
  } as const

  it('stay as they were in the call for the loader', async () => {
    const { cache, environment } = world()
    const resource = cache.use(options)
    const params = { user: 1 }
    const got = resource.get(params)
    params.user = 2
    expect(await got).toBe('of 1')
    expect(await environment().use(options).get({ user: 1 })).toBe('of 1')
  })

  it('stay as they were for later loads of the same key', async () => {
    const { cache, time } = world()
    const resource = cache.use({ ...options, fresh: 50, usable: 60_000 })
    const params = { user: 1 }
    for (const user of [1, 2, 3]) {
      params.user = user
      await time.run(resource.get(params))
    }
    time.pass(10_000)
    for (const user of [1, 2, 3]) expect(await time.run(resource.get({ user }))).toBe(`of ${user}`)
  })

  it('stay as they were for a batch', async () => {
    const { cache, time } = world()
    const resource = cache.use(options)
    const params = { user: 1 }
    const got = time.run(resource.getMany([params]))
    params.user = 2
    expect(await got).toEqual(['of 1'])
  })

  it('stay as they were for the writer', async () => {
    const { cache, time } = world()
    const wrote: unknown[] = []
    const resource = cache.use({
      ...options,
      write: async ({ user }, input: string) => {
        wrote.push(user)
        return input
      },
    })
    const params = { user: 1 }
    await time.run(resource.write(params, 'a'))
    params.user = 2
    await time.run(resource.write({ user: 1 }, 'b'))
    expect(wrote).toEqual([1, 1])
  })

  it('reach the loader frozen', async () => {
    const { cache } = world()
    const resource = cache.use({
      key: 'me:{user}',
      fresh: 60_000,
      load: async (params) => Object.isFrozen(params),
    })
    expect(await resource.get({ user: 1 })).toBe(true)
  })
})

it('parameters that a schema changes stay as they were for the caller, the key and the loader', async () => {
  const { cache } = world()
  const validate = (value: { id: unknown }) => {
    Reflect.set(value, 'id', 'other')
    return { value }
  }
  const params = { '~standard': { version: 1, vendor: 'test', validate } } as never
  const resource = cache.use({ key: 'p:{id}', fresh: 60_000, params, load: async ({ id }) => `of ${id}` })
  const given = { id: 'a' }
  expect(await resource.get(given)).toBe('of a')
  expect(given).toEqual({ id: 'a' })
})

describe('templates that may make the same key', () => {
  it.each([
    ['user:{id}', 'user:{email}'],
    ['user:{id}', 'user:me'],
    ['a:{x}:c', 'a:b:{y}'],
  ])('%s and %s are refused, with both named', (one, other) => {
    const { cache } = world()
    cache.use({ key: one, fresh: 1_000, load: () => 1 })
    expect(() => cache.use({ key: other, fresh: 1_000, load: () => 1 })).toThrow(
      `"${other}" shares keys with "${one}"; bind each key and name once`,
    )
  })

  it.each([
    ['user:{id}', 'users:{id}'],
    ['user:{id}', 'user:{id}:info'],
    ['a:b:{x}', 'a:c:{x}'],
  ])('%s and %s are not among them', (one, other) => {
    const { cache } = world()
    cache.use({ key: one, fresh: 1_000, load: () => 1 })
    cache.use({ key: other, fresh: 1_000, load: () => 1 })
  })
})

describe('values', () => {
  it('are frozen in all parts, also where the outermost was frozen already', async () => {
    const { cache } = world()
    const resource = cache.use({ key: 'p', fresh: 60_000, load: async () => Object.freeze({ items: ['a'] }) })
    const value = await resource.get(undefined)
    expect(() => value?.items.push('b')).toThrow(TypeError)
  })

  it('with a form may hold bytes', async () => {
    const { cache } = world()
    const resource = cache.use({
      key: 'p',
      fresh: 60_000,
      form: {
        print: (bytes: Uint8Array) => Buffer.from(bytes).toString('base64'),
        parse: (text) => new Uint8Array(Buffer.from(text, 'base64')),
      },
      load: async () => new Uint8Array([1, 2]),
    })
    expect(await resource.get(undefined)).toEqual(new Uint8Array([1, 2]))
  })

  it('that `set` is given cannot be changed from the call on', async () => {
    const { cache } = world()
    const resource = cache.use({ key: 'p', fresh: 60_000, load: async () => ({ n: 0 }) })
    const value = { n: 1 }
    const done = resource.set(undefined, value)
    expect(() => {
      value.n = 2
    }).toThrow(TypeError)
    await done
    expect(await resource.get(undefined)).toEqual({ n: 1 })
  })

  it('that `set` is given are taken in the call, also where a schema copies them', async () => {
    const { cache, environment } = world()
    const validate = (value: unknown) => ({ value: { ...(value as { n: number }) } })
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
    const options = { key: 'p', fresh: 60_000, schema, load: async () => ({ n: 0 }) } as const
    const resource = cache.use(options)
    const value = { n: 1 }
    const done = resource.set(undefined, value)
    value.n = 2
    await done
    expect(await resource.get(undefined)).toEqual({ n: 1 })
    expect(await environment().use(options).get(undefined)).toEqual({ n: 1 })
  })

  it('that are promises are refused, with the remedy', async () => {
    const { cache } = world()
    const resource = cache.use({ key: 'p', fresh: 60_000, load: async () => ({ n: 0 }) })
    const promise = Promise.resolve({ n: 1 }) as unknown as { n: number }
    await expect(resource.set(undefined, promise)).rejects.toThrow('$ is a promise; await it')
  })

  it('whose form throws are refused without what it said', async () => {
    const { cache } = world()
    const print = () => {
      throw new TypeError('SECRETVAL')
    }
    const form = { print, parse: (text: string) => text }
    const resource = cache.use({ key: 'p', fresh: 60_000, form, load: async () => 'v' })
    const error = await resource.get(undefined).catch(failed)
    expect(error).toMatchObject({ name: 'ValueError', resource: 'p', path: '$' })
    expect(String(error)).not.toContain('SECRETVAL')
  })
})

describe('what `keep` gives', () => {
  it('counts wherever it was made, in a batch too', async () => {
    const { cache, time } = world()
    const resource = cache.use({
      key: 'p:{a}',
      fresh: 60_000,
      load: async () => ({ v: 0 }),
      loadMany: async (list, { each }) => list.map(({ a }) => each[0]?.keep({ v: Number(a) }) ?? { v: -1 }),
    })
    expect(await time.run(resource.getMany([{ a: 1 }, { a: 2 }, { a: 3 }]))).toEqual([{ v: 1 }, { v: 2 }, { v: 3 }])
  })

  const wrong: readonly (readonly [string, (keep: Keep) => unknown])[] = [
    ['within a value', (keep) => ({ a: [keep(1)] })],
    ['given to keep again', (keep) => keep(keep(1))],
    ['of a promise', (keep) => keep(Promise.resolve(1))],
  ]
  const forms = { JSON: {}, 'a form': { form: { print: JSON.stringify, parse: JSON.parse } } }

  it.each(
    wrong.flatMap(([where, load]) => Object.entries(forms).map(([by, form]) => [where, by, load, form] as const)),
  )('is refused %s with %s, and nothing is stored', async (_where, _by, load, form) => {
    const { cache, time, events } = world()
    const options = { key: 'p', fresh: 60_000, ...form } as const
    const resource = cache.use({ ...options, load: async (_params, { keep }) => load(keep as Keep) as number })
    expect(await time.run(resource.get(undefined)).catch(failed)).toMatchObject({ name: 'ValueError' })
    expect(events.filter(({ type }) => type === 'publish')).toEqual([])
  })

  it('is refused from `unchanged` of another load', async () => {
    const { cache, time } = world()
    const saved: unknown[] = []
    const resource = cache.use({
      key: 'p',
      fresh: 60_000,
      load: async (_params, { previous, unchanged }) => {
        if (previous === undefined) return 1
        saved.push(unchanged())
        return saved[0] as never
      },
    })
    await resource.get(undefined)
    for (let call = 0; call < 2; call += 1) {
      time.pass(1_000)
      await time.run(resource.get(undefined, { maxAge: 0 })).catch(failed)
    }
    time.pass(1_000)
    const error = await time.run(resource.get(undefined, { maxAge: 0 })).catch(failed)
    expect(error).toEqual(new TypeError('unchanged: return it from the load of p that called it'))
  })
})

describe('a mistake in calling what a loader is given', () => {
  it.each([
    ['an unknown option', (keep: Keep) => keep(1, { ttl: 5 }), /keep: unknown option "ttl"/],
    ['a wrong length', (keep: Keep) => keep(1, { fresh: -1 }), /keep: option "fresh" must be ms/],
    ['a mark that is too long', (keep: Keep) => keep(1, { mark: 'x'.repeat(1_001) }), /keep: option "mark"/],
  ])('is a TypeError that names the field: %s', async (_what, load, message) => {
    const { cache, time, events } = world()
    let loads = 0
    const resource = cache.use({
      key: 'p',
      fresh: 60_000,
      load: async (_params, { keep }) => {
        loads += 1
        return load(keep as Keep) as number
      },
    })
    const error = await time.run(resource.get(undefined)).catch(failed)
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toMatch(message)
    expect(loads).toBe(1)
    expect(events.filter(({ type }) => type === 'publish')).toEqual([])
  })

  it('is one too where `unchanged` has no previous value', async () => {
    const { cache, time } = world()
    const resource = cache.use({ key: 'p', fresh: 60_000, load: async (_params, { unchanged }) => unchanged() })
    await expect(time.run(resource.get(undefined))).rejects.toThrow('unchanged: there is no previous value of p')
  })
})

type Keep = (value: unknown, options?: object) => unknown

describe('options', () => {
  it.each([
    ['a text', 'team:1'],
    ['a promise', Promise.resolve(['a'])],
    ['nothing', undefined],
  ])('"tags" that return %s are refused by name', async (_what, tags) => {
    const { cache } = world()
    const resource = cache.use({ key: 'p:{id}', fresh: 60_000, tags: () => tags as never, load: async () => 1 })
    await expect(resource.get({ id: 1 })).rejects.toThrow('use: option "tags" must return a list of strings')
  })

  it('"none" of more than 400 days are refused', () => {
    const { cache } = world()
    const none = 401 * 86_400_000
    expect(() => cache.use({ key: 'p', fresh: 1, none, load: () => 1 })).toThrow(/"none" must be ms >= 0, at most 400/)
  })

  it('a schema of parameters that throws is named without what it said', async () => {
    const { cache } = world()
    const validate = () => {
      throw new Error('SECRETVAL')
    }
    const params = { '~standard': { version: 1, vendor: 'test', validate } } as never
    const error = await cache
      .use({ key: 'p:{id}', fresh: 1_000, params, load: async () => 1 })
      .get({ id: 1 })
      .catch(failed)
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).not.toContain('SECRETVAL')
  })

  it('of `settle` are checked', async () => {
    await expect(world().cache.settle({ timeout: 'x' as never })).rejects.toThrow(/settle: option "timeout"/)
  })
})
