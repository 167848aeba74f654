import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { aesGcm } from '../seal/aes-gcm.ts'
import { memoryStore } from '../stores/memory.ts'
import { type CacheOptions, createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { fakeTime } from './fake.test-data.ts'

const SIGNS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Text that gzip cannot make shorter after base64, the same for the same seed. */
function noise(length: number, seed = 1): string {
  let state = seed
  return Array.from({ length }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0
    return SIGNS[(state >>> 20) & 63]
  }).join('')
}

/** A store that keeps its bodies where a test sees them. */
function openStore(wall: () => number) {
  const inner = memoryStore({ wall })
  const sizes = new Map<string, number>()
  const lost = new Set<string>()
  const reads: string[] = []
  const isBody = (key: string) => key.startsWith('body~')
  const store: Store = {
    name: 'open',
    async read(key, options) {
      reads.push(key)
      return lost.has(key) ? { image: undefined, time: undefined } : inner.read(key, options)
    },
    async swap(key, swap, options) {
      sizes.set(key, swap.body.length)
      return inner.swap(key, swap, options)
    },
  }
  const bodies = () => [...sizes].filter(([key]) => isBody(key))
  const heads = () => [...sizes].filter(([key]) => !isBody(key))
  const bodyReads = () => reads.filter(isBody).length
  return { store, bodies, heads, lost, bodyReads }
}

function world(options: Partial<CacheOptions> = {}) {
  const time = fakeTime()
  const main = openStore(time.now)
  const far = openStore(time.now)
  const events: CacheEvent[] = []
  const truth = { value: '', loads: 0 }
  const environment = (more: Partial<CacheOptions> = {}) =>
    createCache({
      name: 'shop',
      store: main.store,
      runtime: time.runtime,
      onEvent: (event) => void events.push(event),
      ...options,
      ...more,
    }).use({
      key: 'page:{id}',
      fresh: 60_000,
      usable: 600_000,
      load: async (_params, { previous, unchanged, keep }) => {
        truth.loads += 1
        return previous?.value === truth.value ? unchanged() : keep(truth.value, { mark: 'm' })
      },
    })
  return { time, main, far, events, truth, environment }
}

describe('a large value', () => {
  it('of 2 KB and more is compressed, and stands in the head up to 8 KB', async () => {
    const { environment, truth, main } = world()
    truth.value = 'a long list '.repeat(5_000)
    await environment().get({ id: 1 })
    expect(await environment().get({ id: 1 })).toBe(truth.value)
    expect([truth.loads, main.bodies().length]).toEqual([1, 0])
    expect(Math.max(...main.heads().map(([, size]) => size))).toBeLessThan(3_000)
  })

  it('that is compressed counts in memory as much where it is read as where it is loaded', async () => {
    const time = fakeTime()
    const { store } = openStore(time.now)
    const environment = () => createCache({ name: 'shop', store, runtime: time.runtime })
    const value = 'a long list '.repeat(5_000)
    const bytes = async (cache: ReturnType<typeof createCache>) => {
      const page = cache.use({ key: 'page:{id}', usable: 600_000, load: () => value })
      expect(await page.get({ id: 1 })).toBe(value)
      return cache.report().bytes
    }
    const loaded = await bytes(environment())
    const read = await bytes(environment())
    expect(loaded).toBeGreaterThan(2 * value.length)
    // The marks around it are counted too.
    expect(Math.abs(read - loaded)).toBeLessThan(1_000)
  })

  it('above 8 KB lies in a record of its own, and the head stays small', async () => {
    const { environment, truth, main } = world()
    truth.value = noise(100_000)
    await environment().get({ id: 1 })
    expect(await environment().get({ id: 1 })).toBe(truth.value)
    expect(truth.loads).toBe(1)
    expect(main.bodies().map(([, size]) => size > 100_000)).toEqual([true])
    expect(Math.max(...main.heads().map(([, size]) => size))).toBeLessThan(2_000)
  })

  it('above 32 KB lies in the store for bodies where there is one, up to 5 MB', async () => {
    const { time, main, far, truth } = world()
    const { environment } = world({ store: main.store, bodies: far.store, runtime: time.runtime })
    const resource = environment()
    await resource.set({ id: 1 }, noise(20_000))
    await resource.set({ id: 2 }, noise(1_000_000))
    expect([main.bodies().length, far.bodies().length]).toEqual([1, 1])
    expect(await environment().get({ id: 1 })).toBe(noise(20_000))
    expect(await environment().get({ id: 2 })).toBe(noise(1_000_000))
    expect(truth.loads).toBe(0)
  })

  it('is left as it is in the store for bodies where compressing does not halve it, and compressed where bytes are charged', async () => {
    const { time, main, far } = world()
    const hex = Array.from(noise(250_000), (sign) => (sign.charCodeAt(0) % 16).toString(16)).join('')
    const { environment } = world({ store: main.store, bodies: far.store, runtime: time.runtime })
    await environment().set({ id: 1 }, hex)
    await environment().set({ id: 2 }, 'a long list '.repeat(50_000) + noise(100_000))
    const [asItIs = 0, halved = 0] = far.bodies().map(([, size]) => size)
    expect(asItIs).toBeGreaterThan(hex.length)
    expect(halved).toBeLessThan(300_000)
    expect(await environment().get({ id: 1 })).toBe(hex)
    await world({ store: main.store, runtime: time.runtime }).environment().set({ id: 3 }, hex)
    const [charged = 0] = main.bodies().map(([, size]) => size)
    expect(charged).toBeLessThan(hex.length)
  })

  it('that is too large is rejected before anything is written, and a load of it is told to its callers', async () => {
    const { environment, truth, main } = world()
    const resource = environment()
    const large = noise(400_000)
    await expect(resource.set({ id: 1 }, large)).rejects.toMatchObject({
      name: 'ValueTooLargeError',
      code: 'VALUE_TOO_LARGE',
      limit: 358_400,
      resource: 'page:{id}',
      message: expect.stringMatching(/set "bodies" to an s3Store, or split it$/),
    })
    expect(main.heads()).toEqual([])
    truth.value = large
    await expect(resource.get({ id: 1 })).rejects.toMatchObject({ name: 'ValueTooLargeError' })
    expect(main.bodies()).toEqual([])
  })

  it('that is too large even for the store for bodies is to be split, or stored elsewhere', async () => {
    const { environment, main, far } = world()
    const resource = environment({ bodies: far.store })
    const large = noise(1_000_000).repeat(6)
    await expect(resource.set({ id: 1 }, large)).rejects.toMatchObject({
      code: 'VALUE_TOO_LARGE',
      limit: 5_242_880,
      message: expect.stringMatching(/; split it, or store it elsewhere and cache its address$/),
    })
    expect([...main.heads(), ...far.bodies()]).toEqual([])
  })

  it('is loaded again when its body is lost, and an event says so', async () => {
    const { environment, truth, main, events } = world()
    truth.value = noise(20_000)
    await environment().get({ id: 1 })
    for (const [key] of main.bodies()) main.lost.add(key)
    expect(await environment().get({ id: 1 })).toBe(truth.value)
    expect(truth.loads).toBe(2)
    expect(events.filter(({ type }) => type === 'body-unread')).toHaveLength(1)
  })

  it('is not taken for absent by touch, update and inspect when its body cannot be read', async () => {
    const { environment, truth, main } = world()
    truth.value = noise(20_000)
    await environment().get({ id: 1 })
    for (const [key] of main.bodies()) main.lost.add(key)
    const unread = { name: 'StoreError', code: 'STORE_BODY_UNREAD', retryable: true }
    await expect(environment().touch({ id: 1 })).rejects.toMatchObject(unread)
    await expect(environment().update({ id: 1 }, () => 'new')).rejects.toMatchObject(unread)
    await expect(environment().inspect({ id: 1 })).rejects.toMatchObject(unread)
    main.lost.clear()
    expect(await environment().touch({ id: 1 })).toBe(true)
  })

  it('is read once by an environment, and not by its rechecks', async () => {
    const { environment, truth, main, time } = world()
    truth.value = noise(20_000)
    await environment().get({ id: 1 })
    const other = environment()
    await other.get({ id: 1 })
    expect(main.bodyReads()).toBe(1)
    time.pass(6_000)
    expect(await time.run(other.get({ id: 1 }))).toBe(truth.value)
    time.pass(6_000)
    expect(await time.run(other.get({ id: 1 }, { maxAge: 30_000 }))).toBe(truth.value)
    expect([truth.loads, main.bodyReads()]).toEqual([1, 1])
  })

  it('keeps its value by touch, update and unchanged, each with a body that lives long enough', async () => {
    const { environment, truth, time } = world()
    truth.value = noise(20_000)
    const here = environment()
    await here.get({ id: 1 })
    expect(await here.touch({ id: 1 }, { fresh: 90_000, usable: 900_000 })).toBe(true)
    expect(await environment().get({ id: 1 })).toBe(truth.value)
    time.pass(100_000)
    expect(await time.run(environment().get({ id: 1 }))).toBe(truth.value)
    expect(truth.loads).toBe(2)
    await here.update({ id: 1 }, (value) => `${value}!`)
    expect(await environment().get({ id: 1 })).toBe(`${truth.value}!`)
  })

  it('does not open under another key, or when it was cut short', async () => {
    const codec = aesGcm({ ring: { current: 'k1', keys: { k1: Buffer.alloc(32, 7).toString('base64') } } })
    const { environment, truth, main, events } = world({ codec })
    truth.value = noise(20_000, 1)
    await environment().get({ id: 1 })
    truth.value = noise(20_000, 2)
    await environment().get({ id: 2 })
    const [one, two] = main.bodies().map(([key]) => key)
    const swapped: Store = {
      ...main.store,
      read: (key, options) => main.store.read(key === one ? (two ?? '') : key, options),
    }
    truth.value = 'loaded again'
    expect(await environment({ store: swapped }).get({ id: 1 })).toBe('loaded again')
    expect(events.filter(({ type }) => type === 'body-unread')).toHaveLength(1)
  })

  it('that is slow to read is loaded again within the time of the call, and is no outage of the store of heads', async () => {
    const time = fakeTime()
    const main = openStore(time.now)
    const far = openStore(time.now)
    const after = (ms: number) => new Promise<void>((resolve) => void time.runtime.after(ms, resolve))
    let isSlow = false
    const slowly = (store: Store, ms: number): Store => ({
      ...store,
      async read(key, options) {
        if (isSlow) await after(ms)
        return store.read(key, options)
      },
    })
    const events: CacheEvent[] = []
    const value = noise(60_000)
    const bind = () =>
      createCache({
        name: 'shop',
        store: slowly(main.store, 150),
        bodies: slowly(far.store, 60_000),
        runtime: time.runtime,
        onEvent: (event) => void events.push(event),
      }).use({ key: 'page:{id}', usable: 600_000, load: (_params, { keep }) => keep(value, { tags: ['late'] }) })
    await time.run(bind().get({ id: 1 }))
    isSlow = true
    for (const timeout of [5_000, 2_000]) {
      const startedAt = time.now()
      expect(await time.run(bind().get({ id: 1 }, { timeout }))).toBe(value)
      expect(time.now() - startedAt).toBeLessThan(timeout)
    }
    const types = events.map(({ type }) => type)
    expect(types.filter((type) => type === 'body-unread')).toHaveLength(2)
    expect(types).not.toContain('store-error')
    expect(events).not.toContainEqual(expect.objectContaining({ alone: true }))
  })

  it('leaves the clock of the store for bodies out of versions and expiries', async () => {
    const time = fakeTime()
    const main = openStore(time.now)
    const ahead = memoryStore({ wall: () => time.now() + 3_600_000 })
    const { environment, truth } = world({ store: main.store, runtime: time.runtime, bodies: ahead })
    truth.value = noise(60_000)
    const here = environment()
    await here.set({ id: 1 }, truth.value)
    await here.get({ id: 2 })
    for (const id of [1, 2]) {
      const { version = 0 } = (await here.inspect({ id })) ?? {}
      expect(Math.abs(version - time.now())).toBeLessThan(1_000)
    }
  })

  it('is handed to its callers when its body cannot be written, and loaded again later', async () => {
    const { main, truth, environment, time } = world()
    const full: Store = {
      ...main.store,
      swap: async (key, swap, options) => {
        if (!key.startsWith('body~')) return main.store.swap(key, swap, options)
        throw Object.assign(new Error('full'), { name: 'StoreFault', code: 'STORE_UNAVAILABLE', retryable: true })
      },
    }
    truth.value = noise(20_000)
    const here = environment({ store: full })
    expect(await time.run(here.get({ id: 1 }))).toBe(truth.value)
    await expect(time.run(here.set({ id: 2 }, truth.value))).rejects.toMatchObject({ name: 'StoreError' })
  })
})
