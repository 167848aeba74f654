import { describe, expect, it } from 'vitest'
import { world } from './world.test-data.ts'

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
