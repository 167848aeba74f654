import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { world } from './world.test-data.ts'

describe('a get whose load is overtaken by invalidations', () => {
  it('is served what was loaded for it, by which no later call is served', async () => {
    const { environment, time, store } = world()
    const slow: Store = {
      ...store,
      async read(key, options) {
        await new Promise<void>((resolve) => void time.runtime.after(2, resolve))
        return store.read(key, options)
      },
    }
    const { readMany: _readMany, ...oneByOne } = slow
    const cache = environment({ store: oneByOne })
    let loads = 0
    const resource = cache.use({
      key: 'busy',
      fresh: 600_000,
      load: async () => {
        loads += 1
        await cache.invalidate({ everything: true })
        return loads
      },
    })
    expect(await time.run(resource.get(undefined))).toBe(1)
    expect(await time.run(resource.get(undefined))).toBe(2)
  })
})

describe('a get with maxAge 0 whose load is overtaken by changes of others', () => {
  it('is served what was loaded for it', async () => {
    const { environment, time } = world()
    let loads = 0
    const resource = environment().use({
      key: 'contended',
      fresh: 600_000,
      load: async () => {
        loads += 1
        await theirs.set(undefined, 'theirs')
        return 'loaded'
      },
    })
    const theirs = environment().use({ key: 'contended', fresh: 600_000, load: () => 'unused' })
    expect(await time.run(resource.get(undefined, { maxAge: 0 }))).toBe('loaded')
    expect(loads).toBe(1)
    expect(await time.run(resource.get(undefined))).toBe('theirs')
  })
})
