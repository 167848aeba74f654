import { describe, expect, it } from 'vitest'
import type { Codec } from '../contracts.ts'
import { gate } from './fake.test-data.ts'
import { ValueError } from './value.ts'
import { world } from './world.test-data.ts'

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
