import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { createCache } from './cache.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'
import '../engine/miss/miss-path.ts'

function world() {
  const time = fakeTime()
  const { store, counts } = countingStore(time.now)
  const truth: { value: string | undefined } = { value: 'old' }
  const written: string[] = []
  const environment = (through: Store = store) => {
    const cache = createCache({ name: 'shop', store: through, runtime: time.runtime, onEvent: () => {} })
    const resource = cache.use({
      key: 'a:{id}',
      usable: 7_200_000,
      none: 30_000,
      load: async () => truth.value,
      write: async (_params, value: string) => {
        written.push(value)
        return value
      },
    })
    return { cache, resource, get: () => time.run(resource.get({ id: 1 })) }
  }
  return { time, store, counts, truth, written, environment }
}

/** A store that applies a swap and holds its answer back while it is told to. */
function holding(store: Store) {
  const [applied, release] = [gate(), gate()]
  let isHolding = false
  const held: Store = {
    ...store,
    async swap(...parts) {
      const isHeld = isHolding
      isHolding = false
      const result = await store.swap(...parts)
      if (isHeld) {
        applied.open()
        await release.opened
      }
      return result
    },
  }
  const hold = (): void => {
    isHolding = true
  }
  return { held, applied: applied.opened, release: () => release.open(), hold }
}

describe('two changes of one key by one environment, of which the answer to the first comes last', () => {
  it('leave the value of the second', async () => {
    const { environment, store, time } = world()
    const { held, applied, release, hold } = holding(store)
    const { resource, get } = environment(held)
    await get()
    hold()
    const first = resource.set({ id: 1 }, 'first')
    await applied
    time.pass(1)
    await resource.set({ id: 1 }, 'second')
    release()
    await first
    expect(resource.peek({ id: 1 })).toBe('second')
    expect(await get()).toBe('second')
  })

  it('leave nothing where the second is a delete', async () => {
    const { environment, store, time, truth } = world()
    const { held, applied, release, hold } = holding(store)
    const { resource, get } = environment(held)
    hold()
    const first = resource.set({ id: 1 }, 'first')
    await applied
    time.pass(1)
    await resource.delete({ id: 1 })
    release()
    await first
    expect(resource.peek({ id: 1 })).toBeUndefined()
    truth.value = 'loaded'
    expect(await get()).toBe('loaded')
  })
})

describe('an environment that has not seen the switches of now', () => {
  const changes = {
    set: (resource: Bound) => resource.set({ id: 1 }, 'new'),
    update: (resource: Bound) => resource.update({ id: 1 }, () => 'new'),
    touch: (resource: Bound) => resource.touch({ id: 1 }),
    delete: (resource: Bound) => resource.delete({ id: 1 }),
    write: (resource: Bound) => resource.write({ id: 1 }, 'new'),
  }
  type Bound = ReturnType<ReturnType<typeof world>['environment']>['resource']

  describe.each(Object.entries(changes))('calls %s', (_name, call) => {
    it('which rejects while others have switched to read-only, and writes nothing', async () => {
      const { environment, time, counts, written } = world()
      const [idle, cold, admin] = [environment(), environment(), environment()]
      await idle.get()
      await admin.cache.control({ readOnly: true })
      time.pass(3_600_000)
      const { swaps } = counts
      for (const { resource } of [idle, cold])
        await expect(time.run<unknown>(call(resource))).rejects.toMatchObject({ code: 'CACHE_READ_ONLY' })
      expect([counts.swaps, written]).toEqual([swaps, []])
    })

    it('which is accepted once others have switched back', async () => {
      const { environment, time } = world()
      const [here, admin] = [environment(), environment()]
      await here.get()
      await here.cache.control({ readOnly: true })
      await admin.cache.control({ readOnly: false })
      await time.run<unknown>(call(here.resource))
    })
  })
})

describe('that there is none, while it is remembered', () => {
  it('is nothing that touch could renew', async () => {
    const { environment, time, truth, counts } = world()
    truth.value = undefined
    const { resource, get } = environment()
    await get()
    const { swaps } = counts
    expect(await resource.touch({ id: 1 })).toBe(false)
    expect(counts.swaps).toBe(swaps)
    truth.value = 'there'
    time.pass(30_001)
    expect(await get()).toBe('there')
  })

  it('gives its life to no value that update makes', async () => {
    const { environment, time, truth } = world()
    truth.value = undefined
    const { resource, get } = environment()
    await get()
    time.pass(25_000)
    await resource.update({ id: 1 }, () => 'made')
    expect((await resource.inspect({ id: 1 }))?.usable).toBeGreaterThan(7_000_000)
    time.pass(60_000)
    expect(await get()).toBe('made')
  })
})
